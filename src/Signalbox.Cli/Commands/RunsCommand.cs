using System.CommandLine;
using System.Globalization;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox runs</c>: what runs there are, the newest first.</summary>
internal static class RunsCommand
{
    public static Command Create(CommandContext context)
    {
        var workflow = new Option<string?>("--workflow") { Description = "Only runs of this workflow.", HelpName = "NAME" };
        var status = new Option<string[]>("--status") { Description = "Only runs with one of these statuses; may be given several times.", HelpName = "STATUS", DefaultValueFactory = _ => [] };
        status.CompletionSources.Add(Enum.GetNames<RunStatus>());
        var state = new Option<string?>("--state") { Description = "Only runs in this state.", HelpName = "STATE" };
        var label = new Option<string[]>("--label") { Description = "Only runs with this label; may be given several times.", HelpName = "NAME=VALUE", DefaultValueFactory = _ => [] };
        var since = new Option<string?>("--since") { Description = "Only runs started at this time or later: a time (UTC), or how long ago, such as 2h.", HelpName = "TIME" };
        var until = new Option<string?>("--until") { Description = "Only runs started before this time.", HelpName = "TIME" };
        var asks = new Option<bool>("--asks") { Description = "Only runs that wait for a person's answer; shows the question." };
        var limit = new Option<int>("--limit") { Description = "How many at most.", HelpName = "N", DefaultValueFactory = _ => 50 };
        var after = new Option<string?>("--after") { Description = "Go on after this run of an earlier list.", HelpName = "RUN" };
        var command = new Command("runs", "Lists runs, the newest first.") { workflow, status, state, label, since, until, asks, limit, after };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var now = context.Surface.Clock.GetUtcNow();
            var query = new RunQuery
            {
                Workflow = parsed.GetValue(workflow),
                Statuses = RunFilters.Statuses(parsed.GetValue(status)!),
                State = parsed.GetValue(state),
                Labels = RunFilters.Labels(parsed.GetValue(label)!),
                Since = RunFilters.Time("--since", parsed.GetValue(since), now),
                Until = RunFilters.Time("--until", parsed.GetValue(until), now),
                AsksAPerson = parsed.GetValue(asks),
                Limit = RunFilters.Limit(parsed.GetValue(limit)),
            };
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            if (parsed.GetValue(after) is { } last)
            {
                query = query with { After = (await RunFinder.GetAsync(store, last, cancellationToken)).Row.Run };
            }

            await ListAsync(context, store, query, context.WantsJson(parsed), cancellationToken);
        });
        return command;
    }

    private static async Task ListAsync(CommandContext context, OpenStore store, RunQuery query, bool wantsJson, CancellationToken cancellationToken)
    {
        var runs = await store.Reader.ListAsync(query with { Limit = Math.Min(query.Limit + 1, RunFilters.LimitMax) }, cancellationToken);
        var hasMore = runs.Count > query.Limit || runs.Count == RunFilters.LimitMax;
        runs = [.. runs.Take(query.Limit)];
        if (wantsJson)
        {
            foreach (var run in runs)
            {
                JsonOutput.Line(context.Output, json => RunJson.Write(json, run));
            }
        }
        else if (runs.Count > 0)
        {
            await WriteTableAsync(context, store, runs, query.AsksAPerson, cancellationToken);
        }
        else
        {
            context.Error.WriteLine(TerminalText.Encode($"The store '{store.Path}' has no such run."));
        }

        if (hasMore)
        {
            context.Error.WriteLine(TerminalText.Encode($"There are more. The next ones: the same command with --after {runs[^1].Row.Run}"));
        }
    }

    private static async Task WriteTableAsync(CommandContext context, OpenStore store, IReadOnlyList<RunHead> runs, bool withQuestions, CancellationToken cancellationToken)
    {
        var table = new Table(new("RUN"), new("WORKFLOW", 12), new("STATE", 8), new("STATUS", 16), new("AGE"), new("KEY, LABELS", 11));
        foreach (var head in runs)
        {
            var row = head.Row;
            table.Add(
                row.Run.Value,
                string.Create(CultureInfo.InvariantCulture, $"{row.Workflow} v{row.Version}"),
                row.State,
                new Piece(RunWords.Status(head), RunWords.ToneOf(row.Status)),
                Words.Age(context.Page.Now - row.StartedAt),
                new Piece(string.Join(' ', new[] { row.Key ?? "", RunWords.Labels(row) }.Where(t => t.Length > 0)), Tone.Dim));
            if (withQuestions)
            {
                table.Note(string.Join("; ", (await OpenQuestion.OfAsync(store.Reader, head, cancellationToken)).Select(q => q.Summary)));
            }
        }

        table.Write(context.Page);
    }
}
