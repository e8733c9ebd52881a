using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signalbox;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace SecurityAlerts;

/// <summary>
/// The alert desk, from the command's start to its exit code: read the alerts, start a run for each, work until every run has ended or waits for
/// a person, and say what became of them. A start after a stop or a crash goes on where the last one was.
/// </summary>
internal sealed class Desk(DeskOptions options, Screen screen, TimeProvider clock)
{
    private const int ForeignCommandsMax = 10;

    private readonly NftCommand _nft = new(options.NetworkNamespace, clock);
    private readonly DeskServer? _server = options.Serve is null ? null : new(options, screen, clock);

    public static async Task<int> RunAsync(DeskOptions options)
    {
        var screen = new Screen(TimeProvider.System);
        using var signals = new StopSignals();
        try
        {
            return await new Desk(options, screen, TimeProvider.System).RunAsync(signals);
        }
        catch (OperationCanceledException) when (signals.ExitCode is { } exitCode)
        {
            screen.Say("Stopped before anything was begun.");
            return exitCode;
        }
        catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException or WorkflowFaultsException or IOException or UnauthorizedAccessException)
        {
            foreach (var line in e.Message.Split('\n'))
            {
                screen.Warn(TerminalText.Escape(line));
            }

            return ExitCodes.CannotWork;
        }
    }

    private async Task<int> RunAsync(StopSignals signals)
    {
        var begun = clock.GetTimestamp();
        var models = AnalystModels.For(options.Models, clock);
        screen.Say(models.Text);
        var data = options.Log is { } file ? await AlertData.OfLogAsync(file, options.Data, clock.GetUtcNow(), signals.Stop) : await AlertData.ReadAsync(options.Folder, signals.Stop);
        if (!data.CanWork)
        {
            data.Faults.ToList().ForEach(fault => screen.Warn(fault.ToString()));
            return ExitCodes.CannotWork;
        }

        if (_server?.PortFault() is { } taken)
        {
            screen.Warn(taken);
            return ExitCodes.CannotWork;
        }

        var care = options.Requests is { } requests ? await CareData.ReadAsync(requests, signals.Stop) : null;
        var score = await Score.ReadAsync(options.Score, data.Alerts, signals.Stop);
        var firewall = options.Nft ? new NftFirewall(_nft, clock) : null;
        if (firewall is not null && (await firewall.SetUpAsync(signals.Stop)).Fault is { } fault)
        {
            screen.Warn(TerminalText.Escape(
                $"Table {NftFirewall.FullName} of {firewall.Where} is not as this sample sets it up: {fault}. Nothing was done. Put it right, or delete it (nft delete table {NftFirewall.FullName}), which lets through all that it blocks."));
            return ExitCodes.CannotWork;
        }

        using var logs = new ScreenLoggerProvider(screen);
        await using var store = await SqliteRunStore.OpenAsync(new() { Path = options.Store, Clock = clock, Logger = logs.CreateLogger("store") }, signals.Stop);
        if (await ForeignRunsAsync(store, data, care) is { Count: > 0 } foreign)
        {
            ForeignRuns(foreign).ToList().ForEach(screen.Warn);
            return ExitCodes.CannotWork;
        }

        var host = BuildHost(data, care, models, firewall, store, logs);
        await using var hostDisposal = (IAsyncDisposable)host;
        await host.StartAsync(signals.Stop);
        if (_server is not null)
        {
            await _server.TellAsync((WebApplication)host, signals.Stop);
        }

        var client = host.Services.GetRequiredService<RunClient>();
        using var watch = new RunWatch(store, clock);
        try
        {
            // What concerns one address comes in the order of time: requests from before its first alert, the alerts, the other requests.
            var early = care?.Requests.ToLookup(request => data.Alerts.Where(alert => alert.SourceIp == request.Address).All(alert => request.Time < alert.Time));
            await StartRequestsAsync(watch, client, early?[true] ?? [], signals.Stop);
            await watch.StartAsync(client, data.Alerts, signals.Stop);
            screen.Say(TerminalText.Escape($"{data.Alerts.Count} alerts in {options.FolderName}: {watch.Started} new, {data.Alerts.Count - watch.Started} known to {options.Store}"));
            await screen.WatchAsync(() => watch.Progress, watch.UntilSettledAsync(signals.Stop));
            await StartRequestsAsync(watch, client, early?[false] ?? [], signals.Stop);
            if (options.Stay)
            {
                var log = options.Log is { } grows ? new LogWatch(grows, options.Data, host.Services.GetRequiredService<AlertSources>(), clock) : null;
                await StayAsync(watch, client, log, signals.Stop);
            }
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            screen.Say("Stopping: what is at work is brought to a point from which it goes on.");
        }

        await host.StopAsync(CancellationToken.None);
        return await ReportAsync(client, watch, data, care, score, models.Configuration, clock.GetElapsedTime(begun), signals);
    }

    private static async Task StartRequestsAsync(RunWatch watch, RunClient client, IEnumerable<CareRequest> requests, CancellationToken stop)
    {
        await watch.StartAsync(client, requests, stop);
        await watch.UntilSettledAsync(stop);
    }

    /// <summary>
    /// An alert is judged by the data it came with. Runs that have not yet asked their sources, and whose alerts (or requests) are not in this folder, would be
    /// judged by another site's logs. One that is to be canceled is judged by nobody: it is let in, so that it can end.
    /// </summary>
    private static async Task<List<RunRow>> ForeignRunsAsync(SqliteRunStore store, AlertData data, CareData? care)
    {
        var foreign = await OpenAsync(AlertResponse.WorkflowName, [nameof(AlertState.Triage), nameof(AlertState.Investigate)], data.Alerts.Select(alert => alert.Id));
        if (care is not null)
        {
            foreign.AddRange(await OpenAsync(CustomerCare.WorkflowName, [nameof(CareState.Look)], care.Requests.Select(request => request.Id)));
        }

        return foreign;

        async Task<List<RunRow>> OpenAsync(string workflow, string[] states, IEnumerable<string> ids)
        {
            var known = ids.ToHashSet(StringComparer.Ordinal);
            var open = new List<RunRow>();
            foreach (var state in states)
            {
                var query = new RunQuery { Workflow = workflow, State = state, Statuses = [RunStatus.Pending, RunStatus.Running, RunStatus.Waiting, RunStatus.Held], Limit = 10_000 };
                open.AddRange((await store.ListAsync(query, CancellationToken.None)).Select(head => head.Row).Where(row => !row.CancelRequested && !known.Contains(NameOf(row))));
            }

            return open;
        }
    }

    /// <summary>What is said about them: which they are, and what ends each of them if they are not wanted.</summary>
    private IEnumerable<string> ForeignRuns(List<RunRow> foreign)
    {
        yield return TerminalText.Escape(
            $"{options.Store} holds {foreign.Count} unfinished {(foreign.Count == 1 ? "alert that is" : "alerts that are")} not in {options.FolderName} ({string.Join(", ", foreign.Take(3).Select(NameOf))}{(foreign.Count > 3 ? ", ..." : "")}), "
            + $"and {(foreign.Count == 1 ? "it" : "they")} must not be judged by its logs. Nothing was done. Go on with the folder they came from, or give this one a store of its own: --store FILE");
        yield return foreign.Count == 1 ? "Or end it, and start again:" : "Or end each of them, and start again:";
        foreach (var command in NextCommands.Ending(options, foreign.Take(ForeignCommandsMax)))
        {
            yield return $"  {command}";
        }

        if (foreign.Count > ForeignCommandsMax)
        {
            yield return $"  and {foreign.Count - ForeignCommandsMax} more; start again to see them";
        }
    }

    private static string NameOf(RunRow row) => row.Key ?? row.Run.Value;

    private IHost BuildHost(AlertData data, CareData? care, AnalystModels models, NftFirewall? firewall, SqliteRunStore store, ILoggerProvider logs)
    {
        IHostApplicationBuilder builder = _server is null ? Host.CreateEmptyApplicationBuilder(null) : _server.CreateBuilder();
        builder.Logging.AddProvider(logs);
        builder.Services
            .AddSingleton<IHostLifetime, NoLifetime>()
            .AddSingleton(clock)
            .AddSingleton(new AlertSources(data, clock, options.Slow))
            .AddSingleton(new DenyListFile(options.DenyList, clock))
            .AddSingleton(new DisabledAccountsFile(options.DisabledAccounts, clock))
            .AddSingleton(new SecondLook(options.DenyList, options.DisabledAccounts, firewall is null ? null : new NftSecondLook(_nft).AtAsync));
        if (firewall is not null)
        {
            builder.Services.AddSingleton(firewall);
        }

        builder.Services.AddSignalbox(signalbox =>
        {
            var howToAnswer = HowToAnswer();
            var leaks = options.Leaks.Count > 0 ? new Leaks(options.Leaks) : null;
            signalbox.UseSqlite(store).AddAlertResponse(models, howToAnswer).AddActionRules(data, howToAnswer);
            _ = firewall is null ? signalbox.AddListActions(leaks) : signalbox.AddFirewallActions(leaks);
            _ = care is null ? signalbox : signalbox.AddCustomerCare(care, models, howToAnswer, isNft: firewall is not null);
        });
        return builder is WebApplicationBuilder web ? DeskServer.Build(web) : ((HostApplicationBuilder)builder).Build();
    }

    private ResponseOptions HowToAnswer()
    {
        var defaults = new ResponseOptions();
        return defaults with { TurnsMax = defaults.TurnsMax + options.Models.Offline.Calls, Budget = options.Budget, BlocksAnHour = options.BlocksAnHour };
    }

    private async Task StayAsync(RunWatch watch, RunClient client, LogWatch? log, CancellationToken stop)
    {
        await TryWriteDecisionsAsync(await DecidedAsync(client, watch, CancellationToken.None));
        screen.Say(TerminalText.Escape($"{watch.Progress}. Staying: answers are carried out as they come{(log is null ? "" : $", and {options.Log} is followed")}; {(options.Serve is null ? "" : $"questions to people are at /approvals of the dashboard; ")}Ctrl-C ends."));
        await foreach (var run in watch.SettlingAsync(LookAtLogAsync, stop))
        {
            if ((await DecidedAsync(client, watch, stop)).FirstOrDefault(alert => alert.Run == run.Value) is { } alert)
            {
                screen.Say(TerminalText.Escape(alert.WaitsFor is { } whom ? $"{alert.Id}: waits for {whom}" : $"{alert.Id}: {alert.Decision.InText()}, decided by {alert.DecidedBy}"));
            }
            else if ((await RequestsAsync(client, watch, stop)).FirstOrDefault(request => request.Run == run.Value) is { } request)
            {
                screen.Say(TerminalText.Escape($"{request.Id}: {(request.WaitsFor is { } whom ? $"waits for {whom}" : request.IsLetIn ? "let in" : "left")}"));
            }
        }

        async Task LookAtLogAsync(CancellationToken cancellationToken)
        {
            var known = watch.Runs.Select(run => run.Alert.Id).ToHashSet(StringComparer.Ordinal);
            if (log is not null && await log.LookAsync(known, cancellationToken) is { Count: > 0 } raised)
            {
                raised.ToList().ForEach(alert => screen.Say(TerminalText.Escape($"{alert.Id}: raised, {alert.Summary}")));
                await watch.StartAsync(client, raised, cancellationToken);
            }
        }
    }

    private async Task<int> ReportAsync(RunClient client, RunWatch watch, AlertData data, CareData? care, Score? score, string who, TimeSpan took, StopSignals signals)
    {
        var decided = await DecidedAsync(client, watch, CancellationToken.None);
        var isWritten = await TryWriteDecisionsAsync(decided);
        IReadOnlyList<Fault> faults = [.. data.Faults, .. care?.Faults ?? []];
        NameFaultsThatTheSummaryLeavesOut(faults);

        var figures = await AgentFigures.ReadAsync(client.Store, [.. watch.Runs.Select(run => run.Run), .. watch.Requests.Select(run => run.Run)], CancellationToken.None);
        var summary = care is null ? CareSummary.None : await CareAsync(client, watch, care);
        var left = data.Alerts.Count - decided.Count;
        screen.Say("");
        Console.Out.Write(Summary.Format(decided, figures, faults, took, NextCommands.After(options, decided, left, summary), left, summary));
        if (score is not null)
        {
            score.Faults.ToList().ForEach(fault => screen.Warn(TerminalText.Escape(fault)));
            isWritten &= await MeasureAsync(score, client, watch, who, left);
        }

        return !isWritten ? ExitCodes.CannotWork
            : left + summary.Left > 0 && signals.ExitCode is { } exitCode ? exitCode
            : decided.Select(alert => alert.WaitsFor).Concat(summary.Requests.Select(request => request.WaitsFor)).Contains(DecidedAlert.AnOperator) ? ExitCodes.RunsNeedAnOperator
            : faults.Count > 0 || score?.Faults.Count > 0 ? ExitCodes.BadInput
            : ExitCodes.AllHandled;
    }

    private async Task<IReadOnlyList<DecidedAlert>> DecidedAsync(RunClient client, RunWatch watch, CancellationToken cancellationToken)
    {
        var decided = new List<DecidedAlert>();
        foreach (var (alert, run) in watch.Runs)
        {
            var head = (await client.Store.FindAsync(run, cancellationToken))!;
            if (head.IsSettled)
            {
                decided.Add(DecidedAlert.Of(alert, head.Row, await CaseAsync<AlertCase>(client, run, cancellationToken) ?? new AlertCase(alert), await AskedAsync(client, head, cancellationToken)));
            }
        }

        return decided;
    }

    private static async Task<CareSummary> CareAsync(RunClient client, RunWatch watch, CareData care)
    {
        var requests = await RequestsAsync(client, watch, CancellationToken.None);
        var runs = watch.Runs.Select(run => (run.Run, run.Alert.Id)).Concat(watch.Requests.Select(run => (run.Run, run.Request.Id))).ToDictionary();
        return new(requests, care.Requests.Count - requests.Count, await OppositeWishes.ReadAsync(client.Store, runs, CancellationToken.None));
    }

    private static async Task<IReadOnlyList<HandledRequest>> RequestsAsync(RunClient client, RunWatch watch, CancellationToken cancellationToken)
    {
        var handled = new List<HandledRequest>();
        foreach (var (request, run) in watch.Requests)
        {
            var head = (await client.Store.FindAsync(run, cancellationToken))!;
            if (head.IsSettled)
            {
                handled.Add(HandledRequest.Of(request, head.Row, await CaseAsync<CareCase>(client, run, cancellationToken) ?? new CareCase(request), await AskedAsync(client, head, cancellationToken)));
            }
        }

        return handled;
    }

    /// <summary>What a run asks; null if it asks nothing.</summary>
    private static async Task<ApprovalRequested?> AskedAsync(RunClient client, RunHead head, CancellationToken cancellationToken) =>
        head.Row.Status == RunStatus.Waiting && head.Waits.FirstOrDefault(wait => wait.Kind == WaitKind.Approval) is { } wait
            ? Body.Read<ApprovalRequested>((await client.Store.ReadAsync(head.Row.Run, wait.Seq, 1, cancellationToken))[0])
            : null;

    /// <summary>The run's case; null where the record of it is damaged. Such a run is held, and says so itself.</summary>
    private static async Task<TCase?> CaseAsync<TCase>(RunClient client, RunId run, CancellationToken cancellationToken)
        where TCase : class
    {
        try
        {
            return await client.GetCaseAsync<TCase>(run, cancellationToken);
        }
        catch (Exception e) when (e is JournalDamagedException or JsonException)
        {
            return null;
        }
    }

    private async Task<bool> TryWriteDecisionsAsync(IReadOnlyList<DecidedAlert> decided)
    {
        try
        {
            if (options.Decisions is { } file)
            {
                await DecisionsFile.WriteAsync(file, decided, CancellationToken.None);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            screen.Warn(TerminalText.Escape($"The decisions could not be written to {options.Decisions}: {e.Message} They are safe in {options.Store}; run the command again with another --decisions FILE."));
            return false;
        }
    }

    /// <summary>False if the report could not be written.</summary>
    private async Task<bool> MeasureAsync(Score score, RunClient client, RunWatch watch, string who, int left)
    {
        if (left > 0)
        {
            // Unfinished is not failed, and an earlier report is worth more than half of a new one.
            screen.Say($"\nNot measured, and no report written: {left} of the alerts are not finished.");
            return true;
        }

        var report = await score.OfAsync(client, watch.Runs, who, CancellationToken.None);
        Console.Out.Write(score.Table(report));
        try
        {
            await score.WriteAsync(report, CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            screen.Warn(TerminalText.Escape($"The report could not be written to {options.Score.Report}: {e.Message} Run the command again with another --report FILE; nothing is decided anew."));
            return false;
        }
    }

    private void NameFaultsThatTheSummaryLeavesOut(IEnumerable<Fault> faults)
    {
        foreach (var fault in faults.GroupBy(fault => fault.File).SelectMany(file => file.Skip(Summary.FaultsPerFileMax)))
        {
            screen.Warn(fault.ToString());
        }
    }

    /// <summary>The desk takes the signals itself, and the host says nothing.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
