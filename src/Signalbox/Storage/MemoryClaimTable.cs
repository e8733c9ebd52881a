namespace Signalbox.Storage;

/// <summary>Claims and limits in memory: what the in-memory store keeps, and what a check of a store rebuilds from its log. Not safe to call from several threads at once.</summary>
public sealed class MemoryClaimTable : IClaimTable
{
    private readonly Dictionary<string, List<ClaimRow>> _byPath = [];
    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<ClaimRow>> _byAction = [];
    private readonly Dictionary<string, Queue<(long At, long Amount)>> _limits = [];

    /// <summary>All claims, in no particular order.</summary>
    public IEnumerable<ClaimRow> All => _byAction.Values.SelectMany(rows => rows);

    /// <inheritdoc />
    public IReadOnlyList<ClaimRow> Overlapping(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var found = new List<ClaimRow>();
        var byPrefix = _byPath.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var length = 1; length < path.Length; length++)
        {
            if (byPrefix.TryGetValue(path.AsSpan(0, length), out var above))
            {
                found.AddRange(above);
            }
        }

        foreach (var within in _paths.GetViewBetween(path, path + char.MaxValue))
        {
            found.AddRange(_byPath[within]);
        }

        return found;
    }

    /// <inheritdoc />
    public IReadOnlyList<ClaimRow> Of(string actionId) => _byAction.TryGetValue(actionId, out var rows) ? [.. rows] : [];

    /// <inheritdoc />
    public IReadOnlyList<ClaimRow> OfRun(RunId run) => [.. All.Where(r => r.Run == run)];

    /// <inheritdoc />
    public IReadOnlyList<ClaimRow> Queued() => [.. All.Where(r => r.Phase == ClaimPhase.Queued).OrderBy(r => r.Position)];

    /// <inheritdoc />
    public void Put(ClaimRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Remove(row);
        Add(_byPath, row.Claim.Resource.Path, row);
        Add(_byAction, row.ActionId, row);
        _paths.Add(row.Claim.Resource.Path);
    }

    /// <inheritdoc />
    public void Remove(ClaimRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var path = row.Claim.Resource.Path;
        if (Take(_byPath, path, r => r.ActionId == row.ActionId))
        {
            _paths.Remove(path);
        }

        Take(_byAction, row.ActionId, r => r.Claim.Resource.Path == path);
    }

    /// <inheritdoc />
    public long Used(string limit, long after) => _limits.TryGetValue(limit, out var uses) ? uses.Where(u => u.At > after).Sum(u => u.Amount) : 0;

    /// <inheritdoc />
    public void Use(string limit, long at, long amount, long forget)
    {
        if (!_limits.TryGetValue(limit, out var uses))
        {
            _limits[limit] = uses = new();
        }

        while (uses.TryPeek(out var oldest) && oldest.At <= forget)
        {
            uses.Dequeue();
        }

        uses.Enqueue((at, amount));
    }

    private static void Add(Dictionary<string, List<ClaimRow>> rows, string key, ClaimRow row)
    {
        if (!rows.TryGetValue(key, out var list))
        {
            rows[key] = list = [];
        }

        list.Add(row);
    }

    /// <summary>True if nothing is left under the key.</summary>
    private static bool Take(Dictionary<string, List<ClaimRow>> rows, string key, Predicate<ClaimRow> which)
    {
        if (!rows.TryGetValue(key, out var list))
        {
            return false;
        }

        list.RemoveAll(which);
        return list.Count == 0 && rows.Remove(key);
    }
}
