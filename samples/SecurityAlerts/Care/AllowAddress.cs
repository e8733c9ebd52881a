using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>
/// Lets through what comes from an address: nothing blocks it, whoever had blocked it. What keeps it so is no list: that it is allowed stands as a claim, so that whoever wants to block it
/// later is against it.
/// </summary>
internal sealed record AllowAddress(IPAddress Address);

/// <summary>What both firewalls' handlers declare. A person rules where it is against a block that stands.</summary>
internal abstract class AllowAddressFirewall : ActionHandler<AllowAddress>
{
    public override ActionPolicy Policy { get; } = new() { OnConflict = ConflictRule.Person };

    public override IReadOnlyList<Claim> Claims(AllowAddress action) => [AddressClaims.Allow(action.Address)];
}

/// <summary>Takes the address out of the deny list; class T3, as <see cref="BlockAddressHandler"/>. Undoing puts it back.</summary>
internal sealed class AllowAddressHandler(DenyListFile list) : AllowAddressFirewall
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override async Task<Observation> ProbeAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken) =>
        await list.ContainsAsync(action.Address, cancellationToken)
            ? Observation.NotSo($"{Name} holds {AddressText.Of(action.Address)}")
            : Observation.So($"{Name} does not hold {AddressText.Of(action.Address)}");

    public override async Task<string?> ExecuteAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken) =>
        await list.RemoveAsync(action.Address, cancellationToken) ? "removed" : "was not there";

    public override async Task<string?> UndoAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken) =>
        await list.AddAsync(action.Address, context.Run.Value, cancellationToken) ? "added" : "was there";

    private string Name => Path.GetFileName(list.FilePath);
}

/// <summary>The same in the kernel's firewall; class T1, as <see cref="NftBlockAddressHandler"/>.</summary>
internal sealed class NftAllowAddressHandler(NftFirewall firewall) : AllowAddressFirewall
{
    public override TargetClass TargetClass => TargetClass.T1;

    public override async Task<Observation> ProbeAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken) =>
        context.Attempt > 1 ? await VerifyAsync(action, context, cancellationToken)
        : Opposite(NftLook.At(action.Address, context, await firewall.SetUpAsync(cancellationToken)));

    public override async Task<string?> ExecuteAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken) =>
        NftLook.Receipt(await firewall.UnblockAsync(action.Address, context.ActionId, context.IntendedAt, cancellationToken));

    public override async Task<Observation> VerifyAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken)
    {
        var table = await firewall.LookAsync(cancellationToken);
        return firewall.WhyMemoryIsLost(table, context.IntendedAt) is { } why ? Observation.Unclear(why) : Opposite(NftLook.At(action.Address, context, table));
    }

    public override async Task<string?> UndoAsync(AllowAddress action, ActionContext context, CancellationToken cancellationToken) =>
        NftLook.Receipt(await firewall.BlockAsync(action.Address, context.ActionId, context.IntendedAt, cancellationToken));

    private static Observation Opposite(Observation blocked) => blocked.Kind switch
    {
        ObservationKind.So => Observation.NotSo(blocked.Proof),
        ObservationKind.NotSo => Observation.So(blocked.Proof),
        _ => blocked,
    };
}
