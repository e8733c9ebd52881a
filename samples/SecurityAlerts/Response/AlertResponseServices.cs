using Microsoft.Extensions.DependencyInjection;
using Signalbox;

namespace SecurityAlerts;

internal static class AlertResponseServices
{
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
        .AddAction<BlockAddress, BlockAddressHandler>("block_address")
        .AddAction<DisableAccount, DisableAccountHandler>("disable_account");
}
