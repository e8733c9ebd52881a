using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Signalbox.Tests.Claims;
using Xunit;

namespace Signalbox.Tests.Actions;

public sealed class An_action_that_needs_approval
{
    private static readonly Wish s_wish = new("192.0.2.7/32");
    private readonly WishOptions _options = new() { Approval = _ => ApprovalRule.Default };
    private Func<string, IReadOnlyCollection<string>?>? _roles;

    private Task<Bench> StartAsync(FaultyTarget? target = null) => Bench.StartAsync(
        signalbox =>
        {
            signalbox.Services.AddSingleton(_options);
            if (_roles is { } roles)
            {
                signalbox.UseRoles(actor => roles(actor));
            }

            signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit =>
            {
                var outcome = await visit.Act(s_wish);
                return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, new Note($"{outcome.Status}: {outcome.Reason}", 0, outcome.Edited is { } edited ? [edited.ToString()] : null));
            }));
        },
        target);

    private static async Task<string> AskedAsync(Bench bench)
    {
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        Assert.Empty(bench.Target.Log);
        return (await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested)).Action!.ArgumentsHash;
    }

    private static async Task<string> EndAsync(Bench bench)
    {
        await bench.IdleAsync();
        return (await bench.NoteAsync()).Text;
    }

    [Fact]
    public async Task Is_done_when_a_person_has_approved_exactly_it()
    {
        await using var bench = await StartAsync();
        var hash = await AskedAsync(bench);
        Assert.Equal([ClaimPhase.Proposal], (await bench.Harness.Store.ClaimsAsync(new ClaimQuery(), default)).Select(c => c.Phase));
        Assert.Equal("ok", (await bench.AnswerAsync("approve")).Code);

        Assert.Equal("Verified: ", await EndAsync(bench));
        var intended = await bench.BodyAsync<ActionIntended>(EntryKinds.ActionIntended);
        Assert.Equal((hash, (await bench.EntryAsync(EntryKinds.ApprovalRequested)).Seq), (intended.ArgumentsHash, intended.Approval));
        Assert.Single(bench.Target.Effects);
    }

    [Fact]
    public async Task Is_not_done_when_a_person_rejects_it()
    {
        await using var bench = await StartAsync();
        await AskedAsync(bench);
        await bench.Harness.Client("person:anna").AnswerAsync(bench.Run, "reject", comment: "a partner");

        Assert.Equal("Refused: rejected by person:anna: a partner", await EndAsync(bench));
        Assert.Empty(bench.Target.Log);
        Assert.Empty(await bench.Harness.Store.ClaimsAsync(new ClaimQuery(), default));
    }

    [Fact]
    public async Task Is_not_done_when_nobody_answers_in_time()
    {
        await using var bench = await StartAsync();
        await bench.RunAsync();

        Assert.Equal("Refused: nobody approved it in time", (await bench.NoteAsync()).Text);
        Assert.Empty(bench.Target.Log);
        Assert.Equal("approval_not_open", (await bench.AnswerAsync("approve")).Code);
    }

    [Fact]
    public async Task Is_done_when_as_many_different_persons_have_approved_as_it_takes()
    {
        _options.Approval = _ => new ApprovalRule { Quorum = 2 };
        await using var bench = await StartAsync();
        await AskedAsync(bench);
        await bench.AnswerAsync("approve");
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        Assert.Equal("approval_repeated", (await bench.AnswerAsync("approve")).Code);
        Assert.Empty(bench.Target.Log);

        Assert.Equal("ok", (await bench.AnswerAsync("approve", by: "person:otto")).Code);
        Assert.Equal("Verified: ", await EndAsync(bench));
    }

    [Fact]
    public async Task Is_not_approved_by_who_started_the_run()
    {
        await using var bench = await StartAsync();
        var start = await bench.Harness.Client("person:anna").StartAsync("flow", new Note());
        await bench.Harness.SettleAsync();
        Assert.Equal("approval_self", (await bench.Harness.Client("person:anna").AnswerAsync(start.Run, "approve")).Code);
        Assert.Equal("ok", (await bench.Harness.Client("person:otto").AnswerAsync(start.Run, "approve")).Code);
        await bench.Harness.RunUntilIdleAsync();
        Assert.Equal(RunStatus.Completed, (await bench.Harness.GetAsync(start.Run)).Status);
    }

    [Fact]
    public async Task Is_refused_when_the_approval_has_lapsed_before_it_begins()
    {
        await using var bench = await StartAsync();
        await AskedAsync(bench);
        await bench.Harness.Worker.CrashAsync();
        await bench.AnswerAsync("approve");
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(1));
        await bench.Harness.StartWorkerAsync();

        Assert.StartsWith("Refused: The approval of action 'wish' was good until ", await EndAsync(bench), StringComparison.Ordinal);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Is_refused_when_who_approved_has_lost_the_role_since()
    {
        string[] approvers = ["approver"];
        _roles = _ => approvers;
        await using var bench = await StartAsync();
        await AskedAsync(bench);
        await bench.AnswerAsync("approve");
        approvers = [];

        Assert.Equal("Refused: person:anna approved it and has none of the roles any more (approver)", await EndAsync(bench));
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Is_looked_at_again_before_it_is_done()
    {
        await using var bench = await StartAsync();
        await AskedAsync(bench);
        bench.Target.Put("block 192.0.2.7/32");
        await bench.AnswerAsync("approve");

        Assert.Equal("Verified: it is so already", await EndAsync(bench));
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Is_asked_for_again_when_its_run_is_retried()
    {
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(_options);
            signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit => (await visit.Act(s_wish)).IsVerified ? visit.GoTo(Step.Done) : throw new InvalidOperationException("not blocked")));
        });
        for (var i = 0; i < 3; i++)
        {
            bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        }

        await AskedAsync(bench);
        await bench.AnswerAsync("approve");
        Assert.Equal(RunStatus.Failed, (await bench.IdleAsync()).Status);
        await bench.RetryAsync();
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        await bench.AnswerAsync("approve");
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(2, (await bench.EntriesAsync(EntryKinds.ApprovalRequested)).Count);
        Assert.Single(bench.Target.Effects);
    }

    [Fact]
    public async Task Whose_arguments_a_person_edits_is_another_action_that_somebody_else_approves()
    {
        _options.Approval = _ => new ApprovalRule { MayEdit = true };
        await using var bench = await StartAsync();
        var hash = await AskedAsync(bench);
        await RunCommands.ExecuteAsync(
            bench.Harness.Store, new AnswerApproval(bench.Run, "edit", Hash: hash, Edited: new RawJson("""{"network":"192.0.2.8/32","intent":"block"}"""u8.ToArray())), new Caller("person:anna", [Caller.AnyRole]),
            TestContext.Current.CancellationToken);
        await bench.Harness.SettleAsync();
        Assert.Equal("approval_self", (await bench.AnswerAsync("approve")).Code);
        Assert.Equal("ok", (await bench.AnswerAsync("approve", by: "person:otto")).Code);

        Assert.Equal("Verified: ", await EndAsync(bench));
        Assert.Equal(["block 192.0.2.8/32"], bench.Target.Resources);
        Assert.Equal(["""{"network":"192.0.2.8/32","intent":"block"}"""], (await bench.NoteAsync()).Lines);
    }

    [Fact]
    public async Task Is_done_once_wherever_a_worker_dies() => await CrashTest.RunAsync(() =>
    {
        var target = new FaultyTarget();
        return new CrashScenario
        {
            Configure = Bench.Configured(
                signalbox =>
                {
                    signalbox.Services.AddSingleton(new WishOptions { Approval = _ => new ApprovalRule { Quorum = 2 } });
                    signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit => visit.GoTo((await visit.Act(s_wish)).IsVerified ? Step.Done : Step.Bad)));
                },
                target),
            Drive = async harness =>
            {
                var run = await harness.StartRunAsync("flow", new Note());
                foreach (var person in new[] { "person:anna", "person:otto" })
                {
                    for (var passes = 0; (await harness.HeadAsync(run)).Waits.Length == 0; passes++)
                    {
                        Assert.True(passes < 1000, "Nobody is asked.");
                        await harness.SettleAsync();
                        await harness.AdvanceAsync(TimeSpan.FromSeconds(5));
                    }

                    await harness.Client(person).AnswerAsync(run, "approve");
                }

                await harness.RunUntilIdleAsync();
            },
            Effects = target.Tell,
        };
    });
}
