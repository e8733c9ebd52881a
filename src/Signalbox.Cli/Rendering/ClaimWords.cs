using System.Globalization;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Claims, and the entries of claims and conflicts, in words.</summary>
internal static class ClaimWords
{
    public static EntryText? Describe(Entry entry) => entry.Kind switch
    {
        EntryKinds.ClaimQueued => Queued(Body.Read<ClaimQueued>(entry), entry),
        EntryKinds.ClaimFreed => new($"action {EntryWords.Step(entry)}: it is its turn"),
        EntryKinds.ClaimWithdrawn => new($"action {EntryWords.Step(entry)}: waits for its turn no longer", Tone.Dim),
        EntryKinds.ClaimReleased => new($"claims released by {entry.Actor}; the effect stays", Tone.Strong, [.. Body.Read<ClaimReleased>(entry).ActionIds.Select(id => "of action " + id)]),
        EntryKinds.ConflictRaised => Raised(Body.Read<ConflictRaised>(entry)),
        EntryKinds.ConflictRuled => Ruled(Body.Read<ConflictRuled>(entry)),
        _ => null,
    };

    /// <summary>What an action claims, a line each.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<Claim>? claims) =>
        (claims ?? []).Where(c => !IsOwn(c)).Select(c => $"claims: '{c.Intent}' on {c.Resource}");

    /// <summary>The claim that an action which declares none has on itself, so that it is not done twice at once. It tells nobody anything.</summary>
    public static bool IsOwn(Claim claim) => claim.Intent == "do" && claim.Resource.Name.StartsWith("action/", StringComparison.Ordinal);

    public static string Phase(ClaimPhase phase) => JsonNamingPolicy.CamelCase.ConvertName(phase.ToString());

    public static Tone ToneOf(ClaimPhase phase) => phase switch
    {
        ClaimPhase.Hold => Tone.Strong,
        ClaimPhase.Standing => Tone.Good,
        ClaimPhase.Queued => Tone.Attention,
        _ => Tone.Dim,
    };

    public static string Conflict(ConflictRaised body) =>
        $"'{body.Intent}' on {body.Resource} ({body.Action}) against '{body.OtherIntent}' on {body.OtherResource} ({body.OtherAction} of run {body.OtherRun}, {Phase(body.OtherPhase)})";

    public static string Ruling(ConflictRuled body) => $"{body.Outcome}, by {body.By}: {body.Why}";

    public static void Write(Utf8JsonWriter json, IReadOnlyList<Claim>? claims)
    {
        json.WriteStartArray("claims");
        foreach (var claim in claims ?? [])
        {
            json.WriteStartObject();
            json.WriteString("resource", claim.Resource.Name);
            json.WriteString("intent", claim.Intent);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static EntryText Queued(ClaimQueued body, Entry entry) => new(
        $"action {EntryWords.Step(entry)}: waits for its turn{(body.Due is { } due ? $", at most until {Words.Time(Microseconds.ToTime(due))}" : "")}",
        Tone.Attention,
        [.. body.Behind.Select(b => string.Create(CultureInfo.InvariantCulture, $"behind: {b.Resource} of run {b.Run} (action {b.ActionId})"))]);

    private static EntryText Raised(ConflictRaised body) => new($"CONFLICT: {Conflict(body)}", Tone.Bad);

    private static EntryText Ruled(ConflictRuled body) => new(
        $"conflict with run {body.OtherRun}: this action {body.Outcome}, by {body.By}", body.Outcome is "overrules" or "stands" ? Tone.Strong : Tone.Attention, "because: " + body.Why, "about actions: " + body.ActionId + " and " + body.OtherActionId);
}
