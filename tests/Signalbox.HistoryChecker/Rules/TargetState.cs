namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I10, for targets that only have a state too (T3): what is there at the end is what the verified actions and the rulings add up to. A resource is there while an action
/// that was verified and not undone holds it, or where it stood before us; one with an action whose end nobody knows may be there or not.
/// </summary>
internal sealed class TargetState(Findings findings, Actions actions, Claims claims, HistoryOptions options)
{
    private readonly Dictionary<string, Holding> _holdings = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unsure = new(StringComparer.Ordinal);

    public void Check(IEnumerable<string> lines)
    {
        Fold();
        Overrule();
        var there = Read(lines);
        var open = _unsure.Concat(actions.All.Where(a => a.Resource is not null && (IsOpen(a.Do) || IsOpen(a.Undo))).Select(a => a.Resource!)).ToHashSet(StringComparer.Ordinal);
        foreach (var (resource, holding) in _holdings.Where(h => !open.Contains(h.Key)))
        {
            if (holding.IsThere != there.ContainsKey(resource))
            {
                findings.Add(
                    "I10", holding.Last.Action.Run, holding.Last.Action.Do.Seq,
                    $"'{resource}' {(holding.IsThere ? "in" : "not in")} the target's state after '{holding.Last.Action.Id}' was verified{(holding.Last.Undo ? " as undone" : "")}",
                    holding.IsThere ? "it is not there" : $"it is there ({options.TargetStateName}:{there[resource]})");
            }
        }

        foreach (var (resource, line) in there.Where(r => !_holdings.ContainsKey(r.Key) && !open.Contains(r.Key)))
        {
            findings.Add("I10", "-", null, $"a verified '{options.Action}' of '{resource}'", $"it is there without one ({options.TargetStateName}:{line})");
        }
    }

    private static bool IsOpen(Course course) => course.IsUnsettled || course.IsAccepted || course.Phase is Phase.Diverged or Phase.Unverified or Phase.Settled;

    private void Fold()
    {
        var released = new Queue<(long Position, string Action)>(claims.Released);
        foreach (var change in actions.StateChanges.Where(c => c.Action.Resource is not null).OrderBy(c => c.Position))
        {
            while (released.TryPeek(out var release) && release.Position < change.Position)
            {
                Release(released.Dequeue().Action);
            }

            Take(change);
        }
    }

    private void Take(StateChange change)
    {
        var action = change.Action;
        if (!_holdings.TryGetValue(action.Resource!, out var holding))
        {
            _holdings.Add(action.Resource!, holding = new Holding());
        }

        if (action.Name != options.Action)
        {
            TakeOut(holding, change);
            return;
        }

        holding.Last = change;
        foreach (var released in change.Undo ? change.Releases : [])
        {
            holding.Holders.Remove(released);
        }

        if (!change.Undo)
        {
            holding.StoodBefore |= !change.MadeByUs && holding.Holders.Count == 0;
            holding.Holders.Add(action.Id);
        }
        else if (!holding.Holders.Remove(action.Id)
            && holding.Holders.Find(id => actions.Find(id) is { } done && done.Run == action.Run && done.ArgumentsHash == action.ArgumentsHash) is { } same)
        {
            holding.Holders.Remove(same); // an undo under an id of its own
        }
    }

    /// <summary>It wants the effect no more, and leaves it to the others; to nobody, where there are none.</summary>
    private void Release(string action)
    {
        if (actions.Find(action)?.Resource is { } resource && _holdings.TryGetValue(resource, out var holding) && holding.Holders.Remove(action))
        {
            holding.StoodBefore |= holding.Holders.Count == 0;
        }
    }

    /// <summary>What is against the state's own action has been verified: the resource is not there. Taking that back does not bring it back.</summary>
    private static void TakeOut(Holding holding, StateChange change)
    {
        if (!change.Undo)
        {
            holding.Last = change;
            holding.Holders.Clear();
            holding.StoodBefore = false;
        }
    }

    /// <summary>An action that was overruled wanted something of a resource that may or may not be the one that was acted on.</summary>
    private void Overrule()
    {
        foreach (var (_, overruled, by) in claims.Overruled)
        {
            if (actions.Find(overruled)?.Resource is { } resource && !(options.Against is not null && actions.Find(by) is { } ruled && ruled.Name == options.Against && ruled.Resource == resource))
            {
                _unsure.Add(resource);
            }
        }
    }

    private Dictionary<string, long> Read(IEnumerable<string> lines)
    {
        var there = new Dictionary<string, long>(StringComparer.Ordinal);
        long number = 0;
        foreach (var line in lines)
        {
            number++;
            var resource = line.Split('#')[0].Trim();
            if (resource.Any(char.IsWhiteSpace))
            {
                throw new BadInputException(options.TargetStateName, number, $"expected one resource; got '{resource}'");
            }

            if (resource.Length > 0)
            {
                there.TryAdd(TargetResource.Normal(resource), number);
            }
        }

        return there;
    }

    private sealed class Holding
    {
        public List<string> Holders { get; } = [];

        public bool StoodBefore { get; set; }

        public StateChange Last { get; set; }

        public bool IsThere => Holders.Count > 0 || StoodBefore;
    }
}
