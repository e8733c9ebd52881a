using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.HistoryChecker;
using Signalbox.Journal;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Erasure;

public sealed class A_run_that_was_erased
{
    private const string Canary = "canary-31";

    [Fact]
    public async Task Still_has_a_history_without_violations_and_nothing_of_what_it_was_about()
    {
        await using var bench = await ErasedAsync();
        var lines = await JournalExport.LinesAsync(bench.Harness.Store);
        Assert.Empty(HistoryCheck.Run(lines));
        Assert.DoesNotContain(lines, l => l.Contains(Canary, StringComparison.Ordinal));
        Assert.Equal(RunStatus.Completed, (await bench.RowAsync()).Status);
        Assert.Equal("asked for", (await bench.BodyAsync<RunErased>(EntryKinds.RunErased)).Reason);
    }

    [Theory]
    [InlineData("\"state\":\"One\"", "\"state\":\"Two\"")]
    [InlineData("\"actor\":\"workflow:flow\"", "\"actor\":\"person:anna\"")]
    [InlineData("\"digest\":\"", "\"digest\":\"11")]
    [InlineData("\"hash\":\"", "\"hash\":\"11")]
    public async Task Cannot_be_altered_without_being_noticed(string before, string after)
    {
        await using var bench = await ErasedAsync();
        var lines = await JournalExport.LinesAsync(bench.Harness.Store);
        var at = lines.FindLastIndex(l => l.Contains("\"digest\"", StringComparison.Ordinal) && l.Contains(before, StringComparison.Ordinal));
        var place = lines[at].IndexOf(before, StringComparison.Ordinal);
        var altered = string.Concat(lines[at].AsSpan(0, place), after, lines[at].AsSpan(place + before.Length + (after.EndsWith("11", StringComparison.Ordinal) ? 2 : 0)));
        Assert.NotEqual(lines[at], altered);
        lines[at] = altered;
        Assert.Contains(HistoryCheck.Run(lines), v => v.ToString().Contains("I19", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Must_say_so()
    {
        await using var bench = await ErasedAsync();
        var lines = await JournalExport.LinesAsync(bench.Harness.Store);
        lines.RemoveAll(l => l.Contains("\"run.erased\"", StringComparison.Ordinal));
        Assert.Contains(HistoryCheck.Run(lines), v => v.ToString().Contains("run.erased", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Keeps_nobody_from_starting_under_its_key()
    {
        await using var bench = await ErasedAsync();
        var again = await bench.StartRunAsync(new Note("again"), key: "k-" + Canary);
        await bench.IdleAsync();
        Assert.Equal(again, (await bench.Harness.Store.FindByKeyAsync("flow", "k-" + Canary, default))!.Row.Run);
    }

    [Fact]
    public async Task Was_kept_as_long_as_its_rule_says_and_no_longer()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        await bench.RunAsync(new Note(Canary));
        var retention = new Retention(bench.Harness.Worker.Services.GetRequiredService<Engine>() with { Store = bench.Harness.Store }, [new RetentionRule("flow", TimeSpan.FromDays(30))]);
        bench.Harness.Clock.Jump(TimeSpan.FromDays(29)); // no timer of the worker is to fire
        Assert.Equal(0, await SweepAsync(bench, retention));
        bench.Harness.Clock.Jump(TimeSpan.FromDays(1.1));
        Assert.Equal(1, await SweepAsync(bench, retention));
        Assert.True((await bench.RowAsync()).IsErased);
        Assert.Equal("retention: ended more than 720 h ago", (await bench.BodyAsync<RunErased>(EntryKinds.RunErased)).Reason);
        Assert.Equal(0, await SweepAsync(bench, retention));
    }

    [Fact]
    public async Task Is_looked_for_again_after_the_store_was_damaged_and_no_host_ends_by_it()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        var store = DispatchProxy.Create<IRunStore, DamagedStore>();
        using var retention = new Retention(bench.Harness.Worker.Services.GetRequiredService<Engine>() with { Store = store }, [new RetentionRule("flow", TimeSpan.FromDays(30))]);
        await retention.StartAsync(default);

        for (var hours = 0; ((DamagedStore)store).Asked < 3 && hours < 500; hours++)
        {
            bench.Harness.Clock.Advance(TimeSpan.FromHours(1));
            Assert.NotEqual(retention.ExecuteTask, await Task.WhenAny(retention.ExecuteTask!, Task.Delay(20)));
        }

        Assert.True(((DamagedStore)store).Asked >= 3);
        await retention.StopAsync(default);
    }

    [Fact]
    public async Task Is_left_whole_while_its_action_stands()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.7"));
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();
        var standing = Assert.Single(await bench.Harness.Store.ClaimsAsync(new ClaimQuery { Run = bench.Run }, default));
        Assert.Equal("run_has_claims", (await EraseAsync(bench)).Code);
        Assert.DoesNotContain(await bench.Harness.JournalAsync(bench.Run), e => e.IsErased);

        await bench.CheckAsync();
        bench.ChecksHistory = false; // afterwards nobody can tell what the target's log is about
        Assert.True((await RunCommands.ExecuteAsync(bench.Harness.Store, new ReleaseClaim(bench.Run, standing.ActionId, "not wanted any more"), new Caller("person:anna", [Caller.AnyRole]), default)).IsAccepted);
        Assert.Equal("ok", (await EraseAsync(bench)).Code);
    }

    private static async Task<int> SweepAsync(Bench bench, Retention retention)
    {
        var sweeping = retention.SweepAsync(default);
        for (var pages = 0; !sweeping.IsCompleted && pages < 100; pages++)
        {
            bench.Harness.Clock.Advance(TimeSpan.FromMilliseconds(200)); // the pause between pages
            await Task.WhenAny(sweeping, Task.Delay(20));
        }

        return await sweeping.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static async Task<Bench> ErasedAsync()
    {
        var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read("look", _ => Task.FromResult(Canary + new string('x', 9_000)));
            return visit.GoTo(Step.Done, visit.Case with { Text = Canary }, Canary);
        }));
        await bench.StartRunAsync(new Note(Canary), key: "k-" + Canary);
        await bench.IdleAsync();
        Assert.Equal("ok", (await EraseAsync(bench)).Code);
        return bench;
    }

    private static async Task<CommandResult> EraseAsync(Bench bench) => await RunCommands.ExecuteAsync(bench.Harness.Store, new EraseRun(bench.Run, "asked for"), new Caller("person:anna", ["admin"]), default);

    /// <summary>A store that can be asked for nothing.</summary>
    public class DamagedStore : DispatchProxy
    {
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Interlocked.Increment(ref _asked);
            throw new StoreRefusedException("store_damaged", "The store is damaged.");
        }
    }
}
