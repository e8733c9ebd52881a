using System.Globalization;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>The entries of actions in words, each with its proof.</summary>
internal static class ActionWords
{
    public static EntryText? Describe(Entry entry) => entry.Kind switch
    {
        EntryKinds.ActionProposed => Proposed(Body.Read<ActionProposed>(entry), entry),
        EntryKinds.PolicyJudged => Judged(Body.Read<PolicyJudged>(entry)),
        EntryKinds.ActionProbed => Observed(entry, "looked at first", Tone.Dim),
        EntryKinds.ActionIntended => Intended(Body.Read<ActionIntended>(entry), entry),
        EntryKinds.ActionExecuted => Executed(Body.Read<ActionExecuted>(entry), entry),
        EntryKinds.ActionVerified => Observed(entry, "VERIFIED", Tone.Good),
        EntryKinds.ActionNotApplied => Observed(entry, "not applied", Tone.Attention),
        EntryKinds.ActionDiverged => Observed(entry, "DIVERGED", Tone.Bad),
        EntryKinds.ActionRefused => Observed(entry, "refused", Tone.Attention),
        EntryKinds.ActionUnknown => Observed(entry, "UNKNOWN whether it happened", Tone.Bad),
        EntryKinds.ActionSettled => Settled(Body.Read<ActionSettled>(entry)),
        _ => null,
    };

    /// <summary>How many looks agreed over how long, and what was asked for.</summary>
    public static string Agreed(Agreement agreement) =>
        agreement is { LooksWanted: 1, OverWanted: 0 }
            ? Words.Count(agreement.Looks, "look")
            : $"{Words.Count(agreement.Looks, "look")} in a row over {Words.Microseconds(agreement.Over)}; wanted: {Words.Number(agreement.LooksWanted)} over {Words.Microseconds(agreement.OverWanted)}";

    private static EntryText Proposed(ActionProposed body, Entry entry) => new(
        $"action {EntryWords.Step(entry)}: proposed{(body.Undo ? " (undo)" : "")} by {body.Proposer}, target class {body.TargetClass}{(body.Reversibility is { } how ? ", " + how : "")}",
        Tone.Attention,
        ["id: " + body.ActionId, "arguments: " + EntryWords.Value(body.Arguments), .. ClaimWords.Lines(body.Claims)]);

    private static EntryText Judged(PolicyJudged body) => new(
        $"policy {body.Policy} says {(body.Verdict is "allow" ? body.Verdict : body.Verdict.ToUpperInvariant())} to {body.Action}",
        body.Verdict switch { "allow" => Tone.Dim, "refuse" => Tone.Bad, _ => Tone.Attention },
        "because: " + body.Reason);

    /// <summary>A look at a watched action: what was seen, in the target's words.</summary>
    public static EntryText Looked(StepCompleted body, Entry entry)
    {
        var action = Text(body.Arguments, "action") ?? EntryWords.Step(entry);
        return (Text(body.Result, "kind"), Text(body.Result, "proof")) switch
        {
            ("So", { } proof) => new($"look at {action}: it is so", Tone.Plain, "proof: " + proof),
            ("NotSo", { } proof) => new($"look at {action}: it is not so", Tone.Attention, "proof: " + proof),
            ("Unclear", { } proof) => new($"look at {action}: the target cannot say", Tone.Attention, "because: " + proof),
            _ => new($"look at {action}", Tone.Plain, "= " + EntryWords.Value(body.Result)),
        };
    }

    /// <summary>A text member of a value that is at hand and is an object; else null.</summary>
    private static string? Text(RawJson? value, string member)
    {
        if (value is not { IsMissing: false, Reference: null } json)
        {
            return null;
        }

        using var document = JsonDocument.Parse(json.Utf8, StoredJson.Options);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(member, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
    }

    private static EntryText Intended(ActionIntended body, Entry entry) => new(
        string.Create(CultureInfo.InvariantCulture, $"action {EntryWords.Step(entry)}: intended{(body.Undo ? " (undo)" : "")}, target class {body.TargetClass}, attempt {body.Attempt}"),
        Tone.Plain,
        [
            "id: " + body.ActionId,
            "arguments: " + EntryWords.Value(body.Arguments),
            .. ClaimWords.Lines(body.Claims),
            .. body.Approval is { } approval ? new[] { string.Create(CultureInfo.InvariantCulture, $"by the approval that entry {approval} asked for") } : [],
            .. (body.Overrules ?? []).Select(id => "overrules action " + id),
            .. (body.Limits ?? []).Select(Limit),
        ]);

    private static string Limit(LimitUse limit) => string.Create(
        CultureInfo.InvariantCulture, $"uses {limit.Amount} of limit {limit.Name}{(limit.Max == long.MaxValue ? ", approved beyond it" : $" ({limit.Max} in {Words.Microseconds(limit.Window)})")}");

    private static EntryText Executed(ActionExecuted body, Entry entry)
    {
        var took = $"action {EntryWords.Step(entry)}: executed in {Words.Microseconds(body.Microseconds)}";
        return body.Error is { } error
            ? new(took + ", with an error", Tone.Attention, "the target's reply: " + error)
            : new(took, Tone.Plain, "the target's reply (proves nothing): " + (body.Receipt is { IsMissing: false } receipt ? EntryWords.Value(receipt) : "none"));
    }

    private static EntryText Observed(Entry entry, string how, Tone tone)
    {
        var body = Body.Read<ActionObserved>(entry);
        var details = new List<string>();
        if (body.Proof is { } proof)
        {
            details.Add($"proof: {proof}{(body.Probes > 1 ? $" ({Words.Count(body.Probes, "look")})" : "")}");
        }

        if (body.Agreement is { } agreement && (agreement.LooksWanted > 1 || agreement.OverWanted > 0))
        {
            details.Add("agreed: " + Agreed(agreement));
        }

        if (body.Reason is { } reason)
        {
            details.Add("reason: " + reason);
        }

        if (body.StandsUntil is { } until)
        {
            details.Add("its claims stand until " + Words.Time(Microseconds.ToTime(until)));
        }

        var whose = entry.Kind == EntryKinds.ActionVerified ? body.MadeByUs ? ", made by this run" : ", it was so before" : "";
        return new($"action {EntryWords.Step(entry)}: {how}{(body.Undo ? " (undo)" : "")}{whose}", tone, [.. details]);
    }

    private static EntryText Settled(ActionSettled body) =>
        new($"effects settled: {EntryWords.Verb(body.Verb)}", Tone.Strong, "about: " + string.Join(", ", body.Steps.Select(s => Words.Step(s.Scope, s.Step))));
}
