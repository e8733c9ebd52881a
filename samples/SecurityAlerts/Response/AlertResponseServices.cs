using Microsoft.Extensions.DependencyInjection;
using Signalbox;

namespace SecurityAlerts;

internal static class AlertResponseServices
{
    private const string BlockAction = "block_address";
    private const string AllowAction = "allow_address";
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

    /// <summary>
    /// Adds the workflow that wants the opposite: customer care, with its agent, its tools, and the action by which it lets an address through. <paramref name="isNft"/>: in the kernel's firewall.
    /// </summary>
    public static SignalboxBuilder AddCustomerCare(this SignalboxBuilder signalbox, CareData care, AnalystModels models, ResponseOptions options, bool isNft)
    {
        signalbox.Services.AddSingleton(care).AddSingleton(Carer.For(options)).AddSingleton<CareSources>().AddSingleton<CareTools>();
        signalbox.AddWorkflow<CustomerCare>().AddTools(services => services.GetRequiredService<CareTools>()).UseLadder(Carer.Ladder(options, models), CustomerCare.WorkflowName);
        return isNft ? signalbox.AddAction<AllowAddress, NftAllowAddressHandler>(AllowAction) : signalbox.AddAction<AllowAddress, AllowAddressHandler>(AllowAction);
    }

    /// <summary>Adds what a decision may do: entries in the two lists.</summary>
    public static SignalboxBuilder AddListActions(this SignalboxBuilder signalbox, Leaks? leaks = null) => signalbox
        .AddBlocks<BlockAddressHandler>(leaks)
        .AddAction<DisableAccount, DisableAccountHandler>(DisableAction);

    /// <summary>The same, but addresses are blocked in the kernel's firewall.</summary>
    public static SignalboxBuilder AddFirewallActions(this SignalboxBuilder signalbox, Leaks? leaks = null) => signalbox
        .AddBlocks<NftBlockAddressHandler>(leaks)
        .AddAction<DisableAccount, DisableAccountHandler>(DisableAction);

    private static SignalboxBuilder AddBlocks<TFirewall>(this SignalboxBuilder signalbox, Leaks? leaks)
        where TFirewall : BlockAddressFirewall
    {
        if (leaks is null)
        {
            return signalbox.AddAction<BlockAddress, TFirewall>(BlockAction);
        }

        signalbox.Services.AddSingleton(leaks).AddTransient<BlockAddressFirewall, TFirewall>();
        return signalbox.AddAction<BlockAddress, LeakyFirewall>(BlockAction);
    }
}
