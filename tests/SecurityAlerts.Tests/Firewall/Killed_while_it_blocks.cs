using Signalbox.HistoryChecker;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>
/// SIGKILL at any moment, with the kernel's firewall as target (<see cref="KillLoop"/>). The calls of the sample dawdle before or after they reach the firewall, and outlive it when it is
/// killed: so many kills fall between an intent and its effect, or between an effect and its record, and calls of the dead arrive while the next process recovers.
/// </summary>
[Collection(nameof(KillLoop))]
public sealed class Killed_while_it_blocks(ITestOutputHelper output)
{
    private static readonly string s_dawdling =
        $$"""
        #!/usr/bin/env bash
        [[ "$*" == *"-f -"* ]] || exec {{TestNetwork.Find("nft")}} "$@"
        input=$(cat)
        pause=$((RANDOM % 4 == 0)).$((RANDOM % 3))$((RANDOM % 10))
        ((RANDOM % 2)) && sleep "$pause"
        {{TestNetwork.Find("nft")}} "$@" <<< "$input"
        code=$?
        ((RANDOM % 2)) && sleep "$pause"
        exit $code
        """;

    [Fact]
    public Task Blocks_each_address_once_by_the_firewalls_own_log() => new KillLoop(output, alerts: null, async () => await Round.BeginAsync()).RunAsync();

    private sealed class Round(TestNetwork network, FirewallLog log) : IKillRound
    {
        public World World { get; } = new();

        public IReadOnlyList<string> Options => ["--firewall", "nft", "--netns", network.Namespace];

        public IReadOnlyDictionary<string, string> Environment =>
            new Dictionary<string, string> { ["PATH"] = $"{World.Folder}:{System.Environment.GetEnvironmentVariable("PATH")}" };

        public static async Task<Round> BeginAsync()
        {
            var network = await TestNetwork.CreateAsync();
            var round = new Round(network, await FirewallLog.StartAsync(network));
            round.World.Write("nft", s_dawdling);
            round.World.MakeExecutable("nft");
            return round;
        }

        public Task ChangedAsync() => log.ChangedAsync();

        public async Task<HistoryOptions> CheckTargetAsync()
        {
            // A call of a process that was killed may still be on its way; what it finds is refused.
            var effects = await log.EffectsAsync();
            Assert.DoesNotContain(effects, effect => effect.ActionId.Length == 0);
            Assert.Equal(effects.Count, effects.Select(effect => effect.ActionId).Distinct().Count());
            var table = await network.Firewall().LookAsync(default);
            Assert.Null(table.Fault);
            return new() { TargetLog = await log.LinesAsync(), TargetLogAction = "block_address", TargetState = [.. table.Blocked.Select(AddressText.Of)] };
        }

        public async ValueTask DisposeAsync()
        {
            await log.DisposeAsync();
            await network.DisposeAsync();
            World.Dispose();
        }
    }
}
