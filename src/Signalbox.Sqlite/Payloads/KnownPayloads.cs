using System.Collections.Concurrent;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Payloads;

/// <summary>Some of the payloads that are in the database for certain, so that what is referred to again and again is not packed again. Thread-safe.</summary>
internal sealed class KnownPayloads
{
    private const int KeptMax = 2_048;
    private readonly ConcurrentDictionary<PayloadHash, long> _ids = new();
    private int _count;

    public bool Contains(PayloadHash hash) => _ids.ContainsKey(hash);

    public bool TryGet(PayloadHash hash, out long id) => _ids.TryGetValue(hash, out id);

    /// <summary>Forgets all of them: some may be gone from the database.</summary>
    public void Clear()
    {
        Interlocked.Exchange(ref _count, 0);
        _ids.Clear();
    }

    public void Add(PayloadHash hash, long id)
    {
        if (!_ids.TryAdd(hash, id))
        {
            return;
        }

        // Forgetting all of them now and then costs a look-up each and needs no order of use.
        if (Interlocked.Increment(ref _count) > KeptMax)
        {
            Interlocked.Exchange(ref _count, 0);
            _ids.Clear();
        }
    }
}
