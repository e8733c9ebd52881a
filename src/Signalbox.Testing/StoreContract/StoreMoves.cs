using System.Globalization;
using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>What the facts do to a store, in few words.</summary>
internal static class StoreMoves
{
    public const string Flow = "contract";
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    public static readonly Payload Definition = Payload.Of(Encoding.UTF8.GetBytes("""{"states":["Work","Done"]}"""));

    public static EntryDraft Started(string workflow = Flow, int version = 1, string? key = null, IReadOnlyDictionary<string, string>? labels = null, RunId? parent = null, string? parentStep = null) =>
        Draft(EntryKinds.RunStarted, Body.Write(new RunStarted(workflow, version, RawJson.To(Definition.Hash), key, labels, parent, parentStep)), state: "") with { Visit = 0, Payloads = [Definition] };

    public static EntryDraft Entered(string state, int visit) => Draft(EntryKinds.StateEntered, Body.Write(new StateEntered(null, Json("{}"))), state: state) with { Visit = visit };

    public static EntryDraft Step(string name = "look") =>
        Draft(EntryKinds.StepCompleted, Body.Write(new StepCompleted(null, Json("""{"found":"192.0.2.7 – ü"}"""), 1_234)), name);

    public static EntryDraft Wait(string name, string? signal = null, DateTimeOffset? due = null) =>
        Draft(EntryKinds.WaitOpened, Body.Write(new WaitOpened(signal, due is { } at ? Microseconds.From(at) : null)), name);

    public static EntryDraft Ask(string name, DateTimeOffset? due = null) =>
        Draft(EntryKinds.ApprovalRequested, Body.Write(new ApprovalRequested("Block it?", ["yes", "no"], null, due is { } at ? Microseconds.From(at) : null, "no")), name);

    public static EntryDraft Answer(string name, string choice = "yes") => Draft(EntryKinds.ApprovalAnswered, Body.Write(new ApprovalAnswered(choice)), name);

    public static EntryDraft Signal(string name, string value = "1") => Draft(EntryKinds.SignalReceived, Body.Write(new SignalReceived(name, Json(value))));

    public static EntryDraft Waited(string name, long? signal) => Draft(EntryKinds.WaitCompleted, Body.Write(new WaitCompleted(signal)), name);

    public static EntryDraft Reserved => Draft(EntryKinds.BudgetReserved, Body.Write(new BudgetReserved("judge", "m-1", Reservation)), "turn-1");

    public static EntryDraft Settled => Draft(
        EntryKinds.StepCompleted,
        Body.Write(new StepCompleted(
            null, Json("null"), 1_234, Type: "model", Settlement: new Settlement(Reservation, new Spending { Calls = 1, InputTokens = 20, OutputTokens = 5, Micros = 100, Microseconds = 1_234 }))),
        "turn-1");

    public static EntryDraft Rejected => Draft(EntryKinds.ToolRejected, Body.Write(new ToolRejected("judge", "fast", 1, "c-1", "whos", null, "unknown_tool", "There is no such tool.")), "call-1");

    private static Spending Reservation => new() { Calls = 1, InputTokens = 1_000, OutputTokens = 200, Micros = 3_000 };

    public static EntryDraft Parked => Draft(EntryKinds.RunWaiting);

    public static EntryDraft Cancel => Draft(EntryKinds.CancelRequested);

    public static EntryDraft Failed => Draft(EntryKinds.RunFailed, Body.Write(new Trouble("handler_failed", "it threw")));

    public static EntryDraft Held => Draft(EntryKinds.RunHeld, Body.Write(new Trouble("action_in_doubt", "the firewall is silent")));

    public static EntryDraft Completed => Draft(EntryKinds.RunCompleted);

    public static EntryDraft Draft(string kind, ReadOnlyMemory<byte> body = default, string step = "", string state = "Work") =>
        new() { Kind = kind, State = state, Visit = 1, Step = step, Actor = "workflow:contract", Cause = "the contract asks", Body = body };

    public static RawJson Json(string json) => new(Encoding.UTF8.GetBytes(json));

    public static RunId NewRun(this StoreHarness harness) => RunId.New(harness.Entropy);

    public static async Task<CommitResult> CommitAsync(this StoreHarness harness, RunId run, params EntryDraft[] entries) =>
        await harness.Store.CommitAsync(new Commit { Run = run, Entries = entries }, default);

    public static async Task<CommitResult> CommitAsync(this StoreHarness harness, RunHead lease, params EntryDraft[] entries) =>
        await harness.Store.CommitAsync(new Commit { Run = lease.Row.Run, Epoch = lease.Row.Epoch, Entries = entries }, default);

    /// <summary>A new pending run.</summary>
    public static async Task<RunId> StartAsync(this StoreHarness harness, string workflow = Flow, int version = 1, string? key = null, IReadOnlyDictionary<string, string>? labels = null)
    {
        var run = harness.NewRun();
        Expect.Committed(await harness.CommitAsync(run, Started(workflow, version, key, labels), Entered("Work", 1)));
        return run;
    }

    /// <summary>Asks for runs for a worker that is alive from now on.</summary>
    public static async Task<LeaseResult> LeaseAsync(this StoreHarness harness, string worker = "w-1", int max = 100, bool idle = true, params WorkflowVersion[] workflows)
    {
        await harness.Store.HeartbeatAsync(worker, Lease, default);
        return await harness.Store.LeaseAsync(new LeaseRequest(worker, workflows.Length == 0 ? [new(Flow, 1)] : workflows, max, idle), default);
    }

    /// <summary>A new run that a worker drives.</summary>
    public static async Task<RunHead> DriveAsync(this StoreHarness harness, string worker = "w-1")
    {
        var run = await harness.StartAsync();
        var lease = await harness.LeaseAsync(worker);
        Expect.Sequence([run], lease.Runs.Select(r => r.Row.Run), "Runs given to the only worker after one was started");
        return lease.Runs[0];
    }

    /// <summary>A new run that waits.</summary>
    public static async Task<RunHead> ParkAsync(this StoreHarness harness, params EntryDraft[] waits)
    {
        var lease = await harness.DriveAsync();
        return Expect.Committed(await harness.CommitAsync(lease, [.. waits, Parked])).Head!;
    }

    public static async Task<RunHead> HeadAsync(this StoreHarness harness, RunId run)
    {
        var head = await harness.Store.FindAsync(run, default);
        Expect.That(head is not null, $"Run '{run}' was committed, but the store does not find it.");
        return head;
    }

    public static async Task ExpectStatusAsync(this StoreHarness harness, RunId run, RunStatus status) =>
        Expect.Equal(status, (await harness.HeadAsync(run)).Row.Status, $"The status of run '{run}'");

    /// <summary>Lets the worker's lease run out.</summary>
    public static void Die(this StoreHarness harness) => harness.Clock.Advance(Lease + TimeSpan.FromSeconds(1));

    public static string Number(this int number) => number.ToString(CultureInfo.InvariantCulture);
}
