using System.CommandLine;
using System.Text.Json;
using Signalbox.CommandLine.Costs;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
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
        var all = new CostFold();
        var table = new Table([.. byRun ? new Column[] { new("RUN", 12) } : [], new("AGENT", 8), new("TIER", 6), new("MODEL", 10), new("COST"), new("CALLS"), new("IN"), new("OUT"), new("REJECTED"), new("AT WORK")]);
        using var progress = new Progress(context.Error, context.Surface.ShowsProgress);
        var (runs, spending) = (0, 0);
        RunHead? last = null;
        await foreach (var head in EntryPages.OfRunsAsync(store.Reader, query, cancellationToken))
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
            var own = byRun ? new CostFold() : null;
            all.BeginRun();
            await foreach (var entry in EntryPages.OfRunAsync(store.Reader, head.Row.Run, head.Seq, cancellationToken))
            {
                all.Add(entry);
                own?.Add(entry);
            }

            foreach (var (spender, spent) in own?.Sums ?? [])
            {
                Add(context, table, head.Row.Run.Value, spender, spent, byRun, wantsJson);
            }
        }

        progress.Clear();
        Finish(context, store, table, all, (runs, spending), byRun, wantsJson);
    }

    private static void Finish(CommandContext context, OpenStore store, Table table, CostFold all, (int All, int Spending) runs, bool byRun, bool wantsJson)
    {
        foreach (var (spender, spent) in byRun && !wantsJson ? [] : all.Sums)
        {
            Add(context, table, null, spender, spent, byRun: false, wantsJson);
        }

        if (wantsJson)
        {
            JsonOutput.Line(context.Output, json =>
            {
                json.WriteStartObject();
                json.WriteNumber("runs", runs.All);
                json.WriteNumber("runsWithAgents", runs.Spending);
                RunJson.Members(json, all.Total);
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

            context.Page.Line(new Piece($"{Words.Count(runs.All, "run")}, {Words.Number(runs.Spending)} of them with agents: {(runs.Spending == 0 ? "nothing was used up" : AgentWords.Spent(all.Total))}", Tone.Strong));
        }
    }

    private static void Add(CommandContext context, Table table, string? run, Spender spender, Spending spent, bool byRun, bool wantsJson)
    {
        if (wantsJson)
        {
            JsonOutput.Line(context.Output, json => Write(json, run, spender, spent));
            return;
        }

        table.Add(
        [
            .. byRun ? new Piece[] { run ?? "" } : [],
            spender.Agent,
            spender.Tier,
            spender.Model,
            spent.Micros > 0 ? Words.Money(spent.Micros) : "",
            Words.Number(spent.Calls),
            Words.Number(spent.InputTokens),
            Words.Number(spent.OutputTokens),
            Words.Number(spent.Rejections),
            Words.Microseconds(spent.Microseconds),
        ]);
    }

    private static void Write(Utf8JsonWriter json, string? run, Spender spender, Spending spent)
    {
        json.WriteStartObject();
        json.OptionalText("run", run);
        json.WriteString("agent", spender.Agent);
        json.WriteString("tier", spender.Tier);
        json.WriteString("model", spender.Model);
        RunJson.Members(json, spent);
        json.WriteEndObject();
    }
}
