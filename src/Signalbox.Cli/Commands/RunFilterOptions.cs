using System.CommandLine;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary>The options by which every command that takes many runs picks them.</summary>
internal sealed class RunFilterOptions
{
    private readonly Option<string?> _workflow = new("--workflow") { Description = "Only runs of this workflow.", HelpName = "NAME" };
    private readonly Option<string[]> _status = new("--status") { Description = "Only runs with one of these statuses; may be given several times.", HelpName = "STATUS", DefaultValueFactory = _ => [] };
    private readonly Option<string?> _state = new("--state") { Description = "Only runs in this state.", HelpName = "STATE" };
    private readonly Option<string[]> _label = new("--label") { Description = "Only runs with this label; may be given several times.", HelpName = "NAME=VALUE", DefaultValueFactory = _ => [] };
    private readonly Option<string?> _since = new("--since") { Description = "Only runs started at this time or later: a time (UTC), or how long ago, such as 2h.", HelpName = "TIME" };
    private readonly Option<string?> _until = new("--until") { Description = "Only runs started before this time.", HelpName = "TIME" };
    private readonly Option<string?> _changedSince = new("--changed-since") { Description = "Only runs whose state or status changed at this time or later.", HelpName = "TIME" };
    private readonly Option<decimal?> _costMin = new("--cost-min") { Description = "Only runs whose agents have used up at least so much money, such as 0.05.", HelpName = "MONEY" };
    private readonly Option<string?> _after = new("--after") { Description = "Go on after this run of an earlier list.", HelpName = "RUN" };

    public RunFilterOptions() => _status.CompletionSources.Add(Enum.GetNames<RunStatus>());

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _workflow, _status, _state, _label, _since, _until, _changedSince, _costMin, _after })
        {
            command.Add(option);
        }
    }

    public RunQuery Read(ParseResult parsed, DateTimeOffset now) => new()
    {
        Workflow = parsed.GetValue(_workflow),
        Statuses = RunFilters.Statuses(parsed.GetValue(_status)!),
        State = parsed.GetValue(_state),
        Labels = RunFilters.Labels(parsed.GetValue(_label)!),
        Since = RunFilters.Time("--since", parsed.GetValue(_since), now),
        Until = RunFilters.Time("--until", parsed.GetValue(_until), now),
        ChangedSince = RunFilters.Time("--changed-since", parsed.GetValue(_changedSince), now),
        MicrosMin = RunFilters.Micros("--cost-min", parsed.GetValue(_costMin)),
    };

    /// <summary>The query from where an earlier list ended.</summary>
    public async Task<RunQuery> AfterAsync(RunQuery query, ParseResult parsed, OpenStore store, CancellationToken cancellationToken) =>
        parsed.GetValue(_after) is { } last ? query with { After = (await RunFinder.GetAsync(store, last, cancellationToken)).Row.Run } : query;
}
