using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Starting
{
    public static async Task A_started_run_is_pending_and_can_be_found(StoreHarness harness)
    {
        var run = harness.NewRun();
        var result = Expect.Committed(await harness.CommitAsync(run, Started(), Entered("Work", 1)));
        Expect.Equal(RunStatus.Pending, result.Head!.Row.Status, "The status of a started run");
        Expect.Equal("Work", result.Head.Row.State, "Its state");
        Expect.Equal(Definition.Hash.Value, result.Head.Row.Fingerprint, "Its fingerprint");
        Expect.Sequence([0L, 1L], result.Entries.Select(e => e.Seq), "The seqs of its entries");
        Expect.Same(result.Head, await harness.Store.FindAsync(run, default), "The run as it is found, against the answer to its commit");
    }

    public static async Task Everything_in_a_row_comes_back_as_it_was_given(StoreHarness harness)
    {
        var (run, parent) = (harness.NewRun(), harness.NewRun());
        var labels = new Dictionary<string, string> { ["team"] = "blau/grün", [""] = "", ["it's \"quoted\" \\"] = "日本 \u0001" };
        await harness.CommitAsync(run, Started("workflow ä", 7, "key 'ß'", labels, parent, "child/-/1"), Entered("Zustand", 3));
        var row = (await harness.HeadAsync(run)).Row;
        Expect.Equal(("workflow ä", 7, "key 'ß'", (RunId?)parent, "child/-/1", "Zustand", 3), (row.Workflow, row.Version, row.Key, row.Parent, row.ParentStep, row.State, row.Visit), "The row");
        Expect.Sequence(labels.OrderBy(l => l.Key, StringComparer.Ordinal), row.Labels.OrderBy(l => l.Key, StringComparer.Ordinal), "Its labels");
        Expect.Equal(harness.Clock.GetUtcNow(), row.StartedAt, "When it was started");
    }

    public static async Task Under_a_taken_key_nothing_is_started_and_the_holder_is_named(StoreHarness harness)
    {
        var first = await harness.StartAsync(key: "case-1");
        var second = harness.NewRun();
        var result = await harness.CommitAsync(second, Started(key: "case-1"), Entered("Work", 1));
        Expect.Refused(result, CommitStatus.KeyTaken);
        Expect.Equal(first, result.Head!.Row.Run, "The run that holds the key, by the refusal");
        Expect.Equal(first, (await harness.Store.FindByKeyAsync(Flow, "case-1", default))!.Row.Run, "The run that holds the key, by search");
        Expect.That(await harness.Store.FindAsync(second, default) is null, "A run was started under a key that another holds.");
    }

    public static async Task A_key_belongs_to_its_workflow_alone_and_for_good(StoreHarness harness)
    {
        var one = await harness.StartAsync("one", key: "k");
        var two = await harness.StartAsync("two", key: "k");
        Expect.Equal(one, (await harness.Store.FindByKeyAsync("one", "k", default))!.Row.Run, "The run under the key in the first workflow");
        Expect.Equal(two, (await harness.Store.FindByKeyAsync("two", "k", default))!.Row.Run, "The run under the key in the second workflow");
        Expect.That(await harness.Store.FindByKeyAsync("three", "k", default) is null, "A key was found in a workflow that has no run.");
        Expect.Committed(await harness.CommitAsync(one, Completed));
        Expect.Refused(await harness.CommitAsync(harness.NewRun(), Started("one", key: "k")), CommitStatus.KeyTaken);
    }

    public static async Task Of_many_starts_under_one_key_at_once_one_wins(StoreHarness harness)
    {
        var runs = Enumerable.Range(0, 16).Select(_ => harness.NewRun()).ToArray();
        var results = await Task.WhenAll(runs.Select(run => Task.Run(() => harness.CommitAsync(run, Started(key: "once"), Entered("Work", 1)))));
        var winner = results.Single(r => r.IsCommitted).Head!.Row.Run;
        Expect.That(results.All(r => r.IsCommitted || (r.Status == CommitStatus.KeyTaken && r.Head!.Row.Run == winner)), "Of starts under one key the losers must be told KeyTaken and who won.");
    }

    public static async Task A_run_is_not_started_twice(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        Expect.Refused(await harness.CommitAsync(run, Started(), Entered("Work", 1)), CommitStatus.Refused, "run_exists");
    }

    public static async Task A_run_that_does_not_exist_takes_no_entry(StoreHarness harness)
    {
        var run = harness.NewRun();
        var result = await harness.CommitAsync(run, Step());
        Expect.Refused(result, CommitStatus.RunNotFound);
        Expect.That(result.Head is null && await harness.Store.FindAsync(run, default) is null, "A refused entry made a run.");
    }

    public static async Task A_commit_without_an_entry_is_an_error_of_the_caller(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        try
        {
            await harness.CommitAsync(run);
        }
        catch (ArgumentException)
        {
            Expect.Committed(await harness.CommitAsync(run, Step()));
            return;
        }

        throw new ContractViolationException("A commit without an entry must throw ArgumentException.");
    }

    public static async Task An_entry_comes_back_as_it_was_given(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        var draft = new EntryDraft
        {
            Kind = "note.of_another_version",
            State = "Zustand",
            Visit = 9,
            Scope = "branch",
            Step = "frage/0123/2",
            Actor = "person:änne",
            Cause = "weil \"es\" so ist\n\t–",
            Body = """{ "as" : "it stands", "ü" : [1e3, "\u00e4"] }"""u8.ToArray(),
        };
        await harness.CommitAsync(run, draft, draft with { Body = default });
        var entries = await harness.Store.ReadAsync(run, 2, 10, default);
        foreach (var e in entries)
        {
            Expect.Equal((draft.Kind, draft.State, draft.Visit, draft.Scope, draft.Step, draft.Actor, draft.Cause), (e.Kind, e.State, e.Visit, e.Scope, e.Step, e.Actor, e.Cause), "An entry's header");
        }

        Expect.That(entries.Count == 2 && entries[0].Body.Span.SequenceEqual(draft.Body.Span) && entries[1].Body.IsEmpty, "A body must come back byte for byte, and an empty one empty.");
    }
}
