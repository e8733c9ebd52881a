using Signalbox.Sqlite.Writing;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

public sealed class Hints_of_a_store
{
    [Fact]
    public async Task Pile_up_only_so_far_behind_a_listener_that_does_not_come_back_and_the_newest_are_kept()
    {
        var hints = new ChangeHints(null);
        using var goOn = new ManualResetEventSlim();
        var (count, done, told) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        using var subscription = hints.Subscribe(change =>
        {
            told.TrySetResult();
            goOn.Wait(TimeSpan.FromSeconds(30), CancellationToken.None);
            count++;
            if (change.Run == new RunId("r-last"))
            {
                done.SetResult();
            }
        });
        hints.Tell([Change("r-first")]);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        for (var i = 0; i < 10; i++)
        {
            hints.Tell([.. Enumerable.Range(0, ChangeHints.QueuedMax / 4).Select(n => Change($"r-{n}"))]);
        }

        hints.Tell([Change("r-last")]);
        goOn.Set();
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(1 + ChangeHints.QueuedMax, count);
    }

    private static RunChange Change(string run) => new(new RunId(run), RunStatus.Pending, false, true);
}
