using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Listing
{
    public static async Task Runs_are_listed_from_the_newest_start_on_page_by_page(StoreHarness harness)
    {
        var runs = new List<RunId>();
        for (var i = 0; i < 23; i++)
        {
            runs.Add(await harness.StartAsync());
            await harness.CommitAsync(runs[0], Step());
        }

        runs.Reverse();
        var listed = new List<RunId>();
        while (await harness.Store.ListAsync(new RunQuery { Limit = 5, After = listed.Count == 0 ? null : listed[^1] }, default) is { Count: > 0 } page)
        {
            Expect.That(page.Count <= 5, $"A page of at most five has {page.Count} runs.");
            listed.AddRange(page.Select(h => h.Row.Run));
        }

        Expect.Sequence(runs, listed, "The runs listed page by page");
    }

    public static async Task After_a_run_that_does_not_exist_nothing_is_listed(StoreHarness harness)
    {
        await harness.StartAsync();
        Expect.Sequence([], await harness.Store.ListAsync(new RunQuery { After = harness.NewRun() }, default), "Listed after a run that the store does not have");
    }

    public static async Task Each_filter_leaves_the_runs_that_match(StoreHarness harness)
    {
        var begin = harness.Clock.GetUtcNow();
        var red = await harness.StartAsync("red", 1, key: "order 1", labels: new Dictionary<string, string> { ["team"] = "a", ["it's"] = "1" });
        harness.Clock.Advance(TimeSpan.FromMinutes(1));
        var blue = await harness.StartAsync("blue", 2, key: "order 1", labels: new Dictionary<string, string> { ["team"] = "b" });
        harness.Clock.Advance(TimeSpan.FromMinutes(1));
        var asks = (await harness.ParkAsync(Ask("block"))).Row.Run;
        var waits = (await harness.ParkAsync(Wait("go", "go"))).Row.Run;
        await harness.CommitAsync(blue, Entered("Elsewhere", 2));
        await harness.CommitAsync(red, Reserved);

        await ListedAsync("all", new RunQuery(), waits, asks, blue, red);
        await ListedAsync("by workflow", new RunQuery { Workflow = "red" }, red);
        await ListedAsync("by version", new RunQuery { Version = 2 }, blue);
        await ListedAsync("by status", new RunQuery { Statuses = [RunStatus.Pending] }, blue, red);
        await ListedAsync("by several statuses", new RunQuery { Statuses = [RunStatus.Waiting, RunStatus.Held] }, waits, asks);
        await ListedAsync("by state", new RunQuery { State = "Elsewhere" }, blue);
        await ListedAsync("by id", new RunQuery { IdPrefix = asks.Value[..12] }, asks);
        await ListedAsync("by an id prefix of none", new RunQuery { IdPrefix = "x-" });
        await ListedAsync("by the prefix of all ids", new RunQuery { IdPrefix = "r-" }, waits, asks, blue, red);
        await ListedAsync("by a key", new RunQuery { Key = "order 1" }, blue, red);
        await ListedAsync("by a key of one workflow", new RunQuery { Key = "order 1", Workflow = "red" }, red);
        await ListedAsync("by the beginning of a key", new RunQuery { Key = "order" });
        await ListedAsync("by label", new RunQuery { Labels = new Dictionary<string, string> { ["team"] = "a" } }, red);
        await ListedAsync("by two labels", new RunQuery { Labels = new Dictionary<string, string> { ["team"] = "a", ["it's"] = "1" } }, red);
        await ListedAsync("by a label with another value", new RunQuery { Labels = new Dictionary<string, string> { ["team"] = "a", ["it's"] = "2" } });
        await ListedAsync("since", new RunQuery { Since = begin.AddMinutes(1) }, waits, asks, blue);
        await ListedAsync("since a little later", new RunQuery { Since = begin.AddMinutes(1).AddTicks(1) }, waits, asks);
        await ListedAsync("until", new RunQuery { Until = begin.AddMinutes(1) }, red);
        await ListedAsync("until a little later", new RunQuery { Until = begin.AddMinutes(1).AddTicks(1) }, blue, red);
        await ListedAsync("that have changed since", new RunQuery { ChangedSince = begin.AddMinutes(2) }, waits, asks, blue);
        await ListedAsync("that have changed since a little later", new RunQuery { ChangedSince = begin.AddMinutes(2).AddTicks(1) });
        await ListedAsync("by what they have cost", new RunQuery { MicrosMin = 3_000 }, red);
        await ListedAsync("by more than any has cost", new RunQuery { MicrosMin = 3_001 });
        await ListedAsync("by a cost that all have", new RunQuery { MicrosMin = 0 }, waits, asks, blue, red);
        await ListedAsync("of another definition", new RunQuery { FingerprintIsNot = Definition.Hash.Value });
        await ListedAsync("of a definition that none has", new RunQuery { FingerprintIsNot = "x" }, waits, asks, blue, red);
        await ListedAsync("that ask a person", new RunQuery { AsksAPerson = true }, asks);
        await ListedAsync("by all at once", new RunQuery { Workflow = Flow, Version = 1, Statuses = [RunStatus.Waiting], State = "Work", AsksAPerson = true, After = waits, Limit = 1 }, asks);

        async Task ListedAsync(string what, RunQuery query, params RunId[] expected)
        {
            var listed = await harness.Store.ListAsync(query, default);
            Expect.Sequence(expected, listed.Select(h => h.Row.Run), $"Runs listed {what}");
            foreach (var head in listed)
            {
                Expect.Same(await harness.HeadAsync(head.Row.Run), head, "A run as it is listed, against how it is found");
            }
        }
    }

    public static async Task A_question_that_was_answered_asks_nobody_any_more(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Ask("block"))).Row.Run;
        await harness.CommitAsync(run, Answer("block"));
        Expect.Sequence([], await harness.Store.ListAsync(new RunQuery { AsksAPerson = true }, default), "Runs that ask a person");
    }
}
