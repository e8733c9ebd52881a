using Signalbox;

namespace SecurityAlerts;

/// <summary>
/// What no action may do, whoever wants it: an agent, a person, another workflow. <see cref="Policy"/> stops a decision early, by the evidence of its alert, and so that the next tier can
/// decide better; these stop the action, by the same lists as they stand when it is about to begin.
/// </summary>
internal static class ActionRules
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static SignalboxBuilder AddActionRules(this SignalboxBuilder signalbox, AlertData data, ResponseOptions options)
    {
        var never = new Lazy<IReadOnlyList<Resource>>(() => NeverBlocked(data));
        return signalbox
            .AddPolicy(new Never<BlockAddress>("never-block", "inside, staff, or a scanner on the allow-list") { Live = () => never.Value })
            .AddPolicy(new RateLimit<BlockAddress>("blocks-an-hour", options.BlocksAnHour, Hour) { WhenReached = PolicyVerdictKind.Ask })
            .AddPolicy(ActionPolicies.For<DisableAccount>("never-disable", (disable, proposed) =>
                proposed.Undo ? null
                : Policy.NeverDisabled(disable.Account) is { } why ? PolicyVerdict.Refuse(why)
                : PolicyVerdict.Allow("it is an account that may be disabled")));
    }

    /// <summary>Of every host, since an address that is blocked is blocked for all of them.</summary>
    /// <exception cref="InvalidOperationException">A list is missing. Who might be on it is not blocked.</exception>
    private static List<Resource> NeverBlocked(AlertData data)
    {
        var assets = data.Assets ?? throw new InvalidOperationException("it is not known what is inside");
        var scanners = data.AllowList ?? throw new InvalidOperationException("the allow-list is not available");
        return
        [
            .. assets.SelectMany(asset => asset.InternalNetworks).Select(Resource.Network)
                .Concat(assets.SelectMany(asset => asset.KnownSources).Select(Resource.AddressOrNetwork))
                .Concat(scanners.Select(scanner => Resource.Network(scanner.Range)))
                .Distinct(),
        ];
    }
}
