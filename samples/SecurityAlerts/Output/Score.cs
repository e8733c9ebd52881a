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

    /// <summary>Truths about alerts that there are not: a mistyped id must not pass as an alert of which nothing is known.</summary>
    public IEnumerable<string> Strays(IEnumerable<Alert> alerts) =>
        _truths.Keys.Except(alerts.Select(alert => alert.Id), StringComparer.Ordinal).Select(id => $"{_options.Truth}: '{id}' is the id of no alert.");

    /// <summary>Reads what was named, before anything is begun; null where nothing was.</summary>
    /// <exception cref="IOException">A file cannot be read, or is no earlier report. The message names it.</exception>
    public static async Task<Score?> ReadAsync(ScoreOptions options, CancellationToken cancellationToken)
    {
        if (options.Truth is not { } file)
        {
            return null;
        }

        using var reader = new StreamReader(file);
        var truths = await EvaluationData.ReadTruthAsync(reader, file, cancellationToken: cancellationToken);
        return new Score(
            options,
            truths.Items.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal),
            [.. truths.Faults.Select(f => f.ToString())],
            options.Compare is { } earlier ? await ReadReportAsync(earlier, cancellationToken) : null);
    }

    /// <summary>The table for the alerts' runs, after the report is written where that was asked for.</summary>
    public async Task<string> OfAsync(RunClient client, IEnumerable<(Alert Alert, RunId Run)> runs, string configuration, CancellationToken cancellationToken)
    {
        var evaluation = new Evaluation<AlertCase>(AlertResponse.WorkflowName)
        {
            Agent = Analyst.Name,
            Person = Decision.Escalate.InText(),
            Outcome = run => run.Case.Verdict is { } verdict ? new EvaluatedOutcome(verdict.Decision.InText()) : EvaluatedOutcome.Escalated,
        };
        var report = await evaluation.ReadAsync(client, [.. runs.Select(r => new FinishedCase(r.Alert.Id, r.Run, _truths.GetValueOrDefault(r.Alert.Id)))], configuration, cancellationToken);
        if (_options.Report is { } file)
        {
            await DurableFile.ReplaceAsync(file, Encoding.UTF8.GetBytes(report.ToJson()), cancellationToken);
        }

        var table = "\n" + EvaluationTable.Format(report);
        return _earlier is null ? table : table + "\n" + EvaluationTable.Format(EvaluationReport.Compare(_earlier, report));
    }

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
