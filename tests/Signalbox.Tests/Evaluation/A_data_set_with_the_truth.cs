using Xunit;
using static Signalbox.Tests.Evaluation.EvaluationWorld;

namespace Signalbox.Tests.Evaluation;

public sealed class A_data_set_with_the_truth
{
    private readonly EvaluationWorld _world = new();

    [Fact]
    public async Task Comes_to_right_wrong_harmful_escalated_failed_and_unknown()
    {
        await using var bench = await _world.StartAsync();
        var report = await RunAsync(bench, new("flow"),
        [
            Case("right", "fast=block@0.9", "block"),
            Case("one-of-two", "fast=watch@0.9", "block|watch"),
            Case("wrong", "fast=block@0.8", "allow"),
            Case("harmful", "fast=allow@0.9", "block", "allow"),
            Case("climbed", "fast=block@0.6 strong=allow@0.9", "allow"),
            Case("unsure", "fast=block@0.6 strong=allow@0.7", "allow"),
            Case("for-a-person", "fast=block@0.1", "escalate"),
            Case("failed", "fail", "block"),
            Case("no-truth", "fast=block@0.9"),
        ]);

        Assert.Equal(new EvaluationCounts(Right: 3, Wrong: 1, Harmful: 1, Escalated: 2, ForPerson: 1, Failed: 1, Unknown: 1), report.Counts);
        Assert.Equal(9, report.Counts.All);
        Assert.Equal(new() { ["low_confidence"] = 2 }, report.Escalations.ToDictionary());
        Assert.Equal(new() { ["handler_failed"] = 1 }, report.Failures.ToDictionary());
        Assert.Equal(
            ["right fast block 0.9", "right fast watch 0.9", "wrong fast block 0.8", "harmful fast allow 0.9", "right strong allow 0.9", "escalated person  ", "escalated person  ", "failed   ", "unknown fast block 0.9"],
            report.Cases.Select(c => FormattableString.Invariant($"{c.Verdict.ToString().ToLowerInvariant()} {c.Tier} {c.Kind} {c.Confidence}")));
        Assert.Equal("confidence 0.70 is below 0.80", report.Cases[5].Why);
    }

    [Fact]
    public async Task Is_told_apart_by_tier()
    {
        await using var bench = await _world.StartAsync();
        var report = await RunAsync(bench, new("flow"),
        [
            Case("a", "fast=block@0.9", "block"),
            Case("b", "fast=block@0.6 strong=allow@0.9", "allow"),
            Case("c", "strong=allow@0.9", "block"), // the fast model breaks
            Case("d", "fast=block@0.6 strong=allow@0.5", "allow"),
        ]);

        Assert.Equal(["fast", "strong"], report.Tiers.Select(t => t.Tier));
        var (fast, strong) = (report.Tiers[0], report.Tiers[1]);
        Assert.Equal((4, 3, 1), (fast.Asked, fast.Answered, fast.Decided.Right));
        Assert.Equal((3, 3, 1, 1), (strong.Asked, strong.Answered, strong.Decided.Right, strong.Decided.Wrong));
        Assert.Equal((3, 3), (fast.Reliability.Count, strong.Reliability.Count));

        // Answers of the fast tier: block@0.9 right, block@0.6 wrong twice.
        Assert.Equal(1 / 3.0, fast.Reliability.ShareRight);
        Assert.Equal(0.7, fast.Reliability.MeanConfidence!.Value, 12);
        Assert.Equal((1 / 3.0 * 0.1) + (2 / 3.0 * 0.6), fast.Reliability.ExpectedCalibrationError!.Value, 12);
        Assert.Equal(((0.1 * 0.1) + (0.6 * 0.6) + (0.6 * 0.6)) / 3, fast.Reliability.BrierScore!.Value, 12);
        Assert.Equal(report.Spent, fast.Spent + strong.Spent);
        Assert.Equal((4, 3), (fast.Spent.Calls, strong.Spent.Calls));
        Assert.True(strong.Spent.Micros > fast.Spent.Micros);

        // From 0.55 on all three of the fast tier's answers would have stood, from 0.65 on one.
        Assert.Equal((3, 2, 1.0, 2 / 3.0), At(fast, 0.55));
        Assert.Equal((1, 0, 1 / 3.0, 0.0), At(fast, 0.65));
        Assert.Equal((0, 0, 0.0, null), At(fast, 0.95));

        static (int, int, double?, double?) At(TierReport tier, double threshold) => tier.TradeOffs.Single(t => t.Threshold == threshold) is var t ? (t.Decided, t.Errors, t.Share, t.ErrorRate) : default;
    }

    [Fact]
    public async Task Is_told_apart_by_kind()
    {
        await using var bench = await _world.StartAsync();
        var report = await RunAsync(bench, new("flow"),
        [
            Case("a", "fast=block@0.9", "block"),
            Case("b", "fast=block@0.9", "allow", "block"),
            Case("c", "fast=allow@0.9", "block"),
            Case("d", "fast=block@0.1", "block"),
            Case("e", "fail", "block"),
        ]);

        Assert.Equal(
            [
                new KindReport("allow", Wanted: 1, Escalated: 0, Failed: 0, Decided: 1, Right: 0, Wrong: 1, Harmful: 0),
                new KindReport("block", Wanted: 4, Escalated: 1, Failed: 1, Decided: 2, Right: 1, Wrong: 0, Harmful: 1),
            ],
            report.Kinds);
    }

    [Fact]
    public async Task Takes_as_long_as_the_journal_says()
    {
        await using var bench = await _world.StartAsync();
        var report = await RunAsync(bench, new("flow"), [Case("a", "slow fast=block@0.9", "block"), Case("b", "slow fast=block@0.6 strong=block@0.7", "block"), Case("c", "fast=block@0.9", "block")]);

        Assert.Equal([2_000_000, 4_000_000, 0], report.Cases.Select(c => c.Microseconds)); // b was asked about for minutes afterwards
        Assert.Equal(new EvaluationTimes(2_000_000, 4_000_000, 4_000_000), report.Times);
        Assert.Equal(6_000_000, report.Spent.Microseconds);
    }

    [Fact]
    public async Task Leaves_escalated_what_a_person_answered_and_does_not_start_anything_twice()
    {
        await using var bench = await _world.StartAsync();
        EvaluationCase<Note>[] cases = [Case("a", "fast=block@0.1", "block"), Case("b", "fast=block@0.9", "block")];
        var before = await RunAsync(bench, new("flow"), cases);
        await bench.Harness.Client("person:anna").AnswerAsync(before.Cases[0].Run, "block");
        await bench.Harness.RunUntilIdleAsync();

        Assert.Equal(RunStatus.Completed, (await bench.Harness.GetAsync(before.Cases[0].Run)).Status);
        var after = await RunAsync(bench, new("flow"), cases);
        Assert.Equal(before.ToJson(), after.ToJson());
        Assert.Equal(2, (await bench.Harness.RunsAsync()).Count);
    }

    [Fact]
    public async Task Can_be_judged_by_runs_that_there_are_already()
    {
        await using var bench = await _world.StartAsync();
        EvaluationCase<Note>[] cases = [Case("a", "fast=block@0.1", "block"), Case("b", "fast=block@0.9", "block")];
        var started = await RunAsync(bench, new("flow"), cases);
        var underWay = await bench.StartRunAsync(cases[1].Start, key: "under way");
        FinishedCase[] finished = [.. started.Cases.Select(c => new FinishedCase(c.Id, c.Run, c.Truth)), new("c", underWay, new Truth("block"))];
        var read = await new Evaluation<Note>("flow").ReadAsync(bench.Harness.Client(), finished, started.Configuration);
        await bench.Harness.RunUntilIdleAsync();

        Assert.Equal(started.Cases.Select(c => c.ToString()), read.Cases.Take(2).Select(c => c.ToString()));
        Assert.Equal((EvaluationVerdict.Failed, "not_settled"), (read.Cases[2].Verdict, read.Cases[2].Reason));
        var unknown = await Assert.ThrowsAsync<ArgumentException>(() => new Evaluation<Note>("flow").ReadAsync(bench.Harness.Client(), [new("d", new RunId("r-0"))], "x"));
        Assert.StartsWith("The store has no run 'r-0' for case 'd'.", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Has_runs_of_its_own_for_each_configuration_and_none_for_another_case()
    {
        await using var bench = await _world.StartAsync();
        await RunAsync(bench, new("flow"), [Case("a", "fast=block@0.9", "block")], "one");
        await RunAsync(bench, new("flow"), [Case("a", "fast=block@0.9", "block")], "two");
        var other = await RunAsync(bench, new("flow"), [Case("a", "fast=allow@0.9", "allow")], "one");

        Assert.Equal(2, (await bench.Harness.RunsAsync()).Count);
        Assert.Equal((EvaluationVerdict.Failed, "other_case"), (other.Cases[0].Verdict, other.Cases[0].Reason));
        Assert.Equal("the store has a run of configuration 'one' under this id, with another case; name the configuration otherwise, or take another store", other.Cases[0].Why);
    }

    [Fact]
    public async Task Calls_a_run_failed_that_does_not_come_to_an_end()
    {
        await using var bench = await _world.StartAsync();
        var report = await RunAsync(bench, new("flow") { Within = TimeSpan.FromMinutes(5) }, [Case("a", "forever", "block"), Case("b", "fast=block@0.9", "block")]);

        Assert.Equal(["timed_out: after 5 min it is Waiting in state 'One'", ": "], report.Cases.Select(c => $"{c.Reason}: {c.Why}"));
        Assert.Equal((1, 1), (report.Counts.Failed, report.Counts.Right));
    }

    [Fact]
    public async Task Needs_to_be_told_what_a_run_without_a_decision_came_to()
    {
        await using var bench = await _world.StartAsync();
        EvaluationCase<Note>[] cases = [Case("a", "close", "close")];
        Assert.Equal("no_decision", (await RunAsync(bench, new("flow"), cases)).Cases[0].Reason);

        var told = await RunAsync(bench, new("flow") { Outcome = run => new EvaluatedOutcome(run.Case.Text) { Confidence = 1 } }, cases);
        Assert.Equal((EvaluationVerdict.Right, "close", "workflow", 1.0), (told.Cases[0].Verdict, told.Cases[0].Kind, told.Cases[0].Tier, told.Cases[0].Confidence));
    }

    [Fact]
    public async Task Takes_the_journals_word_for_tier_and_confidence_unless_the_workflow_decided_otherwise()
    {
        await using var bench = await _world.StartAsync();
        EvaluationCase<Note>[] cases = [Case("a", "fast=block@0.9", "block"), Case("b", "fast=allow@0.9", "block"), Case("c", "fast=stop@0.9", "block")];
        var report = await RunAsync(bench, new("flow")
        {
            Outcome = run => run.Case.Text == "stop" ? EvaluatedOutcome.Escalated : new EvaluatedOutcome("block") { Tier = "my own", Confidence = 0.1 },
        }, cases);

        Assert.Equal([("fast", 0.9), ("my own", 0.1), ("person", null)], report.Cases.Select(c => (c.Tier, c.Confidence)));
        Assert.Equal((2, 1), (report.Counts.Right, report.Counts.Escalated));
    }

    [Fact]
    public async Task Counts_no_answer_as_decidable_that_the_workflow_objects_to_or_that_asks_for_a_person()
    {
        await using var bench = await _world.StartAsync();
        var report = await RunAsync(bench, new("flow"),
            [Case("a", "forbidden fast=block@0.9 strong=block@0.9", "block"), Case("b", "fast=escalate@0.9", "block"), Case("c", "fast=escalate@0.9", "escalate")]);

        Assert.Equal(new EvaluationCounts { Escalated = 3, ForPerson = 1 }, report.Counts);
        Assert.Equal(new() { ["asked"] = 2, ["policy"] = 1 }, report.Escalations.ToDictionary());
        Assert.All(report.Tiers[0].TradeOffs, t => Assert.Equal(0, t.Decided));
        Assert.Equal(3, report.Tiers[0].Reliability.Count);
    }

    [Fact]
    public async Task Tells_how_far_it_is()
    {
        var told = new Told();
        await using var bench = await _world.StartAsync();
        await RunAsync(bench, new("flow") { RunsAtOnce = 2 }, [.. Enumerable.Range(1, 7).Select(i => Case($"c-{i}", "fast=block@0.9", "block"))], progress: told);

        Assert.Equal(Enumerable.Range(1, 7), told.All.Select(p => p.Done));
        Assert.All(told.All, p => Assert.Equal(7, p.All));
    }

    [Fact]
    public async Task Stops_when_it_is_told_to_and_goes_on_where_it_was()
    {
        using var stop = new CancellationTokenSource();
        EvaluationCase<Note>[] cases = [.. Enumerable.Range(1, 20).Select(i => Case($"c-{i}", "fast=block@0.9", "block"))];
        await using var bench = await _world.StartAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(
            bench, new("flow") { RunsAtOnce = 1 }, cases, progress: new Told { Then = p => (p.Done == 5 ? stop.Cancel : (Action)(() => { }))() }, cancellationToken: stop.Token));
        Assert.InRange((await bench.Harness.RunsAsync()).Count, 5, 6);

        Assert.Equal(20, (await RunAsync(bench, new("flow"), cases)).Counts.Right);
        Assert.Equal(20, (await bench.Harness.RunsAsync()).Count);
    }

    [Fact]
    public async Task Refuses_two_cases_under_one_id()
    {
        await using var bench = await _world.StartAsync();
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(bench, new("flow"), [Case("a", "x"), Case("a", "y")]));
        Assert.StartsWith("Two cases have the id 'a'; an id names one case.", refused.Message, StringComparison.Ordinal);
    }

    private sealed class Told : IProgress<EvaluationProgress>
    {
        public List<EvaluationProgress> All { get; } = [];

        public Action<EvaluationProgress> Then { get; init; } = _ => { };

        public void Report(EvaluationProgress value)
        {
            All.Add(value);
            Then(value);
        }
    }
}
