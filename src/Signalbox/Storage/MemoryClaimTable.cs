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

    /// <summary>What was used up of limits, and when (microseconds since 1970), so far as it is not forgotten.</summary>
    public IEnumerable<(string Limit, long At, long Amount)> Uses => _limits.SelectMany(limit => limit.Value.Select(use => (limit.Key, use.At, use.Amount)));

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

        // Ordinal order puts everything that begins with the path right behind it; no last text could bound that from above.
        if (_paths.Max is { } last && string.CompareOrdinal(path, last) <= 0)
        {
            found.AddRange(_paths.GetViewBetween(path, last).TakeWhile(p => p.StartsWith(path, StringComparison.Ordinal)).SelectMany(p => _byPath[p]));
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
