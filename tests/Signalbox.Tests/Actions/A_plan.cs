using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Actions;

/// <summary>Something that cannot be undone; nobody is asked about it.</summary>
public sealed record Tell(string Whom);

public sealed class TellHandler(FaultyTarget target) : FaultyHandler<Tell>(target)
{
    public override Reversibility Reversibility => Reversibility.Irreversible;

    public override ApprovalRule? Approval(Tell action) => null;

    protected override string Resource(Tell action) => "told " + action.Whom;
}

/// <summary>Something that the target never does.</summary>
public sealed record Jam(string What);

public sealed class JamHandler(FaultyTarget target) : FaultyHandler<Jam>(target)
{
    public override Task<string?> ExecuteAsync(Jam action, ActionContext context, CancellationToken cancellationToken) => throw new IOException("It is jammed.");
}

public sealed class A_plan
{
    private static Action<SignalboxBuilder> Planning(params object[] actions) => signalbox => signalbox.AddAction<Tell, TellHandler>("tell").AddAction<Jam, JamHandler>("jam").Add(new Flow(async visit =>
    {
        var outcome = await visit.ActInOrder(actions);
        var lines = outcome.Steps.Select(s => $"{s.Outcome?.Status.ToString() ?? "-"} {s.Undone?.Status.ToString() ?? "-"}");
        return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, new Note($"{outcome.Status}: {outcome.Reason}", 0, [.. lines]));
    }));

    [Fact]
    public async Task Does_its_actions_in_order()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Block("b"), new Tell("anna")));
        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);

        Assert.Equal(["a", "b", "told anna"], bench.Target.Log.Select(c => c.Resource));
        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task That_fails_is_undone_in_reverse_order_and_each_undo_is_verified()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Block("b"), new Block("c"), new Tell("anna")));
        bench.Target.Faults.Enqueue(TargetFault.None);
        bench.Target.Faults.Enqueue(TargetFault.None);
        for (var i = 0; i < 3; i++)
        {
            bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        }

        await bench.RunAsync();

        Assert.Equal(["execute a", "execute b", "undo b", "undo a"], bench.Target.Effects.Select(c => $"{c.Operation} {c.Resource}"));
        Assert.Equal(["Verified Verified", "Verified Verified", "NotApplied -", "- -"], (await bench.NoteAsync()).Lines);
        Assert.StartsWith("RolledBack: 'block' is NotApplied", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.Empty(bench.Target.Resources);
    }

    [Fact]
    public async Task Takes_back_what_diverged_and_leaves_what_it_found()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Block("b")));
        bench.Target.Put("a");
        bench.Target.LateLooks = 4;
        await bench.RunAsync();

        Assert.Equal(["a"], bench.Target.Resources);
        Assert.Equal(["execute b", "undo b"], bench.Target.Effects.Select(c => $"{c.Operation} {c.Resource}"));
        Assert.Equal(["Verified -", "Diverged Verified"], (await bench.NoteAsync()).Lines);
    }

    [Fact]
    public async Task Whose_undo_fails_says_so()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Block("b")));
        bench.Target.Faults.Enqueue(TargetFault.None);
        for (var i = 0; i < 6; i++)
        {
            bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        }

        await bench.RunAsync();

        Assert.Equal(["a"], bench.Target.Resources);
        Assert.StartsWith("PartlyDone: ", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(["Verified NotApplied", "NotApplied -"], (await bench.NoteAsync()).Lines);
    }

    [Fact]
    public async Task Ends_with_what_cannot_be_undone()
    {
        await using var bench = await Bench.StartAsync(Planning(new Block("a"), new Tell("anna"), new Block("b")));
        var row = await bench.RunAsync();

        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.Equal("A plan ends with what cannot be undone; in this one 'tell', which cannot, comes before 'block', which can. Put it last.", row.Reason);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Is_undone_wholly_wherever_a_worker_dies() => await CrashTest.RunAsync(() =>
    {
        var target = new FaultyTarget();
        return new CrashScenario
        {
            Configure = Bench.Configured(Planning(new Block("a"), new Block("b"), new Jam("c")), target),
            Drive = async harness =>
            {
                await harness.StartRunAsync("flow", new Note());
                await harness.RunUntilIdleAsync();
            },
            Effects = target.Tell,
        };
    });
}
