using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using Check = Signalbox.HistoryChecker.HistoryCheck;
using CheckOptions = Signalbox.HistoryChecker.HistoryOptions;

namespace Signalbox.Tests.Actions;

/// <summary>Its policy says whether an answer is enough; a missing one never is.</summary>
public sealed class An_action_at_a_blind_target
{
    private const string Reason = "unverified: the target answered, and cannot be asked whether it is so";

    private static readonly Block s_block = new("192.0.2.7");

    private static FaultyTarget Trusted(TargetClass targetClass = TargetClass.T4) => new(targetClass) { Policy = new ActionPolicy { Blind = BlindRule.TrustAnswer } };

    private static Flow Acting() => new(async visit =>
    {
        var outcome = await visit.Act(s_block);
        return outcome.Match(
            verified: _ => visit.GoTo(Step.Done, new Note("verified")),
            notApplied: why => visit.GoTo(Step.Bad, new Note(why)),
            diverged: why => visit.GoTo(Step.Bad, new Note(why)),
            refused: why => visit.GoTo(Step.Bad, new Note(why)),
            unverified: answered => visit.GoTo(Step.Done, new Note($"{answered.Status} {answered.IsVerified} {answered.MadeByUs}: {answered.Proof}")));
    });

    [Fact]
    public async Task Is_unverified_when_its_policy_trusts_the_answer()
    {
        await using var bench = await Bench.OfAsync(Acting(), Trusted());
        Assert.Equal((RunStatus.Completed, "Done"), await EndAsync(bench));

        Assert.Equal("run.started state.entered run.leased action.probed action.intended action.executed action.unverified state.entered run.completed", await bench.KindsAsync());
        Assert.Equal("Unverified False False: the target answered 'ok'; nobody can look whether it is so", (await bench.NoteAsync()).Text);
        var observed = await bench.BodyAsync<ActionObserved>(EntryKinds.ActionUnverified);
        Assert.Equal((Reason, false, 0), (observed.Reason, observed.MadeByUs, observed.Probes));
        Assert.Single(bench.Target.Log);
        Assert.Empty(await bench.Harness.Store.ClaimsAsync(new ClaimQuery(), default));
    }

    [Fact]
    public async Task Holds_its_run_whatever_was_answered_by_default()
    {
        await using var bench = await Bench.OfAsync(Acting(), new FaultyTarget(TargetClass.T4));
        var row = await bench.RunAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
        Assert.Null((await bench.BodyAsync<ActionExecuted>(EntryKinds.ActionExecuted)).Error);
    }

    [Theory]
    [InlineData(TargetFault.ThrowsBeforeEffect)]
    [InlineData(TargetFault.ThrowsAfterEffect)]
    [InlineData(TargetFault.HangsBeforeEffect)]
    [InlineData(TargetFault.HangsAfterEffect)]
    public async Task Holds_its_run_when_the_answer_is_missing_and_is_not_called_again(TargetFault fault)
    {
        await using var bench = await Bench.OfAsync(Acting(), Trusted());
        bench.Target.Faults.Enqueue(fault);
        var row = await bench.RunAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
        Assert.NotNull((await bench.BodyAsync<ActionExecuted>(EntryKinds.ActionExecuted)).Error);

        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Held, (await bench.IdleAsync()).Status);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionExecuted));

        await bench.ReleaseAsync(ReleaseVerb.Accept);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionExecuted));
        Assert.Equal("verified", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Holds_its_run_after_a_crash_that_left_no_answer_on_record()
    {
        await using var bench = await Bench.OfAsync(Acting(), Trusted());
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Single(bench.Target.Log);
        await bench.Harness.CrashAndRestartAsync();

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
        Assert.Single(bench.Target.Log);
        Assert.Empty(await bench.EntriesAsync(EntryKinds.ActionExecuted));
    }

    [Fact]
    public async Task Is_settled_by_the_answer_on_record_when_its_policy_comes_to_trust_it()
    {
        var target = new FaultyTarget(TargetClass.T4);
        await using var bench = await Bench.OfAsync(Acting(), target);
        Assert.Equal(RunStatus.Held, (await bench.RunAsync()).Status);

        var heir = Trusted();
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(Acting()), heir));
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal((RunStatus.Completed, "Done"), await EndAsync(bench));
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionUnverified));
        Assert.Single(target.Log);
        Assert.Empty(heir.Log);
    }

    [Fact]
    public async Task Is_called_at_most_once_wherever_a_crash_comes()
    {
        var (held, settled) = (0, 0);
        var report = await CrashTest.RunAsync(() =>
        {
            var target = Trusted();
            return new CrashScenario
            {
                Configure = Bench.Configured(
                    signalbox => signalbox.Add(new Flow(async visit => visit.GoTo((await visit.Act(s_block)).Status is ActionStatus.Unverified or ActionStatus.Verified ? Step.Done : Step.Bad))), target),
                Drive = async harness =>
                {
                    var run = await harness.StartRunAsync("flow", new Note());
                    await harness.RunUntilIdleAsync();
                    var journal = await harness.JournalAsync(run);
                    var answered = journal.Any(e => e.Kind == EntryKinds.ActionExecuted);
                    if ((await harness.GetAsync(run)).Status == RunStatus.Held)
                    {
                        Assert.False(answered, "It is held in spite of an answer that is on record.");
                        held++;
                        await harness.Client("person:otto").ReleaseAsync(run, ReleaseVerb.Accept);
                        await harness.RunUntilIdleAsync();
                    }
                    else
                    {
                        Assert.True(answered && journal.Any(e => e.Kind == EntryKinds.ActionUnverified));
                        Assert.Single(target.Effects);
                        settled++;
                    }

                    Assert.InRange(target.Log.Count, 0, 1);
                },
                Check = async harness =>
                {
                    await Bench.CheckAsync(harness, target);
                    Assert.Empty(Check.Run(await JournalExport.LinesAsync(harness.Store), new CheckOptions { TargetLog = target.ToCheckerLog() }));
                },
            };
        });
        Assert.True(report.Crashes > 30 && held > 3 && settled > 20, $"{report}, {held} held, {settled} settled");
    }

    [Fact]
    public async Task Counts_as_diverged_for_who_has_no_word_for_it()
    {
        await using var bench = await Bench.OfAsync(
            new Flow(async visit => (await visit.Act(s_block)).Match(
                verified: _ => visit.GoTo(Step.Done),
                notApplied: why => visit.GoTo(Step.Bad),
                diverged: why => visit.GoTo(Step.Bad, new Note(why)),
                refused: why => visit.GoTo(Step.Bad))),
            Trusted());
        await bench.RunAsync();
        Assert.Equal(Reason, (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Is_not_done_again_by_a_retry_of_its_run()
    {
        var fails = true;
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                var outcome = await visit.Act(s_block);
                return fails ? throw new InvalidOperationException("not yet") : visit.GoTo(Step.Done, new Note(outcome.Status.ToString()));
            }),
            Trusted());
        Assert.Equal(RunStatus.Failed, (await bench.RunAsync()).Status);
        fails = false;
        await bench.RetryAsync();

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal("Unverified", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Is_taken_back_once_by_a_call_that_is_answered()
    {
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                var outcomes = new[] { await visit.Act(s_block), await visit.Undo(s_block), await visit.Undo(s_block) };
                return visit.GoTo(Step.Done, new Note(string.Join(' ', outcomes.Select(o => o.Status))));
            }),
            Trusted());
        await bench.RunAsync();
        Assert.Equal("Unverified Unverified Refused", (await bench.NoteAsync()).Text);
        Assert.Equal(["execute", "undo"], bench.Target.Log.Select(c => c.Operation));
    }

    [Theory]
    [InlineData(ReleaseVerb.Undo, "execute undo")]
    [InlineData(ReleaseVerb.Accept, "execute")]
    public async Task That_is_no_longer_asked_for_is_settled_by_an_operators_word(ReleaseVerb verb, string calls)
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                await visit.Act(s_block);
                await gate.PassAsync();
                return visit.GoTo(Step.Done);
            }),
            Trusted());
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(5)); // the first looks are unclear
        Assert.Equal(1, gate.Passes);
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))), bench.Target));
        Assert.Equal(TroubleCodes.EffectsNotAskedAgain, (await bench.IdleAsync()).ReasonCode);

        await bench.ReleaseAsync(verb);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(calls, string.Join(' ', bench.Target.Log.Select(c => c.Operation)));
    }

    [Fact]
    public async Task Lets_others_have_their_turn_when_it_is_answered()
    {
        await using var bench = await Bench.OfAsync(Acting(), Trusted());
        var first = await bench.StartRunAsync();
        var second = await bench.StartRunAsync();
        await bench.IdleAsync();
        Assert.Equal((RunStatus.Completed, RunStatus.Completed), ((await bench.Harness.GetAsync(first)).Status, (await bench.Harness.GetAsync(second)).Status));
        Assert.Equal(2, bench.Target.Effects.Count); // two runs, two mails
    }

    [Fact]
    public async Task Lets_a_plan_end_as_unverified()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Tell("anna")), Trusted());
        await bench.RunAsync();
        Assert.Equal("Unverified False: ", (await bench.NoteAsync()).Text);
        Assert.Equal(["Unverified -", "Unverified -"], (await bench.NoteAsync()).Lines);
    }

    [Fact]
    public async Task Is_taken_back_by_a_plan_that_fails_as_far_as_anybody_can_know()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Tell("anna"), new Taboo("x")), Trusted());
        await bench.RunAsync();
        Assert.Equal("PartlyDone False: 'taboo' is Refused: never: it is a taboo", (await bench.NoteAsync()).Text);
        Assert.Equal(["Unverified Unverified", "Unverified -", "Refused -"], (await bench.NoteAsync()).Lines);
        Assert.Equal(["execute a", "execute told anna", "undo a"], bench.Target.Log.Select(c => $"{c.Operation} {c.Resource}"));
    }

    [Theory]
    [InlineData(TargetClass.T1)]
    [InlineData(TargetClass.T2)]
    [InlineData(TargetClass.T3)]
    public async Task Is_the_only_one_whose_answer_may_be_trusted(TargetClass targetClass)
    {
        var refused = await Assert.ThrowsAsync<WorkflowFaultsException>(() => Bench.OfAsync(Acting(), Trusted(targetClass)));
        Assert.Equal([$"The policy of action 'block': Blind may be TrustAnswer only where the target cannot be asked (T4); this one is {targetClass}, so it is asked."], refused.Faults);
    }

    [Fact]
    public async Task Shows_no_more_of_a_long_answer_than_fits_a_proof()
    {
        await using var bench = await Bench.StartAsync(
            signalbox => signalbox.AddAction<Chat, ChatHandler>("chat").Add(new Flow(async visit => visit.GoTo(Step.Done, new Note((await visit.Act(new Chat())).Proof!)))), Trusted());
        await bench.RunAsync();
        Assert.Equal($"the target answered '{new string('x', 199)}…'; nobody can look whether it is so", (await bench.NoteAsync()).Text);
    }

    private static async Task<(RunStatus, string)> EndAsync(Bench bench)
    {
        if (bench.Run == default)
        {
            await bench.StartRunAsync();
        }

        var row = await bench.IdleAsync();
        return (row.Status, row.State);
    }

    private static Action<SignalboxBuilder> Planning(params object[] actions) => signalbox => signalbox
        .AddAction<Tell, TellHandler>("tell").AddAction<Taboo, TabooHandler>("taboo")
        .AddPolicy(ActionPolicies.For<Taboo>("never", (_, _) => PolicyVerdict.Refuse("it is a taboo")))
        .Add(new Flow(async visit =>
        {
            var outcome = await visit.ActInOrder(actions);
            var lines = outcome.Steps.Select(s => $"{s.Outcome?.Status.ToString() ?? "-"} {s.Undone?.Status.ToString() ?? "-"}");
            return visit.GoTo(Step.Done, new Note($"{outcome.Status} {outcome.IsVerified}: {outcome.Reason}", 0, [.. lines]));
        }));

    /// <summary>What no policy lets pass.</summary>
    public sealed record Taboo(string What);

    public sealed class TabooHandler(FaultyTarget target) : FaultyHandler<Taboo>(target)
    {
        public override Reversibility Reversibility => Reversibility.Irreversible;

        public override ApprovalRule? Approval(Taboo action) => null;
    }

    public sealed record Chat;

    /// <summary>Its target says much.</summary>
    public sealed class ChatHandler(FaultyTarget target) : FaultyHandler<Chat>(target)
    {
        public override Task<string?> ExecuteAsync(Chat action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>(new string('x', 5000));
    }
}
