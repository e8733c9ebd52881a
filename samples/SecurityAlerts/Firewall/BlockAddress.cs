using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>Lets nothing of an address through any more.</summary>
internal sealed record BlockAddress(IPAddress Address);

/// <summary>Blocks by a line in the deny list. Adding twice leaves one line, so the file can be asked and nothing more: class T3.</summary>
internal sealed class BlockAddressHandler(DenyListFile list) : ActionHandler<BlockAddress>
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
