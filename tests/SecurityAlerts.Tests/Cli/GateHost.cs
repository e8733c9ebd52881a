using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Sqlite;

namespace Signalbox.CommandLine.Tests;

/// <summary>A program that owns a store and drives the gate workflow, until it is disposed.</summary>
internal sealed class GateHost : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly IHost _host;
    private readonly SqliteRunStore _store;

    private GateHost(IHost host, SqliteRunStore store)
    {
        _host = host;
        _store = store;
        Client = host.Services.GetRequiredService<RunClient>();
    }

    public RunClient Client { get; }

    public GateTarget Target => _host.Services.GetRequiredService<GateTarget>();

    public static async Task<GateHost> StartAsync(string path)
    {
        var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<GateTarget>().AddSingleton<GateModel>();
        builder.Services.AddSignalbox(b => b.UseStore(_ => store).AddWorkflow<GateWorkflow>().AddAction<BlockAddress, BlockAddressHandler>("block-address"));
        var host = builder.Build();
        await host.StartAsync();
        return new GateHost(host, store);
    }

    /// <summary>Starts a run and waits until it asks, is held, or has ended.</summary>
    public async Task<RunId> StartRunAsync(string ip = "192.0.2.7", string? key = null, IReadOnlyDictionary<string, string>? labels = null, string text = "many failed logins")
    {
        var start = await Client.StartAsync("gate", new GateCase(ip, text), key, labels);
        await SettleAsync(start.Run);
        return start.Run;
    }

    /// <summary>Waits until nothing happens in a run by itself.</summary>
    public Task<RunRow> SettleAsync(RunId run) => Client.WaitUntilAsync(run, row => row.Status is not (RunStatus.Pending or RunStatus.Running)).WaitAsync(Limit);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _store.DisposeAsync();
    }
}
