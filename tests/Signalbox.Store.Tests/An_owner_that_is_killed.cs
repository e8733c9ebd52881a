using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class An_owner_that_is_killed
{
    private const int Cycles = 40;

    [Fact]
    public async Task Leaves_every_acknowledged_entry_and_a_whole_chain()
    {
        var seed = (ulong)Random.Shared.NextInt64();
        var random = new SeededEntropy(seed);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        using var folder = new TempFolder();
        var acknowledged = new Dictionary<(RunId, long), string>();
        var payloads = new HashSet<PayloadHash>();
        var (path, heard) = (folder.File("store-0.db"), 0);
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            if (cycle % 8 == 0)
            {
                // A new file now and then, so that its making is hit too.
                path = folder.File($"store-{cycle}.db");
                acknowledged.Clear();
                payloads.Clear();
            }

            await using (var victim = OtherProcess.Start(Victim.Appends, path))
            {
                var killing = random.Below(4) == 0 ? Kill(victim, random.Below(160)) : null;
                while (await victim.ReadLineAsync() is { } line)
                {
                    if (line.Split(' ') is ["ack", var run, var seq, { Length: 64 } hash, .. var refers])
                    {
                        acknowledged[(new RunId(run), long.Parse(seq))] = hash;
                        payloads.UnionWith(refers.Where(r => r.Length == 64).Select(r => new PayloadHash(r)));
                        heard++;
                        killing ??= Kill(victim, random.Below(120));
                    }
                }

                await killing!;
            }

            await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
            await WholeJournal.CheckAsync(store);
            var kept = (await store.ReadLogAsync(0, int.MaxValue, default)).ToDictionary(e => (e.Run, e.Seq), e => Convert.ToHexString(e.Hash.Span));
            Assert.All(acknowledged, a => Assert.Equal(a.Value, kept.GetValueOrDefault(a.Key)));
            foreach (var payload in payloads)
            {
                Assert.NotNull(await store.FindPayloadAsync(payload, default));
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{heard} entries acknowledged in {Cycles} lives");
        Assert.True(heard > Cycles, $"Only {heard} entries were acknowledged in {Cycles} lives: the kills come too early to prove anything (seed {seed}).");
    }

    /// <summary>Kills after a while of real time: the point is that nobody chose it.</summary>
    private static async Task Kill(OtherProcess victim, int milliseconds)
    {
        await Task.Delay(milliseconds);
        victim.KillNow();
    }
}
