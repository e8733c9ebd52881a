using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Signalbox.OpenTelemetry;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Telemetry;

[Collection("telemetry")] // the source of spans belongs to the process
public sealed class Traces_of_a_store : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("signalbox-telemetry-");

    private string Store => Path.Combine(_folder.FullName, "signalbox.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Arrive_whole_whatever_kills_the_process_that_sends_them()
    {
        const int Runs = 40;
        var alive = 0;
        await using var collector = new Collector();
        await collector.ListenAsync();
        for (var kill = 0; kill < 4; kill++)
        {
            var had = collector.Spans.Count;
            using var killed = TracedProcess.Start(Store, collector.Endpoint, Runs * (kill + 1));
            await TracedWorld.UntilAsync(() => collector.Spans.Count > had || killed.HasExited, "some spans have arrived");
            alive += killed.HasExited ? 0 : 1;
            killed.Kill();
            await killed.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(4, alive);
        using var last = TracedProcess.Start(Store, collector.Endpoint, Runs * 5);
        await last.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TracedWorld.Limit, TestContext.Current.CancellationToken);
        Assert.True(last.ExitCode == 0, await last.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));

        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Store, Clock = TimeProvider.System, Entropy = Entropy.System }, TestContext.Current.CancellationToken);
        var implied = await TracedWorld.ImpliedAsync(store);
        Assert.True(implied.Count > Runs * 5 * 8);
        Assert.Equal(implied, TracedWorld.Received(collector));
        Assert.Empty(collector.Faults);
        Assert.Equal("signalbox", collector.Services["traces"]);
    }

    [Theory]
    [InlineData("dead")]
    [InlineData("refuses")]
    [InlineData("never answers")]
    public async Task Wait_for_a_collector_while_runs_go_on(string mood)
    {
        await using var collector = new Collector { Mood = mood switch { "refuses" => CollectorMood.Refuses, "never answers" => CollectorMood.NeverAnswers, _ => CollectorMood.Takes } };
        if (mood != "dead")
        {
            await collector.ListenAsync();
        }

        await using var app = TracedWorld.Build(options => (options.OtlpEndpoint, options.CursorPath, options.Metrics, options.Logs) = (collector.Endpoint, Store + ".traces.json", false, false));
        await app.StartAsync(TestContext.Current.CancellationToken);
        var state = app.Services.GetRequiredService<TelemetryState>();
        var store = app.Services.GetRequiredService<IRunStore>();
        await TracedWorld.StartRunsAsync(app.Services, 20);
        await TracedWorld.UntilAsync(() => state.ExportFailures > 0, "the collector has not taken something");
        await TracedWorld.StartRunsAsync(app.Services, 40);
        await TracedWorld.UntilEndedAsync(store);
        Assert.Empty(collector.Spans);

        if (mood == "dead")
        {
            await collector.ListenAsync();
        }

        collector.Mood = CollectorMood.Takes;
        var implied = await TracedWorld.ImpliedAsync(store);
        await TracedWorld.UntilAsync(() => collector.Spans.Count >= implied.Count, "all spans have arrived");
        Assert.Equal(implied, TracedWorld.Received(collector));
        Assert.Empty(collector.Faults);
        await app.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Are_seen_by_the_programs_own_provider_with_the_same_ids()
    {
        var seen = new List<Activity>();
        using var provider = Sdk.CreateTracerProviderBuilder().AddSource(SignalboxTelemetry.Name).AddProcessor(new Keeping(seen)).Build();
        await using var app = TracedWorld.Build(options => (options.CursorPath, options.Metrics) = (Store + ".traces.json", false));
        await app.StartAsync(TestContext.Current.CancellationToken);
        await TracedWorld.StartRunsAsync(app.Services, 5);
        var store = app.Services.GetRequiredService<IRunStore>();
        await TracedWorld.UntilEndedAsync(store);
        var implied = await TracedWorld.ImpliedAsync(store);
        await TracedWorld.UntilAsync(() => { lock (seen) { return seen.Count >= implied.Count; } }, "all spans are seen");
        Assert.Equal(implied.Keys, seen.Select(a => $"{a.TraceId}/{a.SpanId}").Order(StringComparer.Ordinal));
        Assert.All(seen, a => Assert.Equal($"00-{a.TraceId}-{a.SpanId}-01", a.Id));

        // A child's trace points to its parent's.
        var child = Assert.Single(seen, a => a.Links.Any());
        var link = child.Links.Single().Context;
        var parent = Assert.Single(seen, a => a.SpanId == link.SpanId);
        Assert.Equal((link.TraceId, "child traced"), (parent.TraceId, parent.DisplayName));
        await app.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Come_with_metrics_and_with_log_lines_of_the_run()
    {
        await using var collector = new Collector();
        await collector.ListenAsync();
        await using (var app = TracedWorld.Build(options => options.OtlpEndpoint = collector.Endpoint, more: builder => builder.Logging.SetMinimumLevel(LogLevel.Information)))
        {
            await app.StartAsync(TestContext.Current.CancellationToken);
            await TracedWorld.UntilAsync(() => app.Services.GetRequiredService<TelemetryState>().Look is not null, "metrics have begun");
            await TracedWorld.StartRunsAsync(app.Services, 3);
            await TracedWorld.UntilEndedAsync(app.Services.GetRequiredService<IRunStore>());
            var (store, state) = (app.Services.GetRequiredService<IRunStore>(), app.Services.GetRequiredService<TelemetryState>());
            await TracedWorld.UntilAsync(async () => state.LogPosition > 30 && (await store.ReadLogAsync(state.LogPosition, 1, TestContext.Current.CancellationToken)).Count == 0, "the log is read");
            await app.StopAsync(TestContext.Current.CancellationToken);
        }

        // The providers send all they have when the program stops.
        Assert.Empty(collector.Faults);
        Assert.Contains("signalbox.log.position", collector.Metrics.Keys);
        Assert.Contains("signalbox.run.duration", collector.Metrics.Keys);
        var line = collector.Logs.FirstOrDefault(l => l.Body.StartsWith("looks at", StringComparison.Ordinal));
        Assert.True(line is not null, string.Join("\n", collector.Logs));
        Assert.Equal(SpanIds.Trace(new RunId((string)line.Attributes["signalbox.run"])), line.Trace);
    }

    private sealed class Keeping(List<Activity> seen) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            lock (seen)
            {
                seen.Add(data);
            }
        }
    }
}
