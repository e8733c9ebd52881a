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
        var filters = new RunFilterOptions();
        var asks = new Option<bool>("--asks") { Description = "Only runs that wait for a person's answer; shows the question." };
        var limit = new Option<int>("--limit") { Description = "How many at most.", HelpName = "N", DefaultValueFactory = _ => 50 };
        var command = new Command("runs", "Lists runs, the newest first.") { asks, limit };
        filters.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var query = filters.Read(parsed, context.Surface.Clock.GetUtcNow()) with { AsksAPerson = parsed.GetValue(asks), Limit = RunFilters.Limit(parsed.GetValue(limit)) };
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            query = await filters.AfterAsync(query, parsed, store, cancellationToken);
            await ListAsync(context, store, query, context.WantsJson(parsed), cancellationToken);
        });
        return command;
    }

    private static async Task ListAsync(CommandContext context, OpenStore store, RunQuery query, bool wantsJson, CancellationToken cancellationToken)
    {
        var runs = await store.Queries.RunsAsync(query with { Limit = Math.Min(query.Limit + 1, RunFilters.LimitMax) }, cancellationToken);
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
        var withCost = runs.Any(r => r.Row.Spent.Micros > 0);
        var table = new Table([new("RUN"), new("WORKFLOW", 12), new("STATE", 8), new("STATUS", 16), new("AGE"), .. withCost ? new Column[] { new("COST") } : [], new("KEY, LABELS", 11)]);
        foreach (var head in runs)
        {
            var row = head.Row;
            table.Add(
            [
                row.Run.Value,
                string.Create(CultureInfo.InvariantCulture, $"{row.Workflow} v{row.Version}"),
                row.State,
                new Piece(RunWords.Status(head), RunWords.ToneOf(row.Status)),
                Words.Age(context.Page.Now - row.StartedAt),
                .. withCost ? new Piece[] { row.Spent.Micros > 0 ? Words.Money(row.Spent.Micros) : "" } : [],
                new Piece(string.Join(' ', new[] { row.Key ?? "", RunWords.Labels(row) }.Where(t => t.Length > 0)), Tone.Dim),
            ]);
            if (withQuestions)
            {
                table.Note(string.Join("; ", (await OpenQuestion.OfAsync(store.Queries, head, cancellationToken)).Select(q => q.Summary)));
            }
        }

        table.Write(context.Page);
    }
}
