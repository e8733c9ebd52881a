using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Storage;

public sealed class Reading_page_by_page
{
    [Fact]
    public async Task Gives_each_entry_of_a_run_once_whatever_the_size_of_a_page()
    {
        await using var bench = await LongAsync(steps: 600);
        var last = (await bench.Harness.Store.FindAsync(bench.Run, default))!.Seq;

        foreach (var (from, to, size) in new[] { (0, last, 500), (0, last, 1), (0, last, (int)last + 1), (0, last, (int)last), (7, 43, 5), (7, 7, 500), (8, 7, 500), (0, long.MaxValue, 77), (last, long.MaxValue, 500), (last + 1, long.MaxValue, 500) })
        {
            var seqs = await bench.Harness.Store.EntriesAsync(bench.Run, from, to, size).Select(e => e.Seq).ToListAsync();
            Assert.Equal(Enumerable.Range(0, (int)last + 1).Select(i => (long)i).Where(i => i >= from && i <= to), seqs);
        }
    }

    [Fact]
    public async Task Gives_the_whole_log_and_finds_its_end()
    {
        await using var bench = await LongAsync(steps: 600);
        var store = bench.Harness.Store;

        var positions = await store.LogAsync().Select(e => e.Position).ToListAsync();
        Assert.Equal(Enumerable.Range(1, positions.Count).Select(i => (long)i), positions);
        Assert.True(positions.Count > 600);
        Assert.Equal([positions[^1]], await store.LogAsync(positions[^2]).Select(e => e.Position).ToListAsync());
        foreach (var from in new long[] { 0, 1, 2, 599, positions[^2], positions[^1], positions[^1] + 5 })
        {
            Assert.Equal(Math.Max(from, positions[^1]), await store.FindLogEndAsync(from));
        }

        Assert.Equal(0, await new InMemoryRunStore().FindLogEndAsync());
    }

    private static async Task<Bench> LongAsync(int steps)
    {
        var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            for (var i = 0; i < steps; i++)
            {
                await visit.Read("look", i, (at, _) => Task.FromResult(at));
            }

            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();
        return bench;
    }
}
