using Signalbox.Journal;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Reading
{
    public static async Task Entries_of_a_run_are_read_from_any_seq_on(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        await harness.StartAsync();
        await harness.CommitAsync(run, [.. Enumerable.Range(0, 8).Select(i => Step("s" + i.Number()))]);
        Expect.Sequence([3L, 4L, 5L], (await harness.Store.ReadAsync(run, 3, 3, default)).Select(e => e.Seq), "Three entries from the fourth on");
        Expect.Sequence([9L], (await harness.Store.ReadAsync(run, 9, 100, default)).Select(e => e.Seq), "Entries from the last on");
        Expect.Sequence([], await harness.Store.ReadAsync(run, 10, 100, default), "Entries after the last");
        Expect.Sequence([], await harness.Store.ReadAsync(harness.NewRun(), 0, 100, default), "Entries of a run that does not exist");
    }

    public static async Task What_is_committed_is_read_at_once(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            var seq = Expect.Committed(await harness.CommitAsync(run, Step())).Head!.Seq;
            Expect.Equal(seq, (await harness.HeadAsync(run)).Seq, "The last seq after a commit was answered");
        }
    }

    public static async Task Who_follows_the_log_under_many_writers_misses_nothing(StoreHarness harness)
    {
        const int Writers = 8;
        const int Commits = 60;
        var runs = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => harness.StartAsync()));
        var writing = Task.WhenAll(runs.Select(run => Task.Run(async () =>
        {
            for (var i = 0; i < Commits; i++)
            {
                Expect.Committed(await harness.CommitAsync(run, Step(), Step()));
            }
        })));

        var followed = new List<Entry>();
        bool more;
        do
        {
            var ended = writing.IsCompleted;
            var page = await harness.Store.ReadLogAsync(followed.Count == 0 ? 0 : followed[^1].Position, 50, default);
            followed.AddRange(page);
            more = page.Count > 0 || !ended;
        }
        while (more);

        await writing;
        Expect.Sequence(Enumerable.Range(1, Writers * ((2 * Commits) + 2)).Select(p => (long)p), followed.Select(e => e.Position), "Positions that a follower saw");
    }

    public static async Task Reads_of_a_run_under_its_writer_are_prefixes_that_only_grow(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                Expect.Committed(await harness.CommitAsync(run, Step(), Step()));
            }
        });
        var seen = 0;
        while (!writing.IsCompleted)
        {
            var entries = await harness.Store.ReadAsync(run, 0, int.MaxValue, default);
            Expect.Sequence(Enumerable.Range(0, entries.Count).Select(s => (long)s), entries.Select(e => e.Seq), "A run's entries read while it is being written");
            Expect.That(entries.Count >= seen, "A later read returned less than an earlier one.");
            Expect.That(entries.Count % 2 == 0, "A read shows half a commit.");
            seen = entries.Count;
        }

        await writing;
    }
}
