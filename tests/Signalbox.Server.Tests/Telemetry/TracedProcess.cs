using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.OpenTelemetry;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Telemetry;

/// <summary>The process that tests kill: works on a store and sends its traces until all has ended and was sent.</summary>
internal static class TracedProcess
{
    public const string Verb = "--traced-process";

    public static Process Start(string store, Uri endpoint, int runs)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true };
        foreach (var argument in new[] { Verb, store, endpoint.AbsoluteUri, runs.ToString(System.Globalization.CultureInfo.InvariantCulture) })
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    public static async Task<int> RunAsync(string store, string endpoint, int runs)
    {
        await using var app = TracedWorld.Build(
            options =>
            {
                options.OtlpEndpoint = new Uri(endpoint);
                options.CursorPath = store + ".traces.json";
                options.Content = true;
                options.Metrics = false;
                options.Logs = false;
            },
            store);
        await app.StartAsync();
        await TracedWorld.StartRunsAsync(app.Services, runs);
        await TracedWorld.StartRunsAsync(app.Services, runs / 4, TalkingWorkflow.Talking);
        var reader = app.Services.GetRequiredService<IRunReader>();
        var state = app.Services.GetRequiredService<TelemetryState>();
        await TracedWorld.UntilEndedAsync(reader);
        await TracedWorld.UntilAsync(async () => state.LogPosition > 0 && (await reader.ReadLogAsync(state.LogPosition, 1, CancellationToken.None)).Count == 0 && state.TraceLag == 0, "all is sent");
        await app.StopAsync();
        return 0;
    }
}
