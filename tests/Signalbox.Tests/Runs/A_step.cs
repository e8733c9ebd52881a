using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_step
{
    public sealed record Answer(string Word, [property: System.Text.Json.Serialization.JsonIgnore] string Unwritten = "");

    [Fact]
    public async Task That_was_recorded_is_not_done_again_after_a_crash()
    {
        var calls = 0;
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var n = await visit.Read("count", _ => Task.FromResult(++calls));
            await gate.PassAsync();
            return visit.GoTo(Step.Done, visit.Case with { Number = n });
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync();
        gate.Open();

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);

        Assert.Equal((1, 2, 1), (calls, gate.Passes, (await bench.NoteAsync()).Number));
        Assert.Equal("count/-/1", (await bench.EntryAsync(EntryKinds.StepCompleted)).Step);
    }

    [Fact]
    public async Task That_was_not_recorded_is_done_again_and_recorded_once()
    {
        var calls = 0;
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var n = await visit.Read("count", async _ =>
            {
                calls++;
                await gate.PassAsync();
                return calls;
            });
            return visit.GoTo(Step.Done, visit.Case with { Number = n });
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal((2, 2), (calls, (await bench.NoteAsync()).Number));
        Assert.Equal("2", (await bench.BodyAsync<StepCompleted>(EntryKinds.StepCompleted)).Result.ToString());
    }

    [Fact]
    public async Task Gives_live_what_it_gives_after_a_crash_the_recorded_value()
    {
        var made = new Answer("yes", "never stored");
        var seen = new List<Answer>();
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            seen.Add(await visit.Read("ask", _ => Task.FromResult(made)));
            await gate.PassAsync();
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal([new Answer("yes"), new Answer("yes")], seen);
        Assert.DoesNotContain(seen, s => ReferenceEquals(s, made));
    }

    [Fact]
    public async Task That_fails_is_tried_again_after_pauses_that_double()
    {
        var calls = new List<DateTimeOffset>();
        Bench? world = null;
        await using var bench = world = await Bench.OfAsync(new Flow(async visit =>
        {
            var word = await visit.Read("ask", _ =>
            {
                calls.Add(world!.Harness.Clock.GetUtcNow());
                return calls.Count < 4 ? throw new IOException($"no line {calls.Count}") : Task.FromResult("answer");
            }, new() { Attempts = 4, Backoff = TimeSpan.FromSeconds(1), BackoffMax = TimeSpan.FromSeconds(2) });
            return visit.GoTo(Step.Done, new Note(word));
        }));

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);

        var pauses = calls.Zip(calls.Skip(1), (a, b) => (b - a).TotalSeconds).ToArray();
        Assert.InRange(pauses[0], 0.75, 1.25);
        Assert.InRange(pauses[1], 1.5, 2.5);
        Assert.InRange(pauses[2], 1.5, 2.5); // no longer than BackoffMax, but for the jitter
        var failed = (await bench.EntriesAsync(EntryKinds.StepAttemptFailed)).Select(Body.Read<StepFailed>).ToArray();
        Assert.Equal([("failed", "IOException: no line 1", 1), ("failed", "IOException: no line 2", 2), ("failed", "IOException: no line 3", 3)], failed.Select(f => (f.Code, f.Reason, f.Attempts)));
        Assert.Equal(4, (await bench.BodyAsync<StepCompleted>(EntryKinds.StepCompleted)).Attempts);
    }

    [Fact]
    public async Task Goes_on_with_its_attempts_after_a_crash_and_does_not_begin_anew()
    {
        var calls = 0;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read<int>("ask", _ => throw new IOException($"{++calls}"), new() { Attempts = 3, Backoff = TimeSpan.FromMinutes(1) });
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync();
        var row = await bench.IdleAsync();

        Assert.Equal(3, calls);
        Assert.Equal($"Step 'ask/-/1' of run '{bench.Run}' failed after 3 attempts: IOException: 3", row.Reason);
    }

    [Fact]
    public async Task Whose_failure_is_not_worth_another_attempt_fails_at_once()
    {
        var calls = 0;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read<int>("ask", _ => throw new ArgumentException($"{++calls}"), new() { RetryOn = e => e is IOException });
            return visit.GoTo(Step.Done);
        }));

        var row = await bench.RunAsync();

        Assert.Equal(1, calls);
        Assert.Equal((RunStatus.Failed, TroubleCodes.HandlerFailed), (row.Status, row.ReasonCode));
        Assert.Equal($"Step 'ask/-/1' of run '{bench.Run}' failed after 1 attempt: ArgumentException: 1", row.Reason);
    }

    [Fact]
    public async Task That_failed_for_good_keeps_its_failure_as_its_result()
    {
        var calls = 0;
        var gate = new Gate();
        var seen = new List<(string Code, string Reason, int Attempts)>();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            try
            {
                await visit.Read<int>("ask", _ => throw new IOException($"{++calls}"), new() { Attempts = 1 });
            }
            catch (StepFailedException e)
            {
                seen.Add((e.Code, e.Reason, e.Attempts));
            }

            await gate.PassAsync();
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(1, calls);
        Assert.Equal([("failed", "IOException: 1", 1), ("failed", "IOException: 1", 1)], seen);
    }

    [Fact]
    public async Task That_ignores_its_cancellation_is_left_behind_when_its_time_is_up()
    {
        var late = new TaskCompletionSource<int>();
        var token = CancellationToken.None;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read("ask", ct =>
            {
                token = ct;
                return late.Task;
            }, new() { Within = TimeSpan.FromSeconds(2), Attempts = 1 });
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(1.9));
        Assert.Equal(RunStatus.Running, (await bench.RowAsync()).Status);
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(0.2));

        Assert.Equal($"Step 'ask/-/1' of run '{bench.Run}' failed after 1 attempt: timed out after 2 s", (await bench.RowAsync()).Reason);
        Assert.Equal("timed_out", (await bench.BodyAsync<StepFailed>(EntryKinds.StepFailed)).Code);
        Assert.True(token.IsCancellationRequested);

        var before = (await bench.JournalAsync()).Count;
        late.SetResult(7);
        await bench.Harness.SettleAsync();
        Assert.Equal(before, (await bench.JournalAsync()).Count);
    }

    [Fact]
    public async Task Whose_result_is_too_large_fails()
    {
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Limits = signalbox.Limits with { ResultBytesMax = 1000 };
            signalbox.Add(new Flow(async visit =>
            {
                await visit.Read("ask", _ => Task.FromResult(new string('x', 999)), new() { Attempts = 1 });
                return visit.GoTo(Step.Done);
            }));
        });

        var row = await bench.RunAsync();

        Assert.Equal($"Step 'ask/-/1' of run '{bench.Run}' failed after 1 attempt: its result has 1,001 bytes; the limit is 1,000 (ResultBytesMax)", row.Reason);
        Assert.Equal("too_large", (await bench.BodyAsync<StepFailed>(EntryKinds.StepFailed)).Code);
    }

    [Fact]
    public async Task With_a_large_result_is_kept_as_a_payload_and_read_back_whole()
    {
        var text = new string('é', 3000);
        var gate = new Gate();
        var seen = new List<string>();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            seen.Add(await visit.Read("ask", text, (t, _) => Task.FromResult(t)));
            await gate.PassAsync();
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal([text, text], seen);
        var body = await bench.BodyAsync<StepCompleted>(EntryKinds.StepCompleted);
        Assert.NotNull(body.Result.Reference);
        Assert.Equal(body.Result.Reference, body.Arguments!.Value.Reference);
    }

    [Fact]
    public async Task Asked_twice_one_after_the_other_is_two_steps()
    {
        var calls = 0;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var a = await visit.Read("count", "same", (_, _) => Task.FromResult(++calls));
            var b = await visit.Read("count", "same", (_, _) => Task.FromResult(++calls));
            return visit.GoTo(Step.Done, visit.Case with { Number = (10 * a) + b });
        }));
        await bench.RunAsync();

        Assert.Equal(12, (await bench.NoteAsync()).Number);
        var steps = (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(e => e.Step).ToArray();
        Assert.Equal([steps[0], steps[0][..^1] + "2"], steps);
        Assert.EndsWith("/1", steps[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asked_twice_at_once_with_equal_arguments_is_an_error()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await Task.WhenAll(visit.Read("ask", 1, (_, _) => Slowly()), visit.Read("ask", 1, (_, _) => Slowly()));
            return visit.GoTo(Step.Done);
        }));

        var row = await bench.RunAsync();

        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.Equal(
            $"Run '{bench.Run}' asks in state 'One' for two steps 'ask' with equal arguments at once, so that their results could not be told apart. Give one of them an explicit key, or put them into branches.", row.Reason);
    }

    [Fact]
    public async Task Asked_twice_at_once_is_told_apart_by_an_explicit_key_by_its_arguments_or_by_its_branch()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await Task.WhenAll(
                visit.Read("ask", 1, (_, _) => Slowly()),
                visit.Read("ask", 1, (_, _) => Slowly(), new() { Key = "second" }),
                visit.Read("ask", 2, (_, _) => Slowly()),
                visit.Branch("b", b => b.Read("ask", 1, (_, _) => Slowly())));
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
        Assert.Equal(4, (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(e => (e.Scope, e.Step)).Distinct().Count());
    }

    [Fact]
    public async Task Is_known_by_its_arguments_however_they_are_ordered()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read("ask", new { b = 1, a = "x" }, (_, _) => Slowly());
            await visit.Read("ask", new SortedDictionary<string, object> { ["a"] = "x", ["b"] = 1 }, (_, _) => Slowly());
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();

        var keys = (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(e => e.Step[..^2]).ToArray();
        Assert.Equal(keys[0], keys[1]);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    public async Task With_a_name_that_cannot_stand_in_a_key_fails_its_run(string name)
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read(name, _ => Slowly());
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal($"A name of a step, a scope or a signal has 1 to 100 characters, no '/' and no control character; got '{name}'. (Parameter 'name')", (await bench.RunAsync()).Reason);
    }

    /// <summary>
    /// What the engine does for a run it does in the run's context, one thing after the other, wherever the author's code is when it asks.
    /// The simulation does not see the thread pool: time that passed while the code is there would use up the visit's active time.
    /// </summary>
    [Fact(Timeout = 60_000)]
    public async Task Is_taken_from_code_that_has_left_the_runs_context()
    {
        SynchronizationContext? ofTheRun = null;
        var outside = new List<string>();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            ofTheRun = SynchronizationContext.Current;
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // goes on in the thread pool
            await visit.Send(visit.Run, "news", 2).ConfigureAwait(false);
            var signal = await visit.WaitFor<int>("news").ConfigureAwait(false);
            var n = await visit.Branch("b", branch => branch.Read("ask", async _ =>
            {
                Look("read");
                await Task.Yield();
                return signal.Value - 1;
            })).ConfigureAwait(false);
            await visit.Gather(new EvidenceSource<int, int>("source", (asked, _) =>
            {
                Look("evidence");
                return Task.FromResult(asked);
            }).For(1)).ConfigureAwait(false);
            await visit.Act(new Block("192.0.2.7")).ConfigureAwait(false);
            await visit.Delay(TimeSpan.FromHours(1)).ConfigureAwait(false);
            return visit.GoTo(Step.Done, visit.Case with { Number = n });
        }));
        await bench.StartRunAsync();
        await SettleUntilAsync(RunStatus.Waiting);
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(1));
        await SettleUntilAsync(RunStatus.Completed);

        Assert.Equal(1, (await bench.NoteAsync()).Number);
        Assert.Empty(outside);

        void Look(string what)
        {
            if (ofTheRun is null || SynchronizationContext.Current != ofTheRun)
            {
                outside.Add(what);
            }
        }

        async Task SettleUntilAsync(RunStatus status)
        {
            while ((await bench.RowAsync()).Status != status)
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                await bench.Harness.SettleAsync();
                await Task.Yield();
            }
        }
    }

    private static async Task<int> Slowly()
    {
        await Task.Yield();
        return 1;
    }
}
