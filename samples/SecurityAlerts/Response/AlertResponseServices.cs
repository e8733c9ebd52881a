using Microsoft.Extensions.DependencyInjection;
using Signalbox;

namespace SecurityAlerts;

internal static class AlertResponseServices
{
    private const string BlockAction = "block_address";
    private const string DisableAction = "disable_account";

    /// <summary>Adds the workflow with its agent, its tools and its ladder. Store, sources, lists and actions are the caller's.</summary>
    public static SignalboxBuilder AddAlertResponse(this SignalboxBuilder signalbox, AnalystModels models, ResponseOptions options)
    {
        signalbox.Services.AddSingleton(options).AddSingleton(Analyst.For(options)).AddSingleton<EvidenceSources>().AddSingleton<AnalystTools>();
        return models.AddTo(signalbox)
            .AddWorkflow<AlertResponse>()
            .AddTools(services => services.GetRequiredService<AnalystTools>())
            .UseLadder(Analyst.Ladder(options, models))
            .UseBudget(options.Budget);
    }

    /// <summary>Adds what a decision may do: entries in the two lists.</summary>
    public static SignalboxBuilder AddListActions(this SignalboxBuilder signalbox) => signalbox
        .AddAction<BlockAddress, BlockAddressHandler>(BlockAction)
        .AddAction<DisableAccount, DisableAccountHandler>(DisableAction);

    /// <summary>The same, but addresses are blocked in the kernel's firewall.</summary>
    public static SignalboxBuilder AddFirewallActions(this SignalboxBuilder signalbox) => signalbox
        .AddAction<BlockAddress, NftBlockAddressHandler>(BlockAction)
        .AddAction<DisableAccount, DisableAccountHandler>(DisableAction);
}
