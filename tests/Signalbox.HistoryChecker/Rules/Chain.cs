using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// What holds for the entries of one run whatever they say: I1 (seq counts up from 0), I2 (epochs rise by leases alone, and each belongs to one
/// worker), I19 (each hash covers its entry and the hash before).
/// </summary>
internal sealed class Chain(Findings findings, ChainHash hash)
{
    private long _seq = -1;
    private long _epoch;
    private string? _worker;
    private byte[] _hash = new byte[32];

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
        TakeHash(entry);
        _seq = Math.Max(_seq, entry.Seq);
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
