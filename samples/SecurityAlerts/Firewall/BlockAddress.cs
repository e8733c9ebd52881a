using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>Lets nothing of an address through any more.</summary>
internal sealed record BlockAddress(IPAddress Address);

/// <summary>What block and allow claim: the address, so that one who blocks and one who allows are against each other, by whatever firewall.</summary>
internal static class AddressClaims
{
    private const string Blocks = "block";
    private const string Allows = "allow";

    public static Claim Block(IPAddress address) => new(Resource.Address(address), Blocks, Against: [Allows]);

    public static Claim Allow(IPAddress address) => new(Resource.Address(address), Allows, Against: [Blocks]);
}

/// <summary>What both firewalls' handlers declare. An attack goes before a customer's wish: a block overrules what has a lower priority, and that is on record on both sides.</summary>
internal abstract class BlockAddressFirewall : ActionHandler<BlockAddress>
{
    public override ActionPolicy Policy { get; } = new() { OnConflict = ConflictRule.Priority, Priority = 10 };

    public override IReadOnlyList<Claim> Claims(BlockAddress action) => [AddressClaims.Block(action.Address)];
}

/// <summary>Blocks by a line in the deny list. Adding twice leaves one line, so the file can be asked and nothing more: class T3.</summary>
internal sealed class BlockAddressHandler(DenyListFile list) : BlockAddressFirewall
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override async Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
        await list.ContainsAsync(action.Address, cancellationToken)
            ? Observation.So($"{Name} holds {AddressText.Of(action.Address)}")
            : Observation.NotSo($"{Name} does not hold {AddressText.Of(action.Address)}");

    public override async Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
        await list.AddAsync(action.Address, context.Run.Value, cancellationToken) ? "added" : "was there";

    public override async Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
        await list.RemoveAsync(action.Address, cancellationToken) ? "removed" : "was not there";

    private string Name => Path.GetFileName(list.FilePath);
}
