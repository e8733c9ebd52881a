using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Runs;

public enum Door { Start, Wait, Block, Done }

public sealed record DoorCase(string Ip, string? Answer = null, string? Sig = null);

public sealed record Block(string Ip);

public sealed class World { public HashSet<string> Blocked { get; } = []; public int Reads; }

public sealed class BlockHandler(World world) : ActionHandler<Block>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override Task<Observation> ProbeAsync(Block action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(world.Blocked.Contains(action.Ip) ? Observation.So("listed") : Observation.NotSo("not listed"));

    public override Task<string?> ExecuteAsync(Block action, ActionContext context, CancellationToken cancellationToken)
    {
        world.Blocked.Add(action.Ip);
        return Task.FromResult<string?>("added");
    }
}

public sealed class DoorFlow(World world) : Workflow<Door, DoorCase>("door", 1)
{
    protected override void Define(StateMachine<Door, DoorCase> states)
    {
        states.Start(Door.Start, StartAsync).To(Door.Wait);
        states.State(Door.Wait, WaitAsync).To(Door.Block);
        states.State(Door.Block, BlockAsync).To(Door.Done);
        states.End(Door.Done);
    }

    private async Task<Next> StartAsync(Visit<Door, DoorCase> visit)
    {
        var n = await visit.Read("count", visit.Case.Ip, (ip, ct) => { Interlocked.Increment(ref world.Reads); return Task.FromResult(ip.Length); });
        var both = await Task.WhenAll(
            visit.Branch("a", b => b.Read("x", async ct => { await Task.Yield(); return 1; })),
            visit.Branch("b", b => b.Read("x", async ct => { await Task.Yield(); return 2; })));
        return visit.GoTo(Door.Wait, visit.Case, $"{n} {both.Sum()}");
    }

    private async Task<Next> WaitAsync(Visit<Door, DoorCase> visit)
    {
        var signal = await visit.WaitFor<string>("go");
        await visit.Delay(TimeSpan.FromMilliseconds(20));
        var answer = await visit.Approve(new Question("Block it?", "yes", "no") { Details = visit.Case });
        return visit.GoTo(Door.Block, visit.Case with { Answer = answer.Choice, Sig = signal.Value });
    }

    private async Task<Next> BlockAsync(Visit<Door, DoorCase> visit)
    {
        var outcome = await visit.Act(new Block(visit.Case.Ip));
        return outcome.Match(_ => visit.GoTo(Door.Done), _ => visit.GoTo(Door.Done), _ => visit.GoTo(Door.Done), _ => visit.GoTo(Door.Done));
    }
}

public sealed class A_run_from_start_to_end
{
    [Fact]
    public async Task Goes_through_all_kinds_of_steps()
    {
        var world = new World();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(world);
        builder.Services.AddSignalbox(b => b.AddWorkflow<DoorFlow>().AddAction<Block, BlockHandler>("block"));
        using var host = builder.Build();
        await host.StartAsync();
        var client = host.Services.GetRequiredService<RunClient>();
        var start = await client.StartAsync("door", new DoorCase("192.0.2.1"), "k1");
        await client.WaitUntilAsync(start.Run, r => r.Status == RunStatus.Waiting);
        Assert.True((await client.SignalAsync(start.Run, "go", "now")).IsAccepted);
        while ((await client.Store.FindAsync(start.Run, default))!.Waits.All(w => w.Kind != WaitKind.Approval))
        {
            await Task.Delay(5);
        }

        Assert.True((await client.AnswerAsync(start.Run, "yes")).IsAccepted);
        var end = await client.WaitForEndAsync(start.Run).WaitAsync(TimeSpan.FromSeconds(5));
        foreach (var e in await client.Store.ReadAsync(start.Run, 0, 1000, default))
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"{e.Seq,3} {e.Epoch} {e.Kind,-20} {e.State,-6} {e.Visit} {e.Scope} {e.Step} [{e.Actor}] {e.Cause} {System.Text.Encoding.UTF8.GetString(e.Body.Span)}");
        }

        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Contains("192.0.2.1", world.Blocked);
        Assert.Equal(1, world.Reads);
        await host.StopAsync();
    }
}
