namespace Signalbox.Tests.Docs;

public sealed record BlockNetwork(string Network);

public sealed record DisableAccount(string Host, string Account);

// docs/guides/policies.md shows what stands between the two markers; The_documents compares and The_policies_guide runs it.
// <policies>
public sealed class BlockNetworkHandler(Firewall firewall) : FirewallHandler<BlockNetwork>(firewall)
{
    public override IReadOnlyList<Claim> Claims(BlockNetwork action) => [new(Resource.AddressOrNetwork(action.Network), "block")];   // what policies judge by
}

public static class FirewallPolicies
{
    private static readonly ApprovalRule s_leads = new() { Roles = ["lead"], Quorum = 2 };

    public static void AddTo(SignalboxBuilder box, IReadOnlyList<string> ours, IReadOnlySet<DateOnly> holidays) => box
        .AddPolicy(new Never<BlockNetwork>("never-block", "they are ours") { Networks = ours })
        .AddPolicy(new WidestNetwork<BlockNetwork>("narrow-blocks", ipv4: 24, ipv6: 48))
        .AddPolicy(new RateLimit<BlockNetwork>("blocks-an-hour", 20, TimeSpan.FromHours(1)) { WhenReached = PolicyVerdictKind.Ask })
        .AddPolicy(new BlastRadius<BlockNetwork>("addresses-an-hour", (_, proposed) => proposed.Addresses, 512, TimeSpan.FromHours(1)) { Per = LimitPer.Workflow })
        .AddPolicy(new WorkingHours<DisableAccount>("office-hours", "Europe/Berlin") { Holidays = holidays, Rule = s_leads with { Quorum = 1 } })
        .AddPolicy(new Risk<BlockNetwork>("risk", (block, _) => block.Network.Contains('/', StringComparison.Ordinal) ? RiskClass.Medium : RiskClass.Low))
        .AddPolicy(ActionPolicies.For<DisableAccount>("admins", (account, proposed) => account.Account != "root" || proposed.Undo
            ? null                                                                                        // does not concern it
            : PolicyVerdict.Ask("it locks us out", s_leads)))
        .AddPolicy(new Never<DisableAccount>("never-in-drills", "this is a drill") { Resources = [Resource.Of("account", "drill")] }.When(proposed => proposed.Workflow == "drill"));
}

// </policies>
public sealed class Firewall
{
    public HashSet<string> Rules { get; } = [];
}

public abstract class FirewallHandler<TAction>(Firewall firewall) : ActionHandler<TAction>
    where TAction : notnull
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override Task<Observation> ProbeAsync(TAction action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(firewall.Rules.Contains($"{action}") ? Observation.So("it is in force") : Observation.NotSo("it is not"));

    public override Task<string?> ExecuteAsync(TAction action, ActionContext context, CancellationToken cancellationToken)
    {
        firewall.Rules.Add($"{action}");
        return Task.FromResult<string?>(null);
    }

    public override Task<string?> UndoAsync(TAction action, ActionContext context, CancellationToken cancellationToken)
    {
        firewall.Rules.Remove($"{action}");
        return Task.FromResult<string?>(null);
    }
}

public sealed class DisableAccountHandler(Firewall firewall) : FirewallHandler<DisableAccount>(firewall)
{
    public override IReadOnlyList<Claim> Claims(DisableAccount action) => [new(Resource.Of("account", action.Host, action.Account), "disable")];
}
