using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Diagnostics;
using Signalbox.OpenTelemetry;
using Signalbox.Server.Tests.Telemetry;

namespace Signalbox.Server.Tests.Hostile;

/// <summary>Spans and metrics of journals in which every field is hostile: well-formed, bounded, and no more series than there may be.</summary>
[Collection("telemetry")]
public sealed partial class Hostile_text_in_telemetry(HostileWorld world) : IClassFixture<HostileWorld>
{
    private const int AttributeCharactersMax = 500;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private async Task<List<EndedSpan>> SpansAsync()
    {
        var (folds, spans) = (new RunFolds(world.Store), new List<EndedSpan>());
        for (long position = 0; await world.Store.ReadLogAsync(position, 500, Ct) is { Count: > 0 } page; position = page[^1].Position)
        {
            foreach (var entry in page)
            {
                await folds.AddAsync(entry, spans, Ct);
            }
        }

        return spans;
    }

    [Fact]
    public async Task Is_a_bounded_attribute_of_well_formed_text()
    {
        var told = new List<Activity>();
        using var listener = new ActivityListener { ShouldListenTo = s => s.Name == SignalboxMeter.Name, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded, ActivityStopped = told.Add };
        ActivitySource.AddActivityListener(listener);
        var activities = new SpanActivities(Redactor.None);
        foreach (var span in await SpansAsync())
        {
            activities.Tell(span);
        }

        Assert.True(told.Count > 300, $"{told.Count} spans");
        foreach (var text in told.SelectMany(a => a.TagObjects.Concat(a.Events.SelectMany(e => e.Tags)).Select(t => t.Value).OfType<string>().Append(a.DisplayName).Append(a.StatusDescription ?? "")))
        {
            Assert.True(text.Length <= AttributeCharactersMax, $"{text.Length} characters: {text}");
            Assert.Equal(text, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text)));
        }
    }

    [Fact]
    public async Task Is_bounded_JSON_where_spans_say_what_was_said()
    {
        var contents = new SpanContents(new Queries.RunQueries(world.Store, world.Clock, redactor: Redactor.Default), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var said = 0;
        foreach (var span in await SpansAsync())
        {
            foreach (var (_, json) in await contents.OfAsync(span, Ct))
            {
                said++;
                Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(json), 1, ContentJson.BytesMax);
                using var read = System.Text.Json.JsonDocument.Parse(json, new() { MaxDepth = 1_000 });
            }
        }

        Assert.True(said > 20, $"{said} attributes");
    }

    [Fact]
    public async Task Is_in_few_series()
    {
        var series = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Meter.Name == SignalboxMeter.Name) { l.EnableMeasurementEvents(instrument); } } };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => Add(tags));
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Add(tags));
        listener.Start();
        using var instruments = new Instruments(new TelemetryState());
        foreach (var span in await SpansAsync())
        {
            instruments.Count(span);
        }

        Assert.NotEmpty(series);
        Assert.All(series, tag => Assert.True(tag.Value.Count <= 101 && tag.Value.All(v => v.Length <= 200), $"{tag.Key}: {tag.Value.Count} values, the longest of {tag.Value.Max(v => v.Length)} characters"));

        void Add(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var (name, value) in tags)
            {
                (series.TryGetValue(name, out var values) ? values : series[name] = []).Add(value?.ToString() ?? "");
            }
        }
    }

    [Fact]
    public async Task Forges_no_line_of_the_metrics()
    {
        var path = Path.Combine(Path.GetTempPath(), $"signalbox-hostile-{Guid.NewGuid():N}.db");
        var store = await Sqlite.SqliteRunStore.OpenAsync(new Sqlite.SqliteStoreOptions { Path = path, Clock = new Testing.ManualClock(TimeProvider.System.GetUtcNow().AddHours(-2)) }, Ct);
        try
        {
            await new HostileJournals(store, new Testing.ManualClock()).WriteAsync();
        }
        finally
        {
            await store.DisposeAsync();
        }

        var app = TracedWorld.Build(options => options.Traces = false, path);
        await app.StartAsync(Ct);
        try
        {
            using var http = new HttpClient();
            var text = "";
            await TracedWorld.UntilAsync(
                async () =>
                {
                    text = await http.GetStringAsync(new Uri(new Uri(app.Urls.First()), "/metrics"), Ct);
                    return text.Contains("signalbox_runs{", StringComparison.Ordinal) && app.Services.GetRequiredService<TelemetryState>().LogPosition > 500;
                },
                "the log was read");
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                Assert.True(Comment().IsMatch(line) || Sample().IsMatch(line), $"A line that is none of ours: {line}");
            }

            Assert.InRange(text.Length, 1, 5_000_000);
        }
        finally
        {
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            foreach (var file in Directory.EnumerateFiles(Path.GetTempPath(), Path.GetFileName(path) + "*"))
            {
                File.Delete(file);
            }
        }
    }

    [GeneratedRegex("^# (TYPE|HELP|UNIT) [a-zA-Z_:][a-zA-Z0-9_:]*( .*)?$|^# EOF$")]
    private static partial Regex Comment();

    [GeneratedRegex("""^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\[\\"n])*",?)*\})? [-+0-9.eEInfNa]+( [0-9.]+)?( # .*)?$""")]
    private static partial Regex Sample();
}
