using Signalbox.HistoryChecker;

namespace SecurityAlerts.Tests;

/// <summary>SIGKILL at any moment, with text files as targets (<see cref="KillLoop"/>).</summary>
[Collection(nameof(KillLoop))]
public sealed class Killed_without_warning(ITestOutputHelper output)
{
    [Fact]
    public Task Loses_nothing_and_does_nothing_twice() => new KillLoop(output, World.FindRealAlerts(), () => Task.FromResult<IKillRound>(new Round())).RunAsync();

    private sealed class Round : IKillRound
    {
        public World World { get; } = new();

        public IReadOnlyList<string> Options => [];

        public IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>();

        public Task<HistoryOptions> CheckTargetAsync()
        {
            // Each entry is on one line.
            var denied = The_command.Lines(World, "deny.list");
            Assert.Equal(denied.Distinct().Count(), denied.Count);
            return Task.FromResult(new HistoryOptions { TargetState = denied });
        }

        public ValueTask DisposeAsync()
        {
            World.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
