using Signalbox;

namespace SecurityAlerts;

/// <summary>Lets an account of a host log in no more.</summary>
internal sealed record DisableAccount(string Host, string Account);

/// <summary>Disables by a line in the list of disabled accounts; class T3, as <see cref="BlockAddressHandler"/>.</summary>
internal sealed class DisableAccountHandler(DisabledAccountsFile list) : ActionHandler<DisableAccount>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override IReadOnlyList<Claim> Claims(DisableAccount action) => [new(Resource.Of("account", action.Host, action.Account), "disable", Against: ["enable"])];

    public override async Task<Observation> ProbeAsync(DisableAccount action, ActionContext context, CancellationToken cancellationToken) =>
        await list.ContainsAsync(action.Host, action.Account, cancellationToken)
            ? Observation.So($"{Name} holds {action.Account} on {action.Host}")
            : Observation.NotSo($"{Name} does not hold {action.Account} on {action.Host}");

    public override async Task<string?> ExecuteAsync(DisableAccount action, ActionContext context, CancellationToken cancellationToken) =>
        await list.AddAsync(action.Host, action.Account, context.Run.Value, cancellationToken) ? "added" : "was there";

    public override async Task<string?> UndoAsync(DisableAccount action, ActionContext context, CancellationToken cancellationToken) =>
        await list.RemoveAsync(action.Host, action.Account, cancellationToken) ? "removed" : "was not there";

    private string Name => Path.GetFileName(list.FilePath);
}
