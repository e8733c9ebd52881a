using System.Text.Json;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>I4 to I7 against the target's own log; I21 against the looks in it.</summary>
internal sealed class TargetLog(Findings findings, Actions actions, Verification verification, HistoryOptions options)
{
    private readonly Dictionary<string, (long Fence, string Id, long Line)> _fences = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _tombstones = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Effects> _effects = new(StringComparer.Ordinal);

    public void Check(IEnumerable<string> lines)
    {
        var name = options.TargetLogName;
        foreach (var (number, line) in JsonLines.Read(lines, name))
        {
            if (line.TryGetProperty("look", out var look) && look.ValueKind == JsonValueKind.True)
            {
                verification.TakeLook(line, name, number);
                continue;
            }

            if (line.TryGetProperty("tombstone", out var tombstone) && tombstone.ValueKind == JsonValueKind.True)
            {
                _tombstones.TryAdd(line.RequiredText("actionId", name, number), number);
                continue;
            }

            if (!line.TryGetProperty("applied", out var applied) || applied.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                throw new BadInputException(name, number, "the member 'applied' is not true or false");
            }

            if (applied.GetBoolean())
            {
                Take(line, number);
            }
        }

        CheckVerdicts();
    }

    private void Take(JsonElement line, long number)
    {
        var name = options.TargetLogName;
        var id = line.RequiredText("actionId", name, number);
        var op = line.RequiredText("op", name, number);
        var where = $"an effect '{op}' of '{id}' ({name}:{number})";
        CheckFences(line, number, id, where);
        if (actions.Find(id) is not { } action || (action.Do.IntentPosition ?? action.Undo.IntentPosition) is null)
        {
            findings.Add("I4", actions.Find(id)?.Run ?? "-", null, $"an action.intended of '{id}'", $"{where} without one");
            return;
        }

        if (!_effects.TryGetValue(id, out var effects))
        {
            _effects.Add(id, effects = new(action.Do.IntentPosition is null ? null : op));
        }

        // The target knows no direction: what an action does first is the doing, another operation under its id the undoing.
        var undo = op != effects.DoOperation;
        var course = undo ? action.Undo : action.Do;
        if (course.IntentPosition is not { } intent)
        {
            findings.Add("I4", action.Run, null, $"an action.intended that undoes '{id}'", $"{where} without one");
        }
        else if (line.Number("after", name, number) is { } position && position < intent)
        {
            findings.Add("I4", action.Run, null, $"the intent of '{id}' to be on disk before its effect", $"{where} after position {position}, and the intent at {intent}");
        }

        CheckArguments(line, number, action, where);
        var count = undo ? ++effects.Undone : ++effects.Done;
        if (count > 1 && (action.IsAtMostOnce || (action.TargetClass == "T4" && !undo)))
        {
            findings.Add("I5", action.Run, null, $"one effect '{op}' of '{id}' at a {action.TargetClass} target", $"effect {count} ({name}:{number})");
        }
    }

    /// <summary>Who has been overtaken changes nothing any more.</summary>
    private void CheckFences(JsonElement line, long number, string id, string where)
    {
        var name = options.TargetLogName;
        var run = actions.Find(id)?.Run ?? "-";
        if (_tombstones.TryGetValue(id, out var tombstone))
        {
            findings.Add("I7", run, null, $"no effect of '{id}' after its tombstone ({name}:{tombstone})", where);
        }

        if (line.Number("fence", name, number) is { } fence && actions.Find(id)?.TargetClass is null or "" or "T2")
        {
            var resource = TargetResource.Normal(line.RequiredText("resource", name, number));
            var highest = _fences.TryGetValue(resource, out var before) ? before : (Fence: fence, Id: id, Line: number);
            if (fence < highest.Fence)
            {
                findings.Add("I7", run, null, $"a fence of {highest.Fence} or more on '{resource}' after that of '{highest.Id}' ({name}:{highest.Line})", $"{where} with {fence}");
            }

            _fences[resource] = fence >= highest.Fence ? (fence, id, number) : highest;
        }
    }

    private void CheckArguments(JsonElement line, long number, ActionRecord action, string where)
    {
        if (line.TryGetProperty("arguments", out var arguments) && Canonical.Hash(arguments) is var hash && hash != action.ArgumentsHash)
        {
            findings.Add("I4", action.Run, null, $"the intended arguments {action.ArgumentsHash}", $"{where} with {hash}");
        }

        if (action.Resource is { } intended && TargetResource.Normal(line.RequiredText("resource", options.TargetLogName, number)) is var resource && resource != intended)
        {
            findings.Add("I4", action.Run, null, $"the intended resource '{intended}'", $"{where} on '{resource}'");
        }
    }

    private void CheckVerdicts()
    {
        var undone = actions.All.Where(a => a.Undo.Phase == Phase.Verified && a.ArgumentsHash is not null).Select(a => (a.Run, a.ArgumentsHash)).ToHashSet();
        foreach (var action in actions.All.Where(a => options.TargetLogAction is null || a.Name == options.TargetLogAction))
        {
            var effects = _effects.GetValueOrDefault(action.Id) ?? new(null);
            CheckVerdict(action, action.Do, "doing", effects.Done);
            CheckVerdict(action, action.Undo, "undoing", effects.Undone);

            var isSettled = action.Do.Phase is Phase.Verified or Phase.NotApplied or Phase.Unverified or Phase.Refused or Phase.Settled
                || action.Undo.Phase is Phase.Verified or Phase.Unverified or Phase.Settled || undone.Contains((action.Run, action.ArgumentsHash));
            if (effects.Done > 0 && !isSettled && actions.HasEnded(action.Run))
            {
                findings.Add("I6", action.Run, action.Do.Seq, $"the effect of '{action.Id}' to be verified, undone or settled before the run ended", $"{action.Do.Phase}");
            }
        }
    }

    private void CheckVerdict(ActionRecord action, Course course, string direction, int effects)
    {
        if (course.Phase == Phase.Verified && course.MadeByUs && !course.IsAccepted && effects == 0)
        {
            findings.Add("I6", action.Run, course.Seq, $"an effect of {direction} '{action.Id}', which is verified as made by us", "none");
        }
        else if (course.Phase is Phase.NotApplied or Phase.Refused && effects > 0 && action.Undo.Phase != Phase.Verified)
        {
            findings.Add("I6", action.Run, course.Seq, $"no effect of {direction} '{action.Id}', which ended as {course.Phase}", $"{effects}");
        }
    }

    private sealed class Effects(string? doOperation)
    {
        public string? DoOperation { get; } = doOperation;

        public int Done { get; set; }

        public int Undone { get; set; }
    }
}
