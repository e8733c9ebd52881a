using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// What holds for the entries of one run whatever they say: I1 (seq counts up from 0), I2 (epochs rise by leases alone, and each belongs to one
/// worker), I19 (each hash covers its entry and the hash before; bodies are missing only before a <c>run.erased</c>, which seals what is left of them).
/// </summary>
internal sealed class Chain(Findings findings, ChainHash hash)
{
    private long _seq = -1;
    private long _epoch;
    private string? _worker;
    private byte[] _hash = new byte[32];
    private byte[] _seal = new byte[32];
    private long _entries, _erased;
    private Entry? _open, _end;

    /// <summary>Whether entries are missing or out of order, so that nothing can be said about what they add up to.</summary>
    public bool IsBroken { get; private set; }

    public void Take(Entry entry)
    {
        if (entry.Seq != _seq + 1)
        {
            IsBroken = true;
            findings.Add("I1", entry, $"seq {_seq + 1}", $"{entry.Seq}");
        }

        TakeEpoch(entry);
        if (_end is not null)
        {
            findings.Add("I19", entry, "nothing after 'run.erased'", $"'{entry.Kind}'");
        }

        if (entry.IsErased)
        {
            TakeErased(entry);
        }
        else
        {
            TakeHash(entry);
            TakeErasure(entry);
        }

        _entries++;
        _seq = Math.Max(_seq, entry.Seq);
    }

    public void End()
    {
        if (_open is not null)
        {
            findings.Add("I19", _open, "a later 'run.erased' of the run that says so", "none");
        }
    }

    /// <summary>Of an erased entry the hash cannot be told any more, since its cause is gone too: the seal vouches for what is left.</summary>
    private void TakeErased(Entry entry)
    {
        if (!entry.Body.IsEmpty || entry.Salt.Length > 0 || entry.Cause.Length > 0)
        {
            findings.Add("I19", entry, "an erased entry without body, salt and cause", "one that has some of it");
        }

        _open ??= entry;
        _erased++;
        _seal = hash.Seal(_seal, entry);
        _hash = entry.Hash;
    }

    private void TakeErasure(Entry entry)
    {
        if (entry.Kind != "run.erased")
        {
            if (_open is not null)
            {
                findings.Add("I19", entry, "all entries before 'run.erased' to be erased, or none", "one that is not, after some that are");
            }

            return;
        }

        _open = null;
        _end = entry;
        if (_erased != _entries)
        {
            findings.Add("I19", entry, $"all {_entries} entries before it to be erased", $"{_erased}");
        }

        try
        {
            using var document = Body.Parse(entry);
            var body = new Body(document.RootElement);
            var seal = Convert.ToHexStringLower(_seal);
            if (!IsBroken && body.Text("seal") is var stated && stated != seal)
            {
                findings.Add("I19", entry, $"the seal {seal} over what is left", stated);
            }

            if (!IsBroken && body.OptionalNumber("entries") != entry.Seq)
            {
                findings.Add("I19", entry, $"{entry.Seq} entries before it", $"{body.OptionalNumber("entries")}");
            }
        }
        catch (BodyFaultException e)
        {
            findings.Add("I3", entry, e.Expected, e.Got);
        }
    }

    private void TakeEpoch(Entry entry)
    {
        var leases = entry.Kind == "run.leased";
        if (entry.Epoch < _epoch)
        {
            findings.Add("I2", entry, $"an epoch not below {_epoch}", $"{entry.Epoch}");
            return;
        }

        if (leases && entry.Epoch == _epoch)
        {
            findings.Add("I2", entry, $"a lease under epoch {_epoch + 1}", $"one by '{entry.Actor}' under epoch {_epoch}, which belongs to '{_worker ?? "nobody"}'");
            return;
        }

        if (!IsBroken && entry.Epoch != _epoch + (leases ? 1 : 0))
        {
            findings.Add("I2", entry, leases ? $"a lease under epoch {_epoch + 1}" : $"epoch {_epoch} until the next lease", $"{entry.Epoch}");
        }

        if (leases)
        {
            _worker = entry.Actor;
        }
        else if (entry.Epoch != _epoch)
        {
            _worker = null; // its lease is among the missing entries
        }
        else if (_worker is not null && entry.Actor.StartsWith("worker:", StringComparison.Ordinal) && entry.Actor != _worker)
        {
            findings.Add("I2", entry, $"epoch {_epoch} to be written by '{_worker}' alone", $"an entry by '{entry.Actor}'");
        }

        _epoch = entry.Epoch;
    }

    private void TakeHash(Entry entry)
    {
        if (entry.Salt.Length == 0 != entry.Body.IsEmpty)
        {
            findings.Add("I19", entry, "a salt with a body and none without", entry.Body.IsEmpty ? "a salt without a body" : "a body without a salt");
        }

        Span<byte> expected = stackalloc byte[32];
        hash.Of(_hash, entry, expected);
        if (!expected.SequenceEqual(entry.Hash))
        {
            findings.Add("I19", entry, $"hash {Convert.ToHexStringLower(expected)}", Convert.ToHexStringLower(entry.Hash));
        }

        // The stated hash, so that one altered entry is one violation.
        _hash = entry.Hash;
    }
}
