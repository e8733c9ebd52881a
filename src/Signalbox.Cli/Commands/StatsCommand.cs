using System.CommandLine;
using System.Globalization;
using Signalbox.CommandLine.Rendering;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox stats</c>: what runs came to in a stretch of time.</summary>
internal static class StatsCommand
{
    private const int BarWidth = 24;

    public static Command Create(CommandContext context)
    {
        var workflow = new Option<string?>("--workflow") { Description = "Only runs of this workflow.", HelpName = "NAME" };
        var since = new Option<string?>("--since") { Description = "Only what happened at this time or later: a time (UTC), or how long ago, such as 24h.", HelpName = "TIME" };
        var until = new Option<string?>("--until") { Description = "Only what happened before this time.", HelpName = "TIME" };
        var command = new Command("stats", "Sums up what runs came to: decisions by tier, autonomy, escalations, actions, cost, latencies, and how reliable confidence was.") { workflow, since, until };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var now = context.Surface.Clock.GetUtcNow();
            var query = new StatisticsQuery
            {
                Workflow = parsed.GetValue(workflow),
                Since = RunFilters.Time("--since", parsed.GetValue(since), now),
                Until = RunFilters.Time("--until", parsed.GetValue(until), now),
            };
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            await using var index = store.OpenIndex();
            var isThere = await IsUpToDateAsync(context, index, cancellationToken);
            var statistics = await new RunQueries(store.Reader, context.Surface.Clock, isThere ? index : null).StatisticsAsync(query, cancellationToken);
            if (context.WantsJson(parsed))
            {
                JsonOutput.Line(context.Output, json => StatsJson.Write(json, statistics));
            }
            else
            {
                Write(context.Page, statistics, query.Workflow);
            }
        });
        return command;
    }

    /// <summary>Whether the index can be asked: this command feeds it where nobody else does. Where it cannot be fed, the log is read instead, which takes longer and says the same.</summary>
    private static async Task<bool> IsUpToDateAsync(CommandContext context, SqliteIndex index, CancellationToken cancellationToken)
    {
        using var progress = new Progress(context.Error, context.Surface.ShowsProgress);
        try
        {
            await index.CatchUpAsync(anew: false, position => progress.Show($"indexing: {Words.Number(position)} entries"), cancellationToken);
            return await index.StatusAsync(cancellationToken) is { Trouble: null } status && (status.Lag == 0 || status.IsFed);
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    private static void Write(Page page, Statistics statistics, string? workflow)
    {
        page.Line(new Piece($"{Words.Time(statistics.Since)} to {Words.Time(statistics.Until)}", Tone.Strong), new Piece($"  {workflow ?? "all workflows"}, up to entry {Words.Number(statistics.UpTo)}", Tone.Dim));
        page.Line();
        var ended = statistics.Ended.Values.Sum();
        page.Field("runs", Words.Count(statistics.Started, "run") + " started, " + (ended == 0 ? "none ended" : $"{Words.Number(ended)} ended: {string.Join(", ", statistics.Ended.OrderBy(e => e.Key).Select(e => $"{Words.Number(e.Value)} {e.Key}"))}"));
        if (statistics.Autonomy is { } autonomy)
        {
            page.Field("autonomy", $"{Bar.OfShare(autonomy, BarWidth)}  {Percent(autonomy)} of the ended runs, without a person asked");
        }

        Tiers(page, statistics.Tiers);
        Counts(page, "Escalations", "REASON", statistics.Escalations);
        Counts(page, "Rejected tool calls", "CODE", statistics.Rejections);
        Counts(page, "Failed steps", "CODE", statistics.Failures);
        Counts(page, "Actions", "OUTCOME", statistics.Actions);
        Costs(page, statistics.Costs);
        Latencies(page, statistics.Latencies);
        foreach (var tier in statistics.Reliability is [_, var only] ? [only] : statistics.Reliability) // of one tier alone, 'all' says the same
        {
            Reliability(page, tier);
        }
    }

    private static void Tiers(Page page, IReadOnlyList<TierCount> tiers)
    {
        var table = new Table(new("TIER", 6), new("ANSWERS"), new("STOOD"), new("CLIMBED"), new("", 1));
        foreach (var tier in tiers)
        {
            table.Add(tier.Tier, Words.Number(tier.Answers), Words.Number(tier.Stood), Words.Number(tier.Climbed), Bar.Of(tier.Stood, tiers.Max(t => t.Stood), BarWidth));
        }

        Section(page, "Decisions by tier (bar: stood)", table, tiers.Count);
    }

    private static void Counts(Page page, string title, string column, IReadOnlyList<NamedCount> counts)
    {
        var table = new Table(new(column, 8), new("COUNT"), new("", 1));
        foreach (var count in counts)
        {
            table.Add(count.Name, Words.Number(count.Count), Bar.Of(count.Count, counts[0].Count, BarWidth));
        }

        Section(page, title, table, counts.Count);
    }

    private static void Costs(Page page, IReadOnlyList<CostView> costs)
    {
        var table = new Table(new("AGENT", 8), new("TIER", 6), new("MODEL", 10), new("COST"), new("CALLS"), new("IN"), new("OUT"), new("REJECTED"), new("AT WORK"));
        foreach (var (agent, tier, model, spent) in costs)
        {
            table.Add(
                agent, tier, model, spent.Micros > 0 ? Words.Money(spent.Micros) : "", Words.Number(spent.Calls), Words.Number(spent.InputTokens), Words.Number(spent.OutputTokens), Words.Number(spent.Rejections),
                Words.Microseconds(spent.Microseconds));
        }

        Section(page, $"Cost: {Words.Money(costs.Sum(c => c.Spent.Micros))}", table, costs.Count);
    }

    private static void Latencies(Page page, IReadOnlyList<Latency> latencies)
    {
        var table = new Table(new("WHAT", 12), new("COUNT"), new("MEDIAN"), new("P95"), new("MAX"));
        foreach (var (name, count, median, p95, max) in latencies)
        {
            table.Add(name, Words.Number(count), Words.Microseconds(median), Words.Microseconds(p95), Words.Microseconds(max));
        }

        Section(page, "Latencies", table, latencies.Count);
    }

    private static void Reliability(Page page, TierReliability tier)
    {
        var figures = tier.Reliability;
        var table = new Table(new("CONFIDENCE"), new("COUNT"), new("SAID"), new("RIGHT"), new("", 1));
        foreach (var bin in figures.Bins.Where(b => b.Count > 0))
        {
            table.Add(
                string.Create(CultureInfo.InvariantCulture, $"{bin.From:0.0} to {bin.To:0.0}"), Words.Number(bin.Count), Percent(bin.MeanConfidence!.Value), Percent(bin.ShareRight!.Value), Bar.OfShare(bin.ShareRight!.Value, BarWidth));
        }

        Section(
            page,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Reliability, {tier.Tier}: {Words.Count(figures.Count, "decision")} with a known outcome, {Percent(figures.ShareRight!.Value)} right, calibration error {figures.ExpectedCalibrationError:0.000}, Brier {figures.BrierScore:0.000}"),
            table, figures.Count);
    }

    private static void Section(Page page, string title, Table table, int rows)
    {
        if (rows > 0)
        {
            page.Line();
            page.Line(new Piece(title, Tone.Strong));
            table.Write(page);
        }
    }

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.#} %");
}
