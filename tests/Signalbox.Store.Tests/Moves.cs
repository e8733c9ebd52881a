using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

/// <summary>Entries and commits in few words.</summary>
internal static class Moves
{
    private static readonly Payload Definition = Payload.Of("{}"u8.ToArray());

    public static EntryDraft Started(string workflow = "flow", string? key = null) =>
        Draft(EntryKinds.RunStarted, new RunStarted(workflow, 1, RawJson.To(Definition.Hash), key)) with { Payloads = [Definition] };

    public static EntryDraft Entered() => Draft(EntryKinds.StateEntered, new StateEntered(null, Json("{}")));

    public static EntryDraft Step(string result = "\"seen\"") => Draft(EntryKinds.StepCompleted, new StepCompleted(null, Json(result), 7)) with { Step = "look/-/1" };

    public static EntryDraft Wait(string signal) => Draft(EntryKinds.WaitOpened, new WaitOpened(signal, null)) with { Step = signal };

    public static EntryDraft Parked() => new() { Kind = EntryKinds.RunWaiting, State = "Work", Visit = 1, Actor = "engine" };

    public static EntryDraft Intend(RunId run, Resource resource, LimitUse? limit = null, string step = "act")
    {
        var body = new ActionIntended(IdOf(run, step), "block", Json("{}"), "hash", "Keyed", Claims: [new Claim(resource, "block", ["allow"])], Limits: limit is null ? null : [limit]);
        return Draft(EntryKinds.ActionIntended, body) with { Step = step };
    }

    public static EntryDraft NotApplied(RunId run, string step = "act") => Draft(EntryKinds.ActionNotApplied, new ActionObserved(IdOf(run, step), "block", null, null)) with { Step = step };

    public static EntryDraft Queue(RunId run, Resource resource, long? due = null) =>
        Draft(EntryKinds.ClaimQueued, new ClaimQueued(IdOf(run, "act"), "block", [new Claim(resource, "block", ["allow"])], [], due)) with { Step = "act" };

    public static RawJson Json(string json) => new(Encoding.UTF8.GetBytes(json));

    public static StartRun StartCommand(RunId? run = null, string? key = null) => new(run ?? RunId.New(Entropy.System), "flow", 1, Json("{}"), "Work", Json("{}"), key, null);

    public static async Task<RunId> StartAsync(this IRunStore store, string? key = null)
    {
        var run = RunId.New(Entropy.System);
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new Commit { Run = run, Entries = [Started(key: key), Entered()] }, default)).Status);
        return run;
    }

    public static async Task<RunHead> DriveAsync(this IRunStore store, string worker = "w-1")
    {
        await store.StartAsync();
        await store.HeartbeatAsync(worker, TimeSpan.FromHours(1), default);
        return Assert.Single((await store.LeaseAsync(new LeaseRequest(worker, [new("flow", 1)], 1, true), default)).Runs);
    }

    public static ValueTask<CommitResult> CommitAsync(this IRunStore store, RunId run, params EntryDraft[] entries) => store.CommitAsync(new Commit { Run = run, Entries = entries }, default);

    private static string IdOf(RunId run, string step) => ActionRunner.ActionId(run, 1, new ScopedStep("", step));

    private static EntryDraft Draft<T>(string kind, T body) => new() { Kind = kind, State = "Work", Visit = 1, Actor = "workflow:flow", Cause = "a test", Body = Body.Write(body) };
}
