using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace MessageTriage;

/// <summary>What the command was asked to do.</summary>
internal sealed record TriageOptions(string? Data, string? Truth, string? Json, bool Compares, string Store);

/// <summary>The command's exit codes.</summary>
internal static class ExitCodes
{
    public const int AllHandled = 0;
    public const int BadInput = 1;
    public const int CannotWork = 2;
    public const int RunsNeedAnOperator = 3;
    public const int Interrupted = 130;
    public const int Terminated = 143;
}

/// <summary>
/// Reads the messages, lets a run route each, and tells what became of them, measured by the truth where there is one. A start after a stop or a crash goes on where the last one was.
/// </summary>
internal sealed class TriageDesk(TriageOptions options) : IDisposable
{
    private const string Both = "fast+strong";
    private const string FastOnly = "fast only";

    private readonly CancellationTokenSource _stop = new();
    private int _signaled;

    public static async Task<int> RunAsync(TriageOptions options)
    {
        using var desk = new TriageDesk(options);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => desk.Stop(signal, ExitCodes.Interrupted));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => desk.Stop(signal, ExitCodes.Terminated));
        try
        {
            return await desk.RunAsync();
        }
        catch (OperationCanceledException) when (desk._signaled != 0)
        {
            Console.Out.WriteLine($"Stopped in good order. What was routed is kept in {options.Store}; the same command goes on from there.");
            return desk._signaled;
        }
        catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException or WorkflowFaultsException or IOException or UnauthorizedAccessException or JsonException)
        {
            Console.Error.WriteLine(e.Message);
            return ExitCodes.CannotWork;
        }
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>Taken once: the first signal asks for a stop in good order, a second one ends the process.</summary>
    private void Stop(PosixSignalContext signal, int exitCode)
    {
        if (Interlocked.CompareExchange(ref _signaled, exitCode, 0) == 0)
        {
            signal.Cancel = true;
            _stop.Cancel();
        }
    }

    private async Task<int> RunAsync()
    {
        Console.Out.WriteLine("offline router: answers by a written method, no key, no network");
        var data = await MessageData.ReadAsync(options.Data ?? Path.Combine(AppContext.BaseDirectory, "messages"), options.Truth, _stop.Token);
        foreach (var fault in data.Faults)
        {
            Console.Error.WriteLine(fault);
        }

        await using var store = await SqliteRunStore.OpenAsync(new() { Path = options.Store }, _stop.Token);
        using var host = BuildHost(store);
        await host.StartAsync(_stop.Token);
        List<EvaluationReport> reports = [];
        try
        {
            var client = host.Services.GetRequiredService<RunClient>();
            if (options.Compares)
            {
                reports.Add(await EvaluateAsync(client, RouteByFast.WorkflowName, FastOnly, data));
            }

            reports.Add(await EvaluateAsync(client, RouteByBoth.WorkflowName, Both, data));
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }

        Report(reports, data);
        return reports.Exists(report => report.Counts.Failed > 0) ? ExitCodes.RunsNeedAnOperator : data.Faults.Count > 0 ? ExitCodes.BadInput : ExitCodes.AllHandled;
    }

    private async Task<EvaluationReport> EvaluateAsync(RunClient client, string workflow, string configuration, MessageData data)
    {
        var progress = new Progress(TimeProvider.System);
        var evaluation = new Evaluation<MessageCase>(workflow) { Agent = MessageRouting.AgentName, Person = MessageRouting.OutOfScope, RunsAtOnce = 64 };
        return await progress.WatchAsync(configuration, evaluation.RunAsync(client, data.Cases, configuration, progress, _stop.Token));
    }

    private void Report(List<EvaluationReport> reports, MessageData data)
    {
        var comparison = reports.Count == 2 ? EvaluationReport.Compare(reports[0], reports[1]) : null;
        if (options.Json is { } file)
        {
            var json = comparison is null
                ? reports[0].ToJson()
                : new JsonObject { ["a"] = JsonNode.Parse(reports[0].ToJson()), ["b"] = JsonNode.Parse(reports[1].ToJson()), ["comparison"] = JsonNode.Parse(comparison.ToJson()) }.ToString();
            File.WriteAllText(file + ".new", json + "\n");
            File.Move(file + ".new", file, overwrite: true);
        }

        foreach (var report in reports)
        {
            Console.Out.Write($"\n{EvaluationTable.Format(report)}");
        }

        if (comparison is not null)
        {
            Console.Out.Write($"\n{EvaluationTable.Format(comparison)}");
        }

        if (!data.HasTruth)
        {
            Console.Out.WriteLine("\nNobody knows what is right here: --truth FILE says it.");
        }

        if (reports[^1].Cases.FirstOrDefault(one => one.Verdict == EvaluationVerdict.Escalated) is { } waiting)
        {
            Console.Out.WriteLine($"\nA question to a person: dotnet run --project src/Signalbox.Cli -- show {waiting.Run} --store {options.Store}");
        }
    }

    private static IHost BuildHost(SqliteRunStore store)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSignalbox(signalbox => Configure(signalbox.UseSqlite(store)));
        return builder.Build();
    }

    /// <summary>The routers, their tools, and a workflow for each configuration.</summary>
    internal static void Configure(SignalboxBuilder signalbox)
    {
        var fast = new Tier("fast", "offline-fast") { Accept = 0.8, Floor = 0 }; // however little the fast one knows, the strong one is asked
        var strong = new Tier("strong", "offline-strong") { Accept = 0.7 };
        signalbox
            .AddModel("offline-fast", new OfflineRouter(isStrong: false))
            .AddModel("offline-strong", new OfflineRouter(isStrong: true))
            .AddTool(LabelTools.SearchTool)
            .AddTool(LabelTools.DescribeTool)
            .UseLadder(new Ladder(fast, strong), RouteByBoth.WorkflowName)
            .UseLadder(new Ladder(fast), RouteByFast.WorkflowName)
            .AddWorkflow<RouteByBoth>()
            .AddWorkflow<RouteByFast>();
    }

    /// <summary>The desk takes the signals itself.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
