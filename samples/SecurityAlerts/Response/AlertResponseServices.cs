using Microsoft.Extensions.DependencyInjection;
using Signalbox;
using Signalbox.Storage;

namespace SecurityAlerts;

internal static class AlertResponseServices
{
    /// <summary>Adds the workflow and its actions. Sources, analyst and lists are the caller's.</summary>
    public static IServiceCollection AddAlertResponse(this IServiceCollection services, IRunStore store) => services.AddSignalbox(signalbox => signalbox
        .UseStore(_ => store)
        .AddWorkflow<AlertResponse>()
        .AddAction<BlockAddress, BlockAddressHandler>("block_address")
        .AddAction<DisableAccount, DisableAccountHandler>("disable_account"));
}
