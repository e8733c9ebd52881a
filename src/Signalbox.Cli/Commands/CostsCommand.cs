using System.CommandLine;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox costs</c>: what agents have used up, from the entries themselves.</summary>
internal static class CostsCommand
{
    public static Command Create(CommandContext context)
    {
        var filters = new RunFilterOptions();
        var byRun = new Option<bool>("--by-run") { Description = "For each run on its own too." };
        var limit = new Option<int>("--limit") { Description = "How many runs at most, the newest ones.", HelpName = "N", DefaultValueFactory = _ => RunFilters.LimitMax };
        var command = new Command("costs", "Sums up what agents have used up in runs: money, calls, tokens and rejections, by agent, tier and model.") { byRun, limit };
        filters.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (wantsRuns, most, wantsJson) = (parsed.GetValue(byRun), RunFilters.Limit(parsed.GetValue(limit)), context.WantsJson(parsed));
            var query = filters.Read(parsed, context.Surface.Clock.GetUtcNow());
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            query = await filters.AfterAsync(query, parsed, store, cancellationToken);
            await SumAsync(context, store, query, most, wantsRuns, wantsJson, cancellationToken);
        });
        return command;
    }

    private static async Task SumAsync(CommandContext context, OpenStore store, RunQuery query, int limit, bool byRun, bool wantsJson, CancellationToken cancellationToken)
    {
        IReadOnlyList<CostView> all = [];
        var table = new Table([.. byRun ? new Column[] { new("RUN", 12) } : [], .. Columns()]);
        using var progress = new Progress(context.Error, context.Surface.ShowsProgress);
        var (runs, spending) = (0, 0);
        RunHead? last = null;
        await foreach (var head in store.Queries.EveryAsync(query, cancellationToken))
        {
            if (runs == limit)
            {
                progress.Clear();
                context.Error.WriteLine(TerminalText.Encode($"There are more. The next ones: the same command with --after {last!.Row.Run}"));
                break;
            }

            (runs, last) = (runs + 1, head);
            if (head.Row.Spent == Spending.None)
            {
                continue; // its row says so, and `check` says whether the row is right
            }

            spending++;
            progress.Show($"{Words.Number(runs)} runs read");
            var own = await store.Queries.CostsAsync(head.Row.Run, cancellationToken);
            all = RunQueries.Sum([.. all, .. own]);
            foreach (var cost in byRun ? own : [])
            {
                Add(context, table, head.Row.Run.Value, cost, byRun, wantsJson);
            }
        }

        progress.Clear();
        Finish(context, store, table, all, (runs, spending), byRun, wantsJson);
    }

    private static void Finish(CommandContext context, OpenStore store, Table table, IReadOnlyList<CostView> all, (int All, int Spending) runs, bool byRun, bool wantsJson)
    {
        var total = all.Aggregate(Spending.None, (sum, c) => sum + c.Spent);
        foreach (var cost in byRun && !wantsJson ? [] : all)
        {
            Add(context, table, null, cost, byRun: false, wantsJson);
        }

        if (wantsJson)
        {
            JsonOutput.Line(context.Output, json =>
            {
                json.WriteStartObject();
                json.WriteNumber("runs", runs.All);
                json.WriteNumber("runsWithAgents", runs.Spending);
                RunJson.Members(json, total);
                json.WriteEndObject();
            });
        }
        else if (runs.All == 0)
        {
            context.Error.WriteLine(TerminalText.Encode($"The store '{store.Path}' has no such run."));
        }
        else
        {
            if (runs.Spending > 0)
            {
                table.Write(context.Page);
                context.Page.Line();
            }

            context.Page.Line(new Piece($"{Words.Count(runs.All, "run")}, {Words.Number(runs.Spending)} of them with agents: {(runs.Spending == 0 ? "nothing was used up" : AgentWords.Spent(total))}", Tone.Strong));
        }
    }

    private static void Add(CommandContext context, Table table, string? run, CostView cost, bool byRun, bool wantsJson)
    {
        if (wantsJson)
        {
            JsonOutput.Line(context.Output, json => Write(json, run, cost));
            return;
        }

        table.Add(
        [
            .. byRun ? new Piece[] { run ?? "" } : [],
            .. Cells(cost),
        ]);
    }

    /// <summary>A row of a table under <see cref="Columns"/>.</summary>
    public static Piece[] Cells(CostView cost) =>
    [
        cost.Agent,
        cost.Tier,
        cost.Model,
        cost.Spent.Micros > 0 ? Words.Money(cost.Spent.Micros) : "",
        Words.Number(cost.Spent.Calls),
        Words.Number(cost.Spent.InputTokens),
        Words.Number(cost.Spent.OutputTokens),
        Words.Number(cost.Spent.Rejections),
        Words.Microseconds(cost.Spent.Microseconds),
    ];

    public static Column[] Columns() => [new("AGENT", 8), new("TIER", 6), new("MODEL", 10), new("COST"), new("CALLS"), new("IN"), new("OUT"), new("REJECTED"), new("AT WORK")];

    public static void Write(Utf8JsonWriter json, string? run, CostView cost)
    {
        json.WriteStartObject();
        json.OptionalText("run", run);
        json.WriteString("agent", cost.Agent);
        json.WriteString("tier", cost.Tier);
        json.WriteString("model", cost.Model);
        RunJson.Members(json, cost.Spent);
        json.WriteEndObject();
    }
}
