using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Erasing
{
    private static readonly Caller Admin = new("person:anna", ["admin"]);

    public static async Task An_erasure_empties_what_came_before_and_leaves_the_rest(StoreHarness harness)
    {
        var (erased, other) = (await EndedAsync(harness, "k-1", "canary"), await EndedAsync(harness, "k-2", "kept"));
        var before = await harness.Store.ReadAsync(erased, 0, 1_000, default);
        var kept = await harness.Store.ReadAsync(other, 0, 1_000, default);
        await EraseAsync(harness, erased);
        var after = await harness.Store.ReadAsync(erased, 0, 1_000, default);
        Expect.Sequence(before.Select(Header), after.Take(before.Count).Select(Header), "Headers and hashes of the erased entries");
        Expect.Sequence(kept.Select(e => Convert.ToHexString(e.Body.Span)), (await harness.Store.ReadAsync(other, 0, 1_000, default)).Select(e => Convert.ToHexString(e.Body.Span)), "The bodies of another run");
        Expect.Equal(before.Count + 1, after.Count, "The number of entries after an erasure");
    }

    public static async Task The_key_of_an_erased_run_is_free(StoreHarness harness)
    {
        await EraseAsync(harness, await EndedAsync(harness, "k-1", "canary"));
        Expect.That(await harness.Store.FindByKeyAsync(Flow, "k-1", default) is null, "A run is found by a key that was erased.");
        await harness.StartAsync(key: "k-1");
    }

    public static async Task Payloads_go_with_the_last_run_that_refers_to_them(StoreHarness harness)
    {
        foreach (var (own, shared) in new[] { (Noise(harness, 500), Noise(harness, 600)), (Noise(harness, 60_000), Noise(harness, 70_000)) })
        {
            var (first, second) = (await EndedAsync(harness, null, "a", own, shared), await EndedAsync(harness, null, "b", shared));
            await EraseAsync(harness, first);
            await ExpectAsync(harness, own, isThere: false);
            await ExpectAsync(harness, shared, isThere: true);
            await EraseAsync(harness, second);
            await ExpectAsync(harness, shared, isThere: false);
            await ExpectAsync(harness, Definition, isThere: true);
            await EndedAsync(harness, null, "c", own); // and they can come again
            await ExpectAsync(harness, own, isThere: true);
        }
    }

    public static async Task Nothing_follows_an_erasure(StoreHarness harness)
    {
        var run = await EndedAsync(harness, null, "canary");
        await EraseAsync(harness, run);
        foreach (var draft in new[] { Draft(EntryKinds.RunRetried), Signal("late"), Draft(EntryKinds.ApprovalIgnored), Draft(EntryKinds.RunErased) })
        {
            Expect.Refused(await harness.CommitAsync(run, draft), CommitStatus.Refused, "run_erased");
        }
    }

    public static async Task A_run_that_has_not_ended_is_not_erased(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        Expect.Equal("run_not_ended", (await CommandAsync(harness, run)).Code, "The answer to an erasure of a run that has not ended");
        Expect.Refused(await harness.CommitAsync(run, Draft(EntryKinds.RunErased)), CommitStatus.Refused, "run_not_ended");
    }

    public static async Task Lists_tell_erased_runs_apart(StoreHarness harness)
    {
        var (erased, other) = (await EndedAsync(harness, null, "canary"), await EndedAsync(harness, null, "kept"));
        await EraseAsync(harness, erased);
        Expect.Sequence([erased], (await harness.Store.ListAsync(new RunQuery { IsErased = true }, default)).Select(h => h.Row.Run), "The runs that were erased");
        Expect.Sequence([other], (await harness.Store.ListAsync(new RunQuery { IsErased = false }, default)).Select(h => h.Row.Run), "The runs that were not");
        var changed = (await harness.HeadAsync(other)).Row.ChangedAt;
        Expect.Sequence([], (await harness.Store.ListAsync(new RunQuery { IsErased = false, ChangedBefore = changed }, default)).Select(h => h.Row.Run), "The runs that ended before the other");
        Expect.Sequence([other], (await harness.Store.ListAsync(new RunQuery { IsErased = false, ChangedBefore = changed.AddMicroseconds(1) }, default)).Select(h => h.Row.Run), "The runs that ended before a moment later");
    }

    [NeedsDurability]
    public static async Task An_erased_run_is_the_same_after_opening_again(StoreHarness harness)
    {
        var run = await EndedAsync(harness, "k", "canary", Noise(harness, 60_000));
        await EraseAsync(harness, run);
        var head = await harness.HeadAsync(run);
        await harness.ReopenAsync();
        Expect.Same(head, await harness.Store.FindAsync(run, default), "An erased run after opening again");
    }

    /// <summary>A run with a key, a label, a reason, a failure and some bodies.</summary>
    private static async Task<RunId> EndedAsync(StoreHarness harness, string? key, string text, params Payload[] payloads)
    {
        var run = await harness.StartAsync(key: key, labels: new Dictionary<string, string> { ["who"] = text });
        var lease = (await harness.LeaseAsync(max: 1)).Runs[0];
        Expect.Equal(run, lease.Row.Run, "The run given to the only worker");
        Expect.Committed(await harness.CommitAsync(
            lease,
            Draft(EntryKinds.StepCompleted, Body.Write(new StepCompleted(null, new RawJson(Encoding.UTF8.GetBytes($"\"{text}\"")), 1)), "look/-/1") with { Cause = text, Payloads = payloads },
            Draft(EntryKinds.RunFailed, Body.Write(new Trouble("handler_failed", text)))));
        return run;
    }

    private static async Task EraseAsync(StoreHarness harness, RunId run)
    {
        var result = await CommandAsync(harness, run);
        Expect.That(result.IsAccepted, $"An erasure that nothing speaks against was refused: {result}");
    }

    private static async Task<CommandResult> CommandAsync(StoreHarness harness, RunId run) => await RunCommands.ExecuteAsync(harness.Store, new EraseRun(run, "asked for"), Admin, default);

    private static string Header(Entry entry) => $"{entry with { Body = default, Salt = default, Hash = default, Digest = default, Cause = "" }} {Convert.ToHexString(entry.Hash.Span)}";

    private static Payload Noise(StoreHarness harness, int bytes)
    {
        var noise = new byte[bytes];
        harness.Entropy.Fill(noise);
        return Payload.Of(noise);
    }

    private static async Task ExpectAsync(StoreHarness harness, Payload payload, bool isThere) =>
        Expect.Equal(isThere, await harness.Store.FindPayloadAsync(payload.Hash, default) is not null, $"Whether a payload of {payload.Bytes.Length.Number()} bytes is there");
}
