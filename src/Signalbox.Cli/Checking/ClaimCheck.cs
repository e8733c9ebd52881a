using System.Globalization;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Checking;

/// <summary>Makes the claims and limits anew of all entries in the order of the log, and compares them with those that the store keeps.</summary>
internal sealed class ClaimCheck(IRunReader reader, CheckReport report)
{
    private const int Page = 500;
    private const int Attempts = 10;
    private const int UsesCompared = 100;

    private readonly MemoryClaimTable _made = new();
    private bool _canFold = true;
    private bool _erased;

    public void Add(Entry entry)
    {
        if (entry.IsErased)
        {
            _erased = true; // it made nothing that stands, but what it used up of limits is still counted, and who made an effect that another stands by is not told any more
            return;
        }

        try
        {
            if (_canFold)
            {
                CommitRules.Apply([entry], _made);
            }
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException or NullReferenceException)
        {
            _canFold = false; // the run's own check has said which body cannot be read
        }
    }

    /// <summary>Compares, at a moment at which the log ends where it was added up to. While others write, what they write is added and the comparison tried again, a few times.</summary>
    public async Task CompareAsync(long position, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts && _canFold; attempt++)
        {
            var kept = await KeptAsync(cancellationToken);
            var used = await UsedAsync(cancellationToken);
            var more = await reader.ReadLogAsync(position, Page, cancellationToken);
            if (more.Count == 0)
            {
                Compare(kept);
                if (!_erased)
                {
                    Compare(used);
                }

                report.Claims = kept.Count;
                return;
            }

            for (; more.Count > 0; more = await reader.ReadLogAsync(position, Page, cancellationToken))
            {
                foreach (var entry in more)
                {
                    Add(entry);
                }

                position = more[^1].Position;
            }
        }
    }

    private async Task<List<ClaimRow>> KeptAsync(CancellationToken cancellationToken)
    {
        var kept = new List<ClaimRow>();
        while (await reader.ClaimsAsync(new ClaimQuery { WithExpired = true, Limit = Page, After = kept.Count == 0 ? null : kept[^1].Position }, cancellationToken) is { Count: > 0 } page)
        {
            kept.AddRange(page);
        }

        return kept;
    }

    /// <summary>Of each limit: what was used up in all, and since each of its last uses.</summary>
    private async Task<List<(string Limit, long After, long Kept)>> UsedAsync(CancellationToken cancellationToken)
    {
        var used = new List<(string, long, long)>();
        foreach (var limit in _made.Uses.GroupBy(u => u.Limit))
        {
            foreach (var after in limit.Select(u => u.At - 1).Distinct().TakeLast(UsesCompared).Prepend(long.MinValue))
            {
                used.Add((limit.Key, after, await reader.UsedAsync(limit.Key, after, cancellationToken)));
            }
        }

        return used;
    }

    private void Compare(List<ClaimRow> kept)
    {
        var made = _made.All.ToDictionary(KeyOf);
        foreach (var row in kept)
        {
            if (!made.Remove(KeyOf(row), out var expected))
            {
                report.Add(FaultCodes.ClaimDiffers, row.Run, null, "none", Text(row));
            }
            else if (expected != (_erased ? row with { Made = expected.Made } : row))
            {
                report.Add(FaultCodes.ClaimDiffers, row.Run, null, Text(expected), Text(row));
            }
        }

        foreach (var missing in made.Values.OrderBy(r => r.Position))
        {
            report.Add(FaultCodes.ClaimDiffers, missing.Run, null, Text(missing), "none");
        }

        static (string, string) KeyOf(ClaimRow row) => (row.Claim.Resource.Path, row.ActionId);
    }

    private void Compare(List<(string Limit, long After, long Kept)> used)
    {
        foreach (var limit in used.GroupBy(u => u.Limit))
        {
            // One fault for each limit: where it is first seen, in all or since which use.
            if (limit.Where(u => u.Kept != _made.Used(u.Limit, u.After)).Select(u => ((string, long, long)?)u).FirstOrDefault() is var (name, after, kept))
            {
                var since = after == long.MinValue ? "" : $" since {Microseconds.ToTime(after + 1):O}";
                report.Add(FaultCodes.ClaimDiffers, null, null, $"limit {name}: {Number(_made.Used(name, after))} used{since}", $"{Number(kept)} used{since}");
            }
        }
    }

    private static string Text(ClaimRow row)
    {
        var claim = row.Claim;
        var against = claim.Against is { Count: > 0 } intents ? $" against {string.Join(", ", intents)}" : "";
        var marks = $"{(row.Until is { } until ? $" until {Microseconds.ToTime(until):O}" : "")}{(row.Made ? " made" : "")}{(row.Undo ? " undo" : "")}{(row.Told ? " told" : "")}";
        return $"{row.Phase} {claim.Intent} {claim.Resource.Name}{against} ({claim.Resource.Path}) by {row.Action} {row.ActionId} run {row.Run} at '{row.Scope}' '{row.Step}' position {Number(row.Position)} since {Microseconds.ToTime(row.At):O} priority {Number(row.Priority)}{marks}";
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
