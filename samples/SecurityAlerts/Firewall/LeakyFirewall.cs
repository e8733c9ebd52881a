using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>The addresses whose blocks come to nothing, to see what a run does then.</summary>
internal sealed record Leaks(IReadOnlyList<IPAddress> Addresses);

/// <summary>A firewall with a fault: it takes each block, and goes on letting some addresses through. Only a look at what comes in shows it.</summary>
internal sealed class LeakyFirewall(BlockAddressFirewall firewall, Leaks leaks) : BlockAddressFirewall
{
    public override TargetClass TargetClass => firewall.TargetClass;

    public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => firewall.ProbeAsync(action, context, cancellationToken);

    public override Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => firewall.ExecuteAsync(action, context, cancellationToken);

    public override async Task<Observation> VerifyAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken)
    {
        var seen = await firewall.VerifyAsync(action, context, cancellationToken);
        return seen.Kind == ObservationKind.So && leaks.Addresses.Contains(AddressText.Normalize(action.Address))
            ? Observation.NotSo($"{seen.Proof}, but what {AddressText.Of(action.Address)} sends still comes in")
            : seen;
    }

    public override Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => firewall.UndoAsync(action, context, cancellationToken);
}
