using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.CommandLine.Tests;

/// <summary>Writes journals by hand, a second apart, so that a test says exactly what stands in them.</summary>
internal sealed class Journals(IRunStore store, ManualClock clock)
{
    public static WorkflowDefinition Door { get; } = new(
        "door", 2, "Start",
        [
            new StateDefinition("Start") { To = { "Ask", "Done" } },
            new StateDefinition("Ask") { To = { "Done", "Start" } },
            new StateDefinition("Done", "success"),
        ]);

    public IRunStore Store { get; } = store;

    public DateTimeOffset Now => clock.GetUtcNow();

    public static RawJson Json(string json) => new(Encoding.UTF8.GetBytes(json));

    /// <summary>Starts a run of the workflow <see cref="Door"/> and lets a worker take it.</summary>
    public async Task<RunId> StartAsync(string id, string? key = null, params (string Name, string Value)[] labels)
    {
        var run = new RunId(id);
        var start = new StartRun(run, "door", 2, new RawJson(Door.ToJson()), "Start", Json("""{"ip":"192.0.2.7"}"""), key, labels.ToDictionary(l => l.Name, l => l.Value));
        Assert.True((await RunCommands.ExecuteAsync(Store, start, new Caller("client:test", []), default)).IsAccepted);
        await AppendAsync(run, EntryKinds.RunLeased, new RunLeased("w-1"), actor: "worker:w-1", cause: "it can go on");
        return run;
    }

    public async Task EnterAsync(RunId run, string from, string to, string because, int visit) =>
        await AppendAsync(run, EntryKinds.StateEntered, new StateEntered(from, Json("""{"ip":"192.0.2.7"}""")), state: to, visit: visit, actor: "workflow:door", cause: because);

    /// <summary>Parks a run behind a question.</summary>
    public async Task AskAsync(RunId run, string title = "Open the door?", string step = "approval/-/1", string scope = "", params string[] choices)
    {
        await AppendAsync(run, EntryKinds.ApprovalRequested, new ApprovalRequested(title, choices.Length == 0 ? ["yes", "no"] : choices, null, null, null), step: step, scope: scope, actor: "workflow:door", cause: title);
        await AppendAsync(run, EntryKinds.RunWaiting, actor: "engine", cause: "only durable waits are left");
    }

    /// <summary>Parks a run behind a question about an action.</summary>
    public async Task<ActionProposed> AskForAsync(RunId run, string arguments = """{"ip":"192.0.2.7"}""", ApprovalTerms? terms = null, long? due = null, string step = "block/-/1", bool mayEdit = false)
    {
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(CanonicalJson.Of(Encoding.UTF8.GetBytes(arguments))));
        var payload = Payload.Of(Encoding.UTF8.GetBytes(arguments));
        var placed = arguments.Length > 4096 ? RawJson.To(payload.Hash) : Json(arguments);
        var proposed = new ActionProposed(
            "a-" + hash[..16], "block", placed, hash, "T3", "door", 2, "0123456789abcdef", "workflow:door", "person:carl",
            Claims: [new Claim(Resource.Of("ip", "192.0.2.7"), "block", ["allow"])], Reversibility: "reversible");
        string[] choices = mayEdit ? ["approve", "reject", "edit"] : ["approve", "reject"];
        var bound = (terms ?? new ApprovalTerms(["approver"], 1, choices, ["person:carl"], 3_600_000_000, "reject")) with { Choices = choices, ActionId = proposed.ActionId, ArgumentsHash = hash };
        Payload[] payloads = arguments.Length > 4096 ? [payload] : [];
        await AppendAsync(run, EntryKinds.ActionProposed, proposed, step: step, cause: "it needs approval", payloads: payloads);
        await AppendAsync(run, EntryKinds.PolicyJudged, new PolicyJudged(proposed.ActionId, "block", "hours", "ask", "it is night"), step: step, actor: "policy:hours", cause: "it is night");
        await AppendAsync(
            run, EntryKinds.ApprovalRequested, new ApprovalRequested("Do 'block'?", choices, null, due, "reject", bound, proposed, ["hours: it is night"]), step: step, cause: "hours: it is night", payloads: payloads);
        await AppendAsync(run, EntryKinds.RunWaiting, actor: "engine", cause: "only durable waits are left");
        return proposed;
    }

    public async Task HoldAsync(RunId run, string code = TroubleCodes.Quarantined, string reason = "Its worker died 5 times in a row.") =>
        await AppendAsync(run, EntryKinds.RunHeld, new Trouble(code, reason), actor: "engine", cause: "held");

    public async Task FailAsync(RunId run, string code = TroubleCodes.HandlerFailed, string reason = "the hinge is rusty") =>
        await AppendAsync(run, EntryKinds.RunFailed, new Trouble(code, reason), actor: "engine", cause: reason);

    public async Task CompleteAsync(RunId run, int visit = 2)
    {
        await EnterAsync(run, "Start", "Done", "it was open", visit);
        await AppendAsync(run, EntryKinds.RunCompleted, actor: "engine", cause: "'Done' is declared a success");
    }

    public Task AppendAsync(RunId run, string kind, string state = "", int visit = 0, string step = "", string scope = "", string actor = "workflow:door", string cause = "") =>
        AppendAsync(run, kind, default(ReadOnlyMemory<byte>), state, visit, step, scope, actor, cause);

    public Task AppendAsync<T>(
        RunId run, string kind, T body, string state = "", int visit = 0, string step = "", string scope = "", string actor = "workflow:door", string cause = "", params Payload[] payloads)
        where T : class => AppendAsync(run, kind, Body.Write(body), state, visit, step, scope, actor, cause, payloads);

    public async Task AppendAsync(
        RunId run, string kind, ReadOnlyMemory<byte> body, string state, int visit, string step, string scope, string actor, string cause, params Payload[] payloads)
    {
        clock.Advance(TimeSpan.FromSeconds(1));
        var draft = new EntryDraft { Kind = kind, State = state, Visit = visit, Step = step, Scope = scope, Actor = actor, Cause = cause, Body = body, Payloads = payloads };
        var result = await Store.CommitAsync(new Commit { Run = run, Entries = [draft] }, default);
        Assert.True(result.IsCommitted, result.Refusal?.Why);
    }
}
