using System.Text.Json;
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
    private readonly NftCommand _nft = new(options.NetworkNamespace, clock);

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
        var data = await AlertData.ReadAsync(options.Folder, signals.Stop);
        if (!data.CanWork)
        {
            data.Faults.ToList().ForEach(fault => screen.Warn(fault.ToString()));
            return ExitCodes.CannotWork;
        }

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
        if (await ForeignRunsAsync(store, data) is { } foreign)
        {
            screen.Warn(foreign);
            return ExitCodes.CannotWork;
        }

        var host = BuildHost(data, models, firewall, store, logs);
        await using var hostDisposal = (IAsyncDisposable)host;
        await host.StartAsync(signals.Stop);
        var client = host.Services.GetRequiredService<RunClient>();
        using var watch = new RunWatch(store, clock);
        try
        {
            await watch.StartAsync(client, data.Alerts, signals.Stop);
            screen.Say(TerminalText.Escape($"{data.Alerts.Count} alerts in {options.FolderName}: {watch.Started} new, {data.Alerts.Count - watch.Started} known to {options.Store}"));
            await screen.WatchAsync(() => watch.Progress, watch.UntilSettledAsync(signals.Stop));
            if (options.Stay)
            {
                await StayAsync(watch, client, signals.Stop);
            }
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            screen.Say("Stopping: what is at work is brought to a point from which it goes on.");
        }

        await host.StopAsync(CancellationToken.None);
        return await ReportAsync(client, watch, data, score, models.Configuration, clock.GetElapsedTime(begun), signals);
    }

    /// <summary>
    /// An alert is judged by the data it came with. Runs that have not yet asked their sources, and whose alerts are not in this folder, would be
    /// judged by another site's logs.
    /// </summary>
    private async Task<string?> ForeignRunsAsync(SqliteRunStore store, AlertData data)
    {
        var known = data.Alerts.Select(alert => alert.Id).ToHashSet(StringComparer.Ordinal);
        var foreign = new List<string>();
        foreach (var state in new[] { AlertState.Triage, AlertState.Investigate })
        {
            var query = new RunQuery { Workflow = AlertResponse.WorkflowName, State = state.ToString(), Statuses = [RunStatus.Pending, RunStatus.Running, RunStatus.Waiting, RunStatus.Held], Limit = 10_000 };
            foreign.AddRange((await store.ListAsync(query, CancellationToken.None)).Select(head => head.Row.Key ?? head.Row.Run.Value).Where(key => !known.Contains(key)));
        }

        return foreign.Count == 0 ? null : TerminalText.Escape(
            $"{options.Store} holds {foreign.Count} unfinished alerts that are not in {options.FolderName} ({string.Join(", ", foreign.Take(3))}{(foreign.Count > 3 ? ", ..." : "")}), "
            + "and they must not be judged by its logs. Nothing was done. Go on with the folder they came from, or give this one a store of its own: --store FILE");
    }

    private IHost BuildHost(AlertData data, AnalystModels models, NftFirewall? firewall, IRunStore store, ILoggerProvider logs)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
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
            signalbox.UseStore(_ => store).AddAlertResponse(models, HowToAnswer());
            _ = firewall is null ? signalbox.AddListActions() : signalbox.AddFirewallActions();
        });
        return builder.Build();
    }

    private ResponseOptions HowToAnswer()
    {
        var defaults = new ResponseOptions();
        return defaults with { TurnsMax = defaults.TurnsMax + options.Models.Offline.Calls, Budget = options.Budget };
    }

    private async Task StayAsync(RunWatch watch, RunClient client, CancellationToken stop)
    {
        await TryWriteDecisionsAsync(await DecidedAsync(client, watch, CancellationToken.None));
        screen.Say($"{watch.Progress}. Staying: answers are carried out as they come; Ctrl-C ends.");
        await foreach (var run in watch.SettlingAsync(stop))
        {
            if ((await DecidedAsync(client, watch, stop)).FirstOrDefault(alert => alert.Run == run.Value) is { } alert)
            {
                screen.Say(TerminalText.Escape(alert.WaitsFor is { } whom ? $"{alert.Id}: waits for {whom}" : $"{alert.Id}: {alert.Decision.InText()}, decided by {alert.DecidedBy}"));
            }
        }
    }

    private async Task<int> ReportAsync(RunClient client, RunWatch watch, AlertData data, Score? score, string who, TimeSpan took, StopSignals signals)
    {
        var decided = await DecidedAsync(client, watch, CancellationToken.None);
        var isWritten = await TryWriteDecisionsAsync(decided);
        NameFaultsThatTheSummaryLeavesOut(data.Faults);

        var figures = await AgentFigures.ReadAsync(client.Store, watch.Runs.Select(run => run.Run), CancellationToken.None);
        var left = data.Alerts.Count - decided.Count;
        screen.Say("");
        Console.Out.Write(Summary.Format(decided, figures, data.Faults, took, NextCommands.After(options, decided, left), left));
        if (score is not null)
        {
            score.Faults.ToList().ForEach(fault => screen.Warn(TerminalText.Escape(fault)));
            isWritten &= await MeasureAsync(score, client, watch, who, left);
        }

        return !isWritten ? ExitCodes.CannotWork
            : left > 0 && signals.ExitCode is { } exitCode ? exitCode
            : decided.Any(alert => alert.WaitsFor == DecidedAlert.AnOperator) ? ExitCodes.RunsNeedAnOperator
            : data.Faults.Count > 0 || score?.Faults.Count > 0 ? ExitCodes.BadInput
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
                decided.Add(DecidedAlert.Of(alert, head.Row, await CaseAsync(client, run, cancellationToken) ?? new AlertCase(alert)));
            }
        }

        return decided;
    }

    /// <summary>The run's case; null where the record of it is damaged. Such a run is held, and says so itself.</summary>
    private static async Task<AlertCase?> CaseAsync(RunClient client, RunId run, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetCaseAsync<AlertCase>(run, cancellationToken);
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
