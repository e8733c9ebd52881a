using System.Text.Json;
using System.Text.Json.Serialization;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>Histories of runs that act side by side, each of which stands in the state <c>Act</c> after its seq 3. An action's step is named by its id.</summary>
public static class Acting
{
    public const string Arguments = """{"address":"192.0.2.7","minutes":60}""";

    private static readonly JsonSerializerOptions s_options = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Who started the runs.</summary>
    public const string Starter = "person:anna";

    public static string DefinitionHash => JournalWriter.Sha256(GoodHistory.Definition);

    public static JournalWriter With(params string[] runs)
    {
        var journal = new JournalWriter();
        var definition = journal.Payload(GoodHistory.Definition);
        foreach (var run in runs)
        {
            journal.Add(
                new(run, "run.started") { Actor = Starter, Body = $$"""{"workflow":"alert","version":1,"definition":{{definition}}}""" },
                GoodHistory.Enter(run, "Triage", 1, null, Starter, "{}"),
                GoodHistory.Lease(run, "w-1", "Triage", 1),
                GoodHistory.Enter(run, "Act", 2, "Triage", "workflow:alert", "{}"));
        }

        return journal;
    }

    /// <summary>An entry of an action's step; members that are null are left out.</summary>
    public static WrittenEntry Of(string run, string kind, string id, object? body = null) =>
        new(run, kind) { State = "Act", Visit = 2, Step = $"{id}/-/1", Body = body is null ? "" : JsonSerializer.Serialize(body, s_options) };

    public static object Claim(string name, string intent, params string[] against) => new { resource = new { name, path = name + "/" }, intent, against = against.Length == 0 ? null : against };

    public static object Block(string name) => Claim(name, "block", "allow");

    public static object Allow(string name) => Claim(name, "allow");

    public static WrittenEntry Intend(
        string run, string id, object[]? claims = null, bool? undo = null, int? attempt = null, string[]? overrules = null, string[]? releases = null, long? approval = null, object[]? limits = null, int? priority = null,
        string? arguments = null) => Of(run, "action.intended", id, new
        {
            actionId = id,
            action = "block",
            arguments = JsonDocument.Parse(arguments ?? Arguments).RootElement,
            argumentsHash = JournalWriter.Sha256(arguments ?? Arguments),
            targetClass = "T1",
            undo,
            attempt,
            claims,
            approval,
            overrules,
            releases,
            limits,
            priority,
        });

    public static WrittenEntry Verdict(
        string run, string id, string kind = "action.verified", bool? madeByUs = true, bool? undo = null, object[]? claims = null, long? standsUntil = null, string[]? releases = null, object? agreement = null, int? probes = 1,
        int? priority = null) => Of(run, kind, id, new { actionId = id, action = "block", proof = "seen", madeByUs, undo, probes, claims, standsUntil, releases, agreement, priority });

    public static WrittenEntry Queue(string run, string id, params object[] claims) => Of(run, "claim.queued", id, new { actionId = id, action = "block", claims, behind = Array.Empty<object>() });

    public static WrittenEntry Free(string run, string id) => new(run, "claim.freed") { Step = $"{id}/-/1", Body = $$"""{"actionId":"{{id}}"}""" };

    public static WrittenEntry Release(string run, params string[] ids) => new(run, "claim.released") { Actor = "person:otto", Body = JsonSerializer.Serialize(new { actionIds = ids }) };

    /// <summary>A conflict's two entries: in the run of the action, and in the other's.</summary>
    public static WrittenEntry[] Raise(string run, string id, string otherRun, string otherId) => [Raised(run, id, otherRun, otherId), Raised(otherRun, otherId, run, id)];

    public static WrittenEntry[] Rule(string run, string id, string otherRun, string otherId, string by, string outcome, string otherOutcome) =>
        [Ruled(run, id, otherRun, otherId, by, outcome), Ruled(otherRun, otherId, run, id, by, otherOutcome)];

    private static WrittenEntry Raised(string run, string id, string otherRun, string otherId) => new(run, "conflict.raised")
    {
        Body = JsonSerializer.Serialize(new { actionId = id, action = "block", resource = "ip", intent = "block", otherRun, otherActionId = otherId, otherAction = "block", otherResource = "ip", otherIntent = "allow", otherPhase = "standing" }),
    };

    private static WrittenEntry Ruled(string run, string id, string otherRun, string otherId, string by, string outcome) =>
        new(run, "conflict.ruled") { Body = JsonSerializer.Serialize(new { actionId = id, otherRun, otherActionId = otherId, by, outcome, why = "so" }) };
}
