using Microsoft.Extensions.DependencyInjection;
using Signalbox.Sqlite;

namespace Signalbox.Server.Tests.Api;

public enum AlertState { Act, Done }

public sealed record AlertCase(string Ip, int Level = 1, string? Note = null);

public sealed record BlockIp(string Ip);

/// <summary>A firewall in memory.</summary>
public sealed class Firewall
{
    public HashSet<string> Blocked { get; } = [];
}

public sealed class BlockIpHandler(Firewall firewall) : ActionHandler<BlockIp>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy => new() { Looks = 1, Pause = TimeSpan.Zero };

    public override ApprovalRule? Approval(BlockIp action) => action.Ip.StartsWith("203.", StringComparison.Ordinal) ? ApprovalRule.Default with { Quorum = 2 } : ApprovalRule.Default;

    public override IReadOnlyList<Claim> Claims(BlockIp action) => [new(Resource.Of("ip", action.Ip), "block", ["allow"])];

    public override Task<Observation> ProbeAsync(BlockIp action, ActionContext context, CancellationToken cancellationToken)
    {
        lock (firewall)
        {
            return Task.FromResult(firewall.Blocked.Contains(action.Ip) ? Observation.So("it is on the list") : Observation.NotSo("it is not on the list"));
        }
    }

    public override Task<string?> ExecuteAsync(BlockIp action, ActionContext context, CancellationToken cancellationToken)
    {
        lock (firewall)
        {
            firewall.Blocked.Add(action.Ip);
        }

        return Task.FromResult<string?>(null);
    }
}

/// <summary>Blocks an address, if somebody approves.</summary>
public sealed class AlertWorkflow() : Workflow<AlertState, AlertCase>("alert", 1)
{
    protected override void Define(StateMachine<AlertState, AlertCase> states)
    {
        states.Start(AlertState.Act, ActAsync).To(AlertState.Done);
        states.End(AlertState.Done);
    }

    private static async Task<Next> ActAsync(Visit<AlertState, AlertCase> visit)
    {
        var outcome = await visit.Act(new BlockIp(visit.Case.Ip));
        return visit.GoTo(AlertState.Done, because: outcome.Reason ?? outcome.Status.ToString());
    }
}

internal static class Alerts
{
    /// <summary>A server whose worker knows the workflow; in SQLite if a path is given.</summary>
    public static Task<ServerWorld> StartAsync(Action<SignalboxServerOptions>? options = null, string? store = null, string prefix = "") => ServerWorld.StartAsync(
        options,
        signalbox =>
        {
            Add(signalbox);
            if (store is not null)
            {
                signalbox.UseSqlite(store);
            }
        },
        prefix: prefix);

    public static void Add(SignalboxBuilder signalbox)
    {
        signalbox.Services.AddSingleton<Firewall>();
        signalbox.AddWorkflow<AlertWorkflow>().AddAction<BlockIp, BlockIpHandler>("block-ip");
    }

    public static HashSet<string> Blocked(this ServerWorld world) => world.App.Services.GetRequiredService<Firewall>().Blocked;

    /// <summary>Starts a run and waits until it asks.</summary>
    public static async Task<RunId> AskAsync(this ServerWorld world, string ip = "192.0.2.7", string? key = null, string? note = null)
    {
        var run = (await world.Client.StartAsync("alert", new AlertCase(ip, Note: note), key)).Run;
        await world.Client.WaitUntilAsync(run, row => row.Status == RunStatus.Waiting, TestContext.Current.CancellationToken);
        return run;
    }
}
