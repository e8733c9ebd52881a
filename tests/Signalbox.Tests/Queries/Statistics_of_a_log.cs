using Signalbox.Journal;
using Signalbox.Queries;
using Xunit;

namespace Signalbox.Tests.Queries;

public sealed class Statistics_of_a_log
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly MadeUpLog _log = new();

    [Fact]
    public void Count_runs_by_how_they_ended_and_a_run_that_was_retried_by_its_last_end()
    {
        var (done, failed, retried, ended, canceled, open) = (_log.Start("r-1"), _log.Start("r-2"), _log.Start("r-3"), _log.Start("r-4"), _log.Start("r-5"), _log.Start("r-6"));
        _log.Wait(4 * Second);
        _log.Add(done, EntryKinds.RunCompleted);
        _log.Add(failed, EntryKinds.RunFailed, new Trouble("handler_failed", "the hinge is rusty"));
        _log.Add(retried, EntryKinds.RunFailed, new Trouble("handler_failed", "the hinge is rusty"));
        _log.Add(ended, EntryKinds.RunFailed, new Trouble(TroubleCodes.EndedWithoutSuccess, "it is shut"));
        _log.Add(canceled, EntryKinds.RunCanceled);
        _log.Add(open, EntryKinds.RunHeld, new Trouble("quarantined", "died too often"));
        _log.Wait(TimeSpan.FromMinutes(5));
        _log.Add(retried, EntryKinds.RunRetried);
        _log.Add(retried, EntryKinds.RunCompleted);

        var all = Sum();

        Assert.Equal(6, all.Started);
        Assert.Equal([(RunStatus.Canceled, 1), (RunStatus.Completed, 2), (RunStatus.Failed, 2)], all.Ended.Select(e => (e.Key, e.Value)).OrderBy(e => e.Key.ToString(), StringComparer.Ordinal));
        Assert.Equal((3, 4_000_000), all.Latencies.Where(l => l.Name == "run").Select(l => (l.Count, l.Median)).Single() is var (count, median) ? (count, median / 1_000_000 * 1_000_000) : default);
        Assert.Equal([4, 0, 0, 0, 0, 1], all.Buckets.Select(b => b.Ended));
    }

    [Fact]
    public void Call_autonomous_what_ended_without_a_person_asked()
    {
        foreach (var (run, before) in new (string, Action<RunId>)[]
        {
            ("r-alone", _ => { }),
            ("r-climbed", run => _log.Climb(run, EscalationReasons.LowConfidence)),
            ("r-asked", run => _log.Add(run, EntryKinds.ApprovalRequested, new ApprovalRequested("Open?", ["yes", "no"], null, null, null), step: "approval/-/1")),
            ("r-handed", run => _log.Climb(run, EscalationReasons.Policy, to: "person")),
            ("r-held", run => _log.Add(run, EntryKinds.RunHeld, new Trouble("quarantined", "died too often"))),
        })
        {
            var id = _log.Start(run);
            before(id);
            _log.Add(id, EntryKinds.RunCompleted);
        }

        _log.Start("r-open");

        Assert.Equal(0.4, Sum().Autonomy);
    }

    [Fact]
    public void Know_no_autonomy_where_nothing_ended()
    {
        _log.Start("r-1");

        Assert.Null(Sum().Autonomy);
    }

    [Fact]
    public void Count_the_answers_of_tiers_and_of_people()
    {
        var run = _log.Start("r-1");
        _log.Decide(run, "d-1", "fast", 0.4, stands: false);
        _log.Climb(run, EscalationReasons.LowConfidence);
        _log.Decide(run, "d-2", "strong", 0.9);
        _log.Decide(run, "d-3", "fast", 0.95);
        _log.Decide(run, "d-4", "fast", 0.5, stands: false);
        _log.Climb(run, EscalationReasons.Budget, to: "person");
        _log.Climb(run, EscalationReasons.Budget, to: "person");
        _log.Add(run, EntryKinds.ApprovalRequested, new ApprovalRequested("Open?", ["yes", "no"], null, null, null), step: "approval/-/1");
        _log.Wait(30 * Second);
        _log.Add(run, EntryKinds.ApprovalIgnored, new ApprovalAnswered("maybe"), step: "approval/-/1");
        _log.Add(run, EntryKinds.ApprovalAnswered, new ApprovalAnswered("yes"), step: "approval/-/1");

        var all = Sum();

        Assert.Equal([new("fast", 3, 1, 2), new("strong", 1, 1, 0), new("person", 1, 1, 0)], all.Tiers);
        Assert.Equal([new(EscalationReasons.Budget, 2), new(EscalationReasons.LowConfidence, 1)], all.Escalations);
        Assert.Equal([new Latency("approval", 1, 30_000_000, 30_000_000, 30_000_000)], all.Latencies);
        Assert.Equal([("fast", 1), ("person", 1), ("strong", 1)], all.Buckets[0].Stood.Select(s => (s.Key, s.Value)).Order());
        Assert.Equal([(EscalationReasons.Budget, 2), (EscalationReasons.LowConfidence, 1)], all.Buckets[0].Escalations.Select(s => (s.Key, s.Value)).Order());
    }

    [Fact]
    public void Weigh_confidence_only_against_what_is_known_and_by_the_last_word()
    {
        var run = _log.Start("r-1");
        _log.Decide(run, "d-right", confidence: 0.9);
        _log.Decide(run, "d-wrong", confidence: 0.8);
        _log.Decide(run, "d-unknown", confidence: 0.1);
        _log.Decide(run, "d-changed", "strong", confidence: 0.7);
        _log.Judge(run, "d-right", isRight: true);
        _log.Judge(run, "d-wrong", isRight: false);
        _log.Judge(run, "d-changed", isRight: false);
        _log.Wait(TimeSpan.FromDays(1));
        _log.Judge(run, "d-changed", isRight: true);
        _log.Judge(run, "d-never-made", isRight: true);

        var reliability = Sum().Reliability;

        Assert.Equal(["all", "fast", "strong"], reliability.Select(r => r.Tier));
        Assert.Equal([3, 2, 1], reliability.Select(r => r.Reliability.Count));
        Assert.Equal([2.0 / 3, 0.5, 1], reliability.Select(r => r.Reliability.ShareRight));
        Assert.Equal(0.85, reliability[1].Reliability.MeanConfidence!.Value, 6);
    }

    [Fact]
    public void Count_rejections_failures_and_actions_by_their_last_outcome()
    {
        var run = _log.Start("r-1");
        _log.Add(run, EntryKinds.ToolRejected, new ToolRejected("analyst", "fast", 1, "c-1", "delete_all", null, RejectionCodes.UnknownTool, "there is no such tool"));
        _log.Add(run, EntryKinds.ToolRejected, new ToolRejected("analyst", "fast", 1, "c-2", "whois", null, RejectionCodes.BadArguments, "they do not fit"));
        _log.Add(run, EntryKinds.ToolRejected, new ToolRejected("analyst", "fast", 2, "c-3", "whois", null, RejectionCodes.BadArguments, "they do not fit"));
        _log.Add(run, EntryKinds.StepAttemptFailed, new StepFailed("failed", "no", null, 1_000, 1, "evidence"), step: "logins/-/1");
        _log.Add(run, EntryKinds.StepFailed, new StepFailed("timed_out", "no", null, 2_000_000, 2, "evidence"), step: "logins/-/1");
        Act("a-1", "block", EntryKinds.ActionUnknown);
        Act("a-1", "block", EntryKinds.ActionVerified);
        Act("a-2", "block", EntryKinds.ActionVerified);
        Act("a-2", "block", EntryKinds.ActionVerified, undo: true);
        Act("a-3", "block", EntryKinds.ActionRefused);
        Act("a-4", "block", EntryKinds.ActionNotApplied);

        var all = Sum();

        Assert.Equal([new(RejectionCodes.BadArguments, 2), new(RejectionCodes.UnknownTool, 1)], all.Rejections);
        Assert.Equal([new("timed_out", 1)], all.Failures);
        Assert.Equal([new("not_applied", 1), new("refused", 1), new("undone", 1), new("verified", 1)], all.Actions);

        void Act(string id, string action, string kind, bool undo = false) => _log.Add(run, kind, new ActionObserved(id, action, null, null, Undo: undo));
    }

    [Fact]
    public void Time_models_tools_evidence_reads_and_actions_by_name_but_nothing_that_was_cached()
    {
        var run = _log.Start("r-1");
        _log.Add(run, EntryKinds.StepCompleted, new StepCompleted(null, MadeUpLog.Json("1"), 1_500_000, Type: "model", Model: new ModelCall("m-1", [], MadeUpLog.Json("{}"), "stop", 10, 5)), step: "model/-/1");
        _log.Add(run, EntryKinds.StepCompleted, new StepCompleted(null, MadeUpLog.Json("1"), 2_000, Type: "tool", Tool: new ToolCalled("analyst", "fast", 1, "c-1")), step: "whois/0123/1");
        _log.Add(run, EntryKinds.StepCompleted, new StepCompleted(null, MadeUpLog.Json("1"), 300, Type: "evidence"), step: "logins/0123/1");
        _log.Add(run, EntryKinds.StepCompleted, new StepCompleted(null, MadeUpLog.Json("1"), 9, Type: "evidence", CachedMicroseconds: 60_000_000), step: "logins/0123/2");
        _log.Add(run, EntryKinds.StepCompleted, new StepCompleted(null, MadeUpLog.Json("1"), 7), step: "clock/-/1");
        _log.Add(run, EntryKinds.ActionIntended, new ActionIntended("a-1", "block", MadeUpLog.Json("{}"), "", "T3"), step: "block/-/1");
        _log.Wait(2 * Second);
        _log.Add(run, EntryKinds.ActionIntended, new ActionIntended("a-1", "block", MadeUpLog.Json("{}"), "", "T3", Attempt: 2), step: "block/-/1");
        _log.Wait(Second);
        _log.Add(run, EntryKinds.ActionVerified, new ActionObserved("a-1", "block", null, "it is there"), step: "block/-/1");

        Assert.Equal(
            [("action:block", 1, 3_000_000), ("evidence:logins", 1, 300), ("model:m-1", 1, 1_500_000), ("read:clock", 1, 7), ("tool:whois", 1, 2_000)],
            Sum().Latencies.Select(l => (l.Name, l.Count, l.Max)));
    }

    [Fact]
    public void Add_up_money_by_agent_tier_and_model_with_reservations_until_they_are_settled()
    {
        var run = _log.Start("r-1");
        Reserve("analyst/fast", "m-1", 100);
        Settle("analyst/fast", 100, 40);
        _log.Add(run, EntryKinds.ToolRejected, new ToolRejected("analyst", "fast", 1, "c-1", "x", null, RejectionCodes.UnknownTool, "no"), scope: "analyst/fast");
        Reserve("analyst/strong/sample-2", "m-2", 500);
        _log.Wait(TimeSpan.FromMinutes(1));
        _log.Add(run, EntryKinds.StepCompleted, new StepCompleted(null, MadeUpLog.Json("1"), 700, Type: "tool", Tool: new ToolCalled("other", "only", 1, "c-1")), scope: "other/only", step: "whois/-/1");

        var all = Sum();

        Assert.Equal(
            [
                new("analyst", "strong", "m-2", new Spending { Calls = 1, Micros = 500 }),
                new("analyst", "fast", "m-1", new Spending { Calls = 1, Micros = 40, Microseconds = 9, Rejections = 1 }),
                new("other", "only", "", new Spending { Microseconds = 700 }),
            ],
            all.Costs);
        Assert.Equal([540, 0], all.Buckets.Select(b => b.Micros));

        void Reserve(string scope, string model, long micros) => _log.Add(run, EntryKinds.BudgetReserved, new BudgetReserved("analyst", model, new Spending { Calls = 1, Micros = micros }), scope: scope);
        void Settle(string scope, long reserved, long spent) => _log.Add(
            run, EntryKinds.StepCompleted,
            new StepCompleted(null, MadeUpLog.Json("1"), 9, Type: "model", Settlement: new Settlement(new Spending { Calls = 1, Micros = reserved }, new Spending { Calls = 1, Micros = spent, Microseconds = 9 })), scope: scope, step: "model/-/1");
    }

    [Fact]
    public void Cover_only_the_time_and_the_workflow_asked_for()
    {
        _log.Add(_log.Start("r-1"), EntryKinds.RunCompleted);
        _log.Wait(TimeSpan.FromMinutes(10));
        var began = Microseconds.ToTime(_log.At);
        _log.Start("r-2");
        _log.Start("r-3", "window");
        _log.Wait(TimeSpan.FromMinutes(10));
        var ended = Microseconds.ToTime(_log.At);
        _log.Start("r-4");

        var some = Sum(new() { Since = began, Until = ended, Workflow = "door", Buckets = 10 });

        Assert.Equal((began, ended, 1L), (some.Since, some.Until, some.Started));
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], some.Buckets.Select(b => b.Started));
        Assert.Equal(2, Sum(new() { Since = began, Until = ended }).Started);
        Assert.Equal(4, Sum().Started);
    }

    [Theory]
    [InlineData(3, "2026-03-02T10:00Z", "2026-03-02T10:03Z")] // minutes
    [InlineData(430, "2026-03-02T10:00Z", "2026-03-02T18:00Z")] // hours
    [InlineData(60 * 24 * 100, "2026-03-02T00:00Z", "2026-06-11T00:00Z")] // days
    public void Widen_the_time_asked_for_to_whole_slots_and_say_so(int minutes, string since, string until)
    {
        _log.Wait(Second);
        _log.Start("r-1");
        _log.Wait(TimeSpan.FromMinutes(minutes) - (2 * Second));
        _log.Start("r-2");

        var all = Sum(new() { Until = Microseconds.ToTime(_log.At + 1) });

        Assert.Equal((since, until, 2L), ($"{all.Since:yyyy-MM-dd'T'HH:mm'Z'}", $"{all.Until:yyyy-MM-dd'T'HH:mm'Z'}", all.Started));
        Assert.Equal(2, all.Buckets.Sum(b => b.Started));
        Assert.InRange(all.Buckets.Count, 2, 24);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(500)]
    public void Cut_any_time_into_no_more_stretches_than_asked_for(int buckets)
    {
        for (var length = TimeSpan.FromMinutes(1); length < TimeSpan.FromDays(20_000); length *= 3)
        {
            var until = new DateTimeOffset(2026, 3, 2, 10, 7, 0, TimeSpan.Zero);
            var cut = StatisticsSum.Of(new MemoryStatisticsTables(), new StatisticsQuery { Since = until - length, Until = until, Buckets = buckets }, 0);
            Assert.InRange(cut.Buckets.Count, 1, buckets);
            Assert.Equal(cut.Since, cut.Buckets[0].From);
            Assert.True(cut.Buckets.Zip(cut.Buckets.Skip(1)).All(b => b.First.From < b.Second.From) && cut.Buckets[^1].From < cut.Until);
        }
    }

    [Fact]
    public void Of_an_empty_log_are_empty()
    {
        var none = Sum();

        Assert.Equal((0, 0, null, 0), (none.Started, none.Ended.Count, none.Autonomy, none.Buckets.Count));
    }

    [Fact]
    public void Count_what_headers_tell_of_bodies_that_cannot_be_read()
    {
        var run = _log.Start("r-1");
        foreach (var kind in typeof(EntryKinds).GetFields().Select(f => (string)f.GetRawConstantValue()!).Where(k => k != EntryKinds.RunStarted))
        {
            _log.Add(run, kind);
            _log.Add(run, kind, MadeUpLog.Json("[7]"));
            _log.Add(run, kind, MadeUpLog.Json("{}")); // lacks what its type says it has
        }

        Assert.Equal(3, Sum().Tiers.Single(t => t.Tier == "person").Answers);
    }

    private Statistics Sum(StatisticsQuery? query = null)
    {
        var tables = new MemoryStatisticsTables();
        var fold = new StatisticsFold(tables);
        foreach (var entry in _log.Entries)
        {
            fold.Add(entry);
        }

        return StatisticsSum.Of(tables, query ?? new(), _log.Entries.Count);
    }
}

public sealed class Latency_bins
{
    [Fact]
    public void Hold_what_lies_at_or_below_their_bound_and_are_at_most_a_quarter_too_high()
    {
        for (long value = 0; value < 5_000_000_000_000; value = (value * 9 / 8) + 1)
        {
            var bin = LatencyBins.Of(value);
            Assert.InRange(LatencyBins.UpperBound(bin), value, Math.Max(value, value * 5 / 4));
            Assert.True(bin == 0 || LatencyBins.UpperBound(bin - 1) < value);
        }

        Assert.Equal(long.MaxValue, LatencyBins.UpperBound(LatencyBins.Of(long.MaxValue)));
    }

    [Fact]
    public void Give_percentiles_that_are_never_above_the_greatest_value()
    {
        var bins = new SortedDictionary<int, long> { [LatencyBins.Of(100)] = 94, [LatencyBins.Of(1_000)] = 5, [LatencyBins.Of(10_000)] = 1 };

        Assert.Equal((LatencyBins.UpperBound(LatencyBins.Of(100)), LatencyBins.UpperBound(LatencyBins.Of(1_000)), 10_000), (LatencyBins.Percentile(bins, 0.5, 10_000), LatencyBins.Percentile(bins, 0.95, 10_000), LatencyBins.Percentile(bins, 1, 10_000)));
    }
}
