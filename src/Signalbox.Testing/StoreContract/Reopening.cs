using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Reopening
{
    [NeedsDurability]
    public static async Task All_that_was_committed_is_there_and_goes_on_where_it_was(StoreHarness harness)
    {
        var now = harness.Clock.GetUtcNow();
        var waiting = await harness.ParkAsync(Wait("nap", "go", now.AddHours(2)), Ask("block", now.AddHours(1)));
        var keyed = await harness.StartAsync(key: "k", labels: new Dictionary<string, string> { ["a"] = "b" });
        await harness.CommitAsync(keyed, Signal("early"), Signal("later"));
        Expect.Committed(await harness.CommitAsync(keyed, Rejected));
        var before = await WholeJournal.LogAsync(harness.Store);
        var heads = await Task.WhenAll(new[] { keyed, waiting.Row.Run }.Select(harness.HeadAsync));

        await harness.ReopenAsync();
        foreach (var head in heads)
        {
            Expect.Same(head, await harness.Store.FindAsync(head.Row.Run, default), "A run after opening again");
        }

        Expect.Sequence(before.Select(e => Convert.ToHexString(e.Hash.Span)), (await WholeJournal.LogAsync(harness.Store)).Select(e => Convert.ToHexString(e.Hash.Span)), "The log after opening again");
        Expect.Refused(await harness.CommitAsync(harness.NewRun(), Started(key: "k")), CommitStatus.KeyTaken);
        Expect.Equal(now.AddHours(1), (await harness.LeaseAsync()).NextDue, "When the next run comes due");
        Expect.Committed(await harness.CommitAsync(waiting.Row.Run, Answer("block")));
    }

    [NeedsDurability]
    public static async Task An_entry_is_not_dated_before_those_of_an_earlier_owner(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        var before = (await harness.HeadAsync(run)).Row.ChangedAt;
        harness.Clock.Jump(TimeSpan.FromDays(-1));
        await harness.ReopenAsync();
        Expect.Equal(before, Expect.Committed(await harness.CommitAsync(run, Step())).Entries[0].Time, "The date of an entry after the clock was set back and the store opened again");
    }
}
