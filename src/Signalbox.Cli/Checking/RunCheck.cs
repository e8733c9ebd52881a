using System.Globalization;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Checking;

/// <summary>
/// Checks one run: its chain, its order, its payloads, its transitions, and that its row is what its entries make. Goes on after a fault, and takes each
/// stored hash as the next one's beginning, so that one altered entry is one fault and not a thousand.
/// </summary>
internal sealed class RunCheck(IRunReader reader, CheckReport report)
{
    private readonly DefinitionCheck _definitions = new(reader, report);
    private readonly PayloadSet _payloads = new();
    private ReadOnlyMemory<byte> _seal;
    private bool _erased;

    public async Task CheckAsync(RunHead stored, CancellationToken cancellationToken)
    {
        var definition = await _definitions.FindAsync(stored.Row, cancellationToken);
        Entry? before = null;
        RunHead? folded = null;
        var canFold = !stored.Row.IsErased;
        (_seal, _erased) = (EntryHash.Origin, false);
        await foreach (var entry in reader.EntriesAsync(stored.Row.Run, lastSeq: stored.Seq, cancellationToken: cancellationToken))
        {
            report.CountEntry();
            Chain(stored, before, entry);
            Order(before, entry);
            if (stored.Row.IsErased)
            {
                before = entry;
                continue;
            }

            await PayloadsAsync(entry, cancellationToken);
            try
            {
                if (definition is not null)
                {
                    _definitions.Check(definition, entry, folded?.Row.State ?? before?.State ?? "");
                }

                folded = canFold ? RunHead.Apply(folded, entry) : null;
            }
            catch (Exception e) when (e is JournalDamagedException or ArgumentException or NullReferenceException)
            {
                report.Add(FaultCodes.BodyUnreadable, entry.Run, entry.Seq, $"a body of '{entry.Kind}'", e.Message);
                canFold = false;
                folded = null;
            }

            before = entry;
        }

        End(stored, before, folded);
        report.Runs++;
    }

    private void Chain(RunHead stored, Entry? before, Entry entry)
    {
        if (entry.IsErased)
        {
            // Its cause is gone too, so that its hash cannot be told anew: the seal in the last entry is over what is left, hashes included.
            _seal = EntryHash.Seal(_seal.Span, entry);
            _erased = true;
            if (!stored.Row.IsErased || !entry.Body.IsEmpty || !entry.Salt.IsEmpty || entry.Cause.Length > 0)
            {
                report.Add(FaultCodes.ErasureBroken, entry.Run, entry.Seq, "an entry without body and cause, of a run that was erased", stored.Row.IsErased ? "an entry that has some of it" : "an erased entry of a run that was not");
            }

            return;
        }

        if (stored.Row.IsErased)
        {
            Erasure(entry);
        }

        var expected = EntryHash.Compute((before?.Hash ?? EntryHash.Origin).Span, entry);
        if (!entry.Hash.Span.SequenceEqual(expected))
        {
            report.Add(FaultCodes.HashWrong, entry.Run, entry.Seq, Convert.ToHexStringLower(expected), Convert.ToHexStringLower(entry.Hash.Span));
        }
    }

    /// <summary>Of an erased run, the one entry that is not erased.</summary>
    private void Erasure(Entry entry)
    {
        if (entry.Kind != EntryKinds.RunErased)
        {
            report.Add(FaultCodes.ErasureBroken, entry.Run, entry.Seq, $"an entry that was erased, or '{EntryKinds.RunErased}'", $"'{entry.Kind}' that was not");
            return;
        }

        report.ErasedRuns++;
        try
        {
            var body = Body.Read<RunErased>(entry);
            var seal = Convert.ToHexStringLower(_seal.Span);
            if (body.Seal != seal || body.Entries != entry.Seq)
            {
                report.Add(FaultCodes.ErasureBroken, entry.Run, entry.Seq, $"the seal {body.Seal} over {body.Entries} entries", $"{seal} over {Text(entry.Seq)}");
            }
        }
        catch (JournalDamagedException e)
        {
            report.Add(FaultCodes.BodyUnreadable, entry.Run, entry.Seq, $"a body of '{entry.Kind}'", e.Message);
        }
    }

    private void Order(Entry? before, Entry entry)
    {
        var seq = before is null ? 0 : before.Seq + 1;
        if (entry.Seq != seq)
        {
            report.Add(FaultCodes.SeqGap, entry.Run, entry.Seq, Text(seq), Text(entry.Seq));
        }

        if (before is null)
        {
            return;
        }

        if (entry.Position <= before.Position)
        {
            report.Add(FaultCodes.PositionOrder, entry.Run, entry.Seq, $"a position after {before.Position}", Text(entry.Position));
        }

        if (entry.Epoch < before.Epoch)
        {
            report.Add(FaultCodes.EpochFell, entry.Run, entry.Seq, $"epoch {before.Epoch} or higher", Text(entry.Epoch));
        }

        if (entry.At < before.At)
        {
            report.Add(FaultCodes.TimeFell, entry.Run, entry.Seq, $"{before.At} or later", Text(entry.At));
        }
    }

    private async ValueTask PayloadsAsync(Entry entry, CancellationToken cancellationToken)
    {
        foreach (var hash in PayloadReferences.In(entry))
        {
            if (!_payloads.Add(hash))
            {
                continue;
            }

            report.Payloads++;
            var bytes = await reader.FindPayloadAsync(hash, cancellationToken);
            if (bytes is null || PayloadHash.Of(bytes.Value.Span) != hash)
            {
                report.Add(FaultCodes.PayloadMissing, entry.Run, entry.Seq, $"payload {hash}", "nothing, or something altered");
            }
        }
    }

    private void End(RunHead stored, Entry? last, RunHead? folded)
    {
        if (last?.Seq != stored.Seq)
        {
            report.Add(FaultCodes.SeqGap, stored.Row.Run, stored.Seq, $"entries up to {stored.Seq}", last is null ? "none" : $"up to {last.Seq}");
        }

        if (stored.Row.IsErased && (last?.Kind != EntryKinds.RunErased || !_erased || stored.Row is not { Key: null, Labels.Count: 0, Reason: null, IsOpen: false } || stored.Waits.Length + stored.Mailbox.Length > 0))
        {
            report.Add(FaultCodes.ErasureBroken, stored.Row.Run, null, $"a journal that ends with '{EntryKinds.RunErased}', and a row without key, labels and reason", last is null ? "no entry" : $"one that ends with '{last.Kind}'");
        }

        if (folded is not null)
        {
            foreach (var (expected, got) in RowDifferences.Between(folded, stored))
            {
                report.Add(FaultCodes.RowDiffers, stored.Row.Run, null, expected, got);
            }
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
