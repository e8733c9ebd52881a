using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>How an action has a claim at the moment.</summary>
internal enum ClaimForm
{
    /// <summary>It waits for others.</summary>
    Queued,

    /// <summary>From its intent until it is settled.</summary>
    Held,

    /// <summary>It is verified and was not taken back, released, overruled, and has not expired.</summary>
    Standing,
}

/// <summary>One claim of one action that others have to mind.</summary>
internal sealed class LiveClaim(ActionClaims owner, ClaimBody claim, ClaimForm form, Entry entry)
{
    public ActionClaims Owner { get; } = owner;

    public ClaimBody Claim { get; } = claim;

    public ClaimForm Form { get; } = form;

    public long Position { get; } = entry.Position;

    public long Seq { get; } = entry.Seq;

    /// <summary>When it ends by itself.</summary>
    public long? Until { get; init; }

    /// <summary>Held for taking the effect back.</summary>
    public bool Undo { get; init; }

    /// <summary>The effect did not stand before this action made it.</summary>
    public bool Made { get; set; }

    public bool IsLive(long at) => Until is null || Until > at;

    public override string ToString() => $"{Claim} by '{Owner.Id}' of run '{Owner.Run}', {Form switch { ClaimForm.Queued => "queued", ClaimForm.Held => "held", _ => "standing" }} since seq {Seq}";
}

/// <summary>The live claims of one action.</summary>
internal sealed class ActionClaims(string id, string run)
{
    public string Id { get; } = id;

    public string Run { get; } = run;

    public List<LiveClaim> All { get; } = [];

    public long Priority { get; set; }

    /// <summary>What it claimed when it was proposed or queued, and its intent must claim too.</summary>
    public IReadOnlyList<ClaimBody>? Announced { get; set; }

    /// <summary>Whether it was told that it is its turn.</summary>
    public bool IsTold { get; set; }

    /// <summary>Its place in the queue, as a position of the log.</summary>
    public long? Place => All.Find(c => c.Form == ClaimForm.Queued)?.Position;
}

/// <summary>
/// The live claims by path. Two resources overlap when one's path begins the other's: those within a path follow it in order, and those around it are its own beginnings, of the few lengths that occur.
/// </summary>
internal sealed class ClaimIndex
{
    private readonly Dictionary<string, List<LiveClaim>> _byPath = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, int> _lengths = [];

    public void Add(LiveClaim claim)
    {
        var path = claim.Claim.Path;
        if (!_byPath.TryGetValue(path, out var there))
        {
            _byPath.Add(path, there = []);
            _paths.Add(path);
            _lengths[path.Length] = _lengths.GetValueOrDefault(path.Length) + 1;
        }

        there.Add(claim);
        claim.Owner.All.Add(claim);
    }

    public void Remove(LiveClaim claim)
    {
        claim.Owner.All.Remove(claim);
        var path = claim.Claim.Path;
        if (_byPath.TryGetValue(path, out var there) && there.Remove(claim) && there.Count == 0)
        {
            _byPath.Remove(path);
            _paths.Remove(path);
            if (--_lengths[path.Length] == 0)
            {
                _lengths.Remove(path.Length);
            }
        }
    }

    /// <summary>The claims that have not ended by themselves at that time, on what overlaps a path.</summary>
    public List<LiveClaim> Overlapping(string path, long at)
    {
        var found = new List<LiveClaim>();
        var around = _byPath.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var length in _lengths.Keys)
        {
            if (length >= path.Length)
            {
                break;
            }

            if (around.TryGetValue(path.AsSpan(0, length), out var there))
            {
                found.AddRange(there);
            }
        }

        foreach (var within in _paths.GetViewBetween(path, path + char.MaxValue))
        {
            found.AddRange(_byPath[within]);
        }

        foreach (var ended in found.Where(c => c.Form == ClaimForm.Standing && !c.IsLive(at)).ToArray())
        {
            Remove(ended);
        }

        found.RemoveAll(c => !c.IsLive(at));
        return found;
    }
}
