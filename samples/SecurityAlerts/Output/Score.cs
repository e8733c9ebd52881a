using System.Text;
using System.Text.Json;
using Signalbox;

namespace SecurityAlerts;

/// <summary>Where the truth about the alerts stands, and what is to be made of it; nothing without a truth.</summary>
internal sealed record ScoreOptions(string? Truth, string? Report, string? Compare)
{
    public IEnumerable<string> Contradictions => Truth is null && (Report ?? Compare) is not null
        ? ["--report and --compare say how good the decisions are, and need to know what is right: --truth FILE."]
        : [];
}

/// <summary>How good the decisions are: each alert's beside what would have been right.</summary>
internal sealed class Score
{
    private readonly ScoreOptions _options;
    private readonly Dictionary<string, Truth> _truths;
    private readonly EvaluationReport? _earlier;

    private Score(ScoreOptions options, Dictionary<string, Truth> truths, IReadOnlyList<string> faults, EvaluationReport? earlier)
    {
        _options = options;
        _truths = truths;
        Faults = faults;
        _earlier = earlier;
    }

    /// <summary>Lines of the truth that could not be used, with file and line.</summary>
    public IReadOnlyList<string> Faults { get; }

    /// <summary>Reads what was named, before anything is begun; null where nothing was.</summary>
    /// <exception cref="IOException">A file cannot be read, or is no earlier report. The message names it.</exception>
    public static async Task<Score?> ReadAsync(ScoreOptions options, IEnumerable<Alert> alerts, CancellationToken cancellationToken)
    {
        if (options.Truth is not { } file)
        {
            return null;
        }

        using var reader = new StreamReader(file);
        var form = new TruthForm
        {
            Ids = alerts.Select(alert => alert.Id).ToHashSet(StringComparer.Ordinal),
            Kinds = [.. Enum.GetValues<Decision>().Select(decision => decision.InText())],
        };
        var truths = await EvaluationData.ReadTruthAsync(reader, file, form, cancellationToken);
        return new Score(
            options,
            truths.Items.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal),
            [.. truths.Faults.Select(f => f.ToString())],
            options.Compare is { } earlier ? await ReadReportAsync(earlier, cancellationToken) : null);
    }

    /// <summary>Judges the alerts' runs.</summary>
    public Task<EvaluationReport> OfAsync(RunClient client, IEnumerable<(Alert Alert, RunId Run)> runs, string configuration, CancellationToken cancellationToken)
    {
        var evaluation = new Evaluation<AlertCase>(AlertResponse.WorkflowName)
        {
            Agent = Analyst.Name,
            Person = Decision.Escalate.InText(),
            Outcome = run => run.Case.Verdict is { } verdict ? new EvaluatedOutcome(verdict.Decision.InText()) : EvaluatedOutcome.Escalated,
        };
        return evaluation.ReadAsync(client, [.. runs.Select(r => new FinishedCase(r.Alert.Id, r.Run, _truths.GetValueOrDefault(r.Alert.Id)))], configuration, cancellationToken);
    }

    /// <summary>The table, and the comparison where one was asked for.</summary>
    public string Table(EvaluationReport report)
    {
        var table = "\n" + EvaluationTable.Format(report);
        return _earlier is null ? table : table + "\n" + EvaluationTable.Format(EvaluationReport.Compare(_earlier, report));
    }

    /// <summary>Writes the report where that was asked for.</summary>
    public Task WriteAsync(EvaluationReport report, CancellationToken cancellationToken) =>
        _options.Report is { } file ? DurableFile.ReplaceAsync(file, Encoding.UTF8.GetBytes(report.ToJson()), cancellationToken) : Task.CompletedTask;

    private static async Task<EvaluationReport> ReadReportAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return EvaluationReport.FromJson(await File.ReadAllTextAsync(file, cancellationToken));
        }
        catch (JsonException e)
        {
            throw new IOException($"{file} is no report that --report wrote: {e.Message}", e);
        }
    }
}
