using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Targets.Tests.Http;

namespace Signalbox.Targets.Tests.Victims;

/// <summary>A program with a store of its own that acts on the server, to be killed without warning and started again until all its runs are settled.</summary>
internal static class Victim
{
    public const string Argument = "--victim";

    /// <summary>How the names of all resources of its runs begin: the folder's name, so that no two victims share a resource.</summary>
    public static string Prefix(string folder) => Path.GetFileName(folder);

    public static string Name(string folder, int run) => string.Create(CultureInfo.InvariantCulture, $"{Prefix(folder)}-{run}");

    public static string StorePath(string folder) => Path.Combine(folder, "signalbox.db");

    public static async Task<int> RunAsync(string folder, Uri server, string workflow, int runs, Death? death)
    {
        using var http = HttpTargets.Client(server);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(http);
        builder.Services.AddSignalbox(box =>
        {
            box.AddWorkflow<PlanFlow>().AddWorkflow<MailFlow>().AddWorkflow<TrustedMailFlow>()
                .AddAction<BlockHost, HttpBlockHandler>("block_host").AddAction<SetRule, HttpRuleHandler>("set_rule")
                .UseStore(_ => Store(folder, death));
            _ = workflow == TrustedMailFlow.TrustedMail ? box.AddAction<SendMail, TrustingMailHandler>("send_mail") : box.AddAction<SendMail, HttpMailHandler>("send_mail");
        });
        using var host = builder.Build();
        await host.StartAsync();
        var client = host.Services.GetRequiredService<RunClient>();
        await Task.WhenAll(Enumerable.Range(0, runs).Select(async i =>
        {
            var name = Name(folder, i);
            var run = (await client.StartAsync(workflow, new Matter(name), key: name)).Run;
            while (await client.WaitUntilSettledAsync(run) is { Row: { Status: RunStatus.Held, ReasonCode: TroubleCodes.Quarantined } })
            {
                // It was at work each time that somebody killed us, and so it is suspected. An operator knows better.
                await client.ReleaseAsync(run, ReleaseVerb.Retry);
            }
        }));
        await host.StopAsync();
        return 0;
    }

    private static IRunStore Store(string folder, Death? death)
    {
        var store = SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = StorePath(folder) }, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        return death is null ? store : new DeathAtAWrite(store, death);
    }
}
