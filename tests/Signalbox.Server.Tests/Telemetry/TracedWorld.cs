using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signalbox.OpenTelemetry;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Telemetry;

public enum Stage { Look, Wait, Done }

public sealed record Matter(int Number);

/// <summary>Reads side by side, one of which fails in every third run; waits a moment; and starts a child in every fifth.</summary>
public sealed class TracedWorkflow(ILogger<TracedWorkflow> log) : Workflow<Stage, Matter>(Traced, 1)
{
    public const string Traced = "traced";

    /// <summary>The name of a source that would break a label, were it written as it is.</summary>
    public const string HostileSource = "fe\"ed\\{le=\"0\"} 1 # É\u2028";

    private static readonly EvidenceSource<int, int> s_source = new(HostileSource, async (number, token) =>
    {
        await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, token);
        return number % 3 == 0 ? throw new InvalidOperationException($"no answer for {number}") : number;
    });

    protected override void Define(StateMachine<Stage, Matter> states)
    {
        states.Start(Stage.Look, LookAsync).To(Stage.Wait);
        states.State(Stage.Wait, WaitAsync).To(Stage.Done);
        states.End(Stage.Done);
    }

    private async Task<Next> LookAsync(Visit<Stage, Matter> visit)
    {
        log.LogInformation("looks at {Number}", visit.Case.Number);
        await Task.WhenAll(
            visit.Gather(s_source.For(visit.Case.Number)),
            visit.Read("count", visit.Case.Number, async (number, token) => { await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, token); return number + 1; }),
            visit.Branch("beside", beside => beside.Read("other", _ => Task.FromResult(1))));
        return visit.GoTo(Stage.Wait, because: "it has looked");
    }

    private async Task<Next> WaitAsync(Visit<Stage, Matter> visit)
    {
        if (visit.Case.Number % 5 == 0 && visit.Case.Number > 0)
        {
            await visit.ChildEnd(await visit.StartChild(Traced, new Matter(-1)));
        }

        await visit.Delay(TimeSpan.FromMilliseconds(20));
        return visit.GoTo(Stage.Done);
    }
}

/// <summary>A program with a worker and telemetry.</summary>
internal static class TracedWorld
{
    /// <summary>How long a test waits for anything that other processes or threads do.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static WebApplication Build(Action<SignalboxTelemetryOptions> configure, string? store = null, Action<WebApplicationBuilder>? more = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSignalbox(signalbox =>
        {
            signalbox.AddWorkflow<TracedWorkflow>().AddWorkflow<TalkingWorkflow>().AddTool(TalkingWorkflow.Look).AddModel("fast-1", TalkingWorkflow.Model()).UseLadder(new Ladder(new Tier("fast", "fast-1")));
            if (store is not null)
            {
                signalbox.UseSqlite(store);
            }
        });
        builder.Services.AddSignalboxTelemetry(options =>
        {
            options.ConfigureOtlp = otlp => otlp.TimeoutMilliseconds = 1000;
            options.LookEvery = TimeSpan.FromMilliseconds(200);
            configure(options);
        });
        more?.Invoke(builder);
        var app = builder.Build();
        app.MapSignalboxTelemetry();
        return app;
    }

    /// <summary>Starts so many runs, each once however often this is called.</summary>
    public static async Task StartRunsAsync(IServiceProvider services, int count, string workflow = TracedWorkflow.Traced)
    {
        var client = services.GetRequiredService<RunClient>();
        for (var i = 1; i <= count; i++)
        {
            await client.StartAsync(workflow, new Matter(i), $"matter-{i}");
        }
    }

    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await holds())
        {
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Within {Limit} it did not come to this: {what}");
            }
        }
    }

    public static Task UntilAsync(Func<bool> holds, string what) => UntilAsync(() => Task.FromResult(holds()), what);

    public static Task UntilEndedAsync(IRunReader store) => UntilAsync(
        async () => (await store.ListAsync(new RunQuery { Limit = 10_000 }, CancellationToken.None)) is { Count: > 0 } runs && runs.All(r => r.Row.Status == RunStatus.Completed), "all runs are completed");

    /// <summary>The spans that a store's journal implies, as they go over the wire, by trace and id.</summary>
    public static async Task<SortedDictionary<string, string>> ImpliedAsync(IRunReader store)
    {
        var implied = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var folds = new Dictionary<RunId, SpanFold>();
        for (long position = 0; ;)
        {
            var page = await store.ReadLogAsync(position, 1000, CancellationToken.None);
            if (page.Count == 0)
            {
                return implied;
            }

            foreach (var entry in page)
            {
                if (!folds.TryGetValue(entry.Run, out var fold))
                {
                    folds[entry.Run] = fold = new SpanFold();
                }

                foreach (var span in fold.Add(entry))
                {
                    implied.Add($"{SpanIds.Trace(span.Run)}/{span.Id}", Tell(span.Parent ?? "", SpanActivities.NameOf(span), span.StartedAt, span.EndedAt!.Value, span.Error is null ? "ok" : "error", span.Events.Count));
                }
            }

            position = page[^1].Position;
        }
    }

    /// <summary>The spans that a collector was sent.</summary>
    public static SortedDictionary<string, string> Received(Collector collector)
    {
        var received = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var span in collector.Spans.Values)
        {
            received.Add($"{span.Trace}/{span.Id}", Tell(span.Parent, span.Name, span.StartedAt / 1000, span.EndedAt / 1000, span.Status, span.Events.Length == 0 ? 0 : span.Events.Split('|').Length));
        }

        return received;
    }

    private static string Tell(string parent, string name, long from, long to, string status, int events) => $"{name} in '{parent}' from {from} to {to} {status} with {events} events";
}
