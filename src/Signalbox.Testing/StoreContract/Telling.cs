using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Telling
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task Changes_of_status_and_commits_from_outside_are_told(StoreHarness harness)
    {
        var told = new Listener();
        using var subscription = harness.Store.Subscribe(told.Hear);
        var run = await harness.StartAsync();
        await told.WaitForAsync(c => c == new RunChange(run, RunStatus.Pending, false, true), "a start");
        var lease = (await harness.LeaseAsync()).Runs.Single();
        await told.WaitForAsync(c => c.Run == run && c.Status == RunStatus.Running, "a lease");
        await harness.CommitAsync(run, Cancel);
        await told.WaitForAsync(c => c == new RunChange(run, RunStatus.Running, true, true), "a request to end");
        await harness.CommitAsync(lease, Wait("go", "go"), Parked);
        await told.WaitForAsync(c => c == new RunChange(run, RunStatus.Waiting, true, false), "a run that parks");
    }

    public static async Task A_plain_step_is_told_to_nobody(StoreHarness harness)
    {
        var told = new Listener();
        var lease = await harness.DriveAsync();
        using var subscription = harness.Store.Subscribe(told.Hear);
        await harness.CommitAsync(lease, Step());
        await harness.CommitAsync(lease, Completed);
        await told.WaitForAsync(c => c.Status == RunStatus.Completed, "an end");
        Expect.Equal(1, told.Count, "How many changes were told of a step and an end");
    }

    public static async Task Who_has_ended_its_subscription_is_told_no_more(StoreHarness harness)
    {
        var (gone, stays) = (new Listener(), new Listener());
        using var staying = harness.Store.Subscribe(stays.Hear);
        harness.Store.Subscribe(gone.Hear).Dispose();
        var run = await harness.StartAsync();
        await stays.WaitForAsync(c => c.Run == run, "a start");
        Expect.Equal(0, gone.Count, "How many changes were told to one who had ended its subscription");
    }

    public static async Task Who_throws_when_told_harms_neither_the_commit_nor_the_others(StoreHarness harness)
    {
        var told = new Listener();
        using var throwing = harness.Store.Subscribe(_ => throw new InvalidOperationException("It does not want to know."));
        using var subscription = harness.Store.Subscribe(told.Hear);
        var run = await harness.StartAsync();
        await told.WaitForAsync(c => c.Run == run, "a start");
    }

    private sealed class Listener
    {
        private readonly Lock _lock = new();
        private readonly List<RunChange> _heard = [];
        private readonly List<(Func<RunChange, bool> Wanted, TaskCompletionSource Heard)> _waiting = [];

        public int Count
        {
            get
            {
                lock (_lock)
                {
                    return _heard.Count;
                }
            }
        }

        public void Hear(RunChange change)
        {
            lock (_lock)
            {
                _heard.Add(change);
                foreach (var (wanted, heard) in _waiting)
                {
                    if (wanted(change))
                    {
                        heard.TrySetResult();
                    }
                }
            }
        }

        public async Task WaitForAsync(Func<RunChange, bool> wanted, string what)
        {
            var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                if (_heard.Exists(c => wanted(c)))
                {
                    return;
                }

                _waiting.Add((wanted, heard));
            }

            try
            {
                await heard.Task.WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                throw new ContractViolationException($"Nobody was told of {what} within {Patience.TotalSeconds} s; told were: {string.Join(", ", _heard)}");
            }
        }
    }
}
