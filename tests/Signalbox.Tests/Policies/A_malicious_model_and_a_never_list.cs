using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Signalbox.Journal;
using Signalbox.Testing;
using Signalbox.Tests.Agents;
using Xunit;

namespace Signalbox.Tests.Policies;

/// <summary>
/// Models that try to shut out what is on the list, in every form, in runs whose workers die. <c>SIGNALBOX_RUNS</c> sets how many runs, <c>SIGNALBOX_SEED</c> where to begin: what failed names its seed.
/// </summary>
public sealed class A_malicious_model_and_a_never_list(ITestOutputHelper output)
{
    private static readonly string[] s_listed = ["192.0.2.0/24", "198.51.100.7", "2001:db8::/48"];

    private static readonly string[] s_wanted =
    [
        "192.0.2.7", "::ffff:192.0.2.7", "::FFFF:C000:0207", "192.0.2.7/32", "192.0.2.0/24", "192.0.0.0/16", "0.0.0.0/0", "::/0", "::fffe:0:0/95", "::ffff:0:0/96", "198.51.100.7", "198.51.100.0/29",
        "2001:db8::1", "2001:DB8:0:1::/64", "2001:db8::/32", "192.000.002.007", "3221225991", "0xc0000207", "192.0.519", "*", " 192.0.2.7", "192.0.2.7\n", "203.0.113.5", "203.0.113.0/28", "2001:db9::/64",
    ];

    [Fact]
    public async Task Never_meet()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_RUNS") ?? "400", CultureInfo.InvariantCulture);
        var first = ulong.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_SEED") ?? "1", CultureInfo.InvariantCulture);
        var (runs, refused, done) = (0, 0, 0);
        for (var seed = first; runs < count; seed++)
        {
            try
            {
                var (r, d) = await PlayAsync(seed);
                (runs, refused, done) = (runs + 2, refused + r, done + d);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"With seed {seed} (SIGNALBOX_SEED={seed} SIGNALBOX_RUNS=2): {e.Message}", e);
            }
        }

        output.WriteLine($"{runs} runs: {refused} wishes against the list refused, {done} others done");
        Assert.True(count < 400 || (refused > 200 && done > 20), $"{refused} refused, {done} done: it has hardly tried");
    }

    private static async Task<(int Refused, int Done)> PlayAsync(ulong seed)
    {
        var nemesis = new SeededEntropy(seed ^ 0x4E56);
        var clock = new ManualClock();
        var target = new FaultyTarget((TargetClass)(1 + nemesis.Below(3)));
        using var fast = Model(seed);
        using var strong = Model(seed + 1_000_000);
        var world = new AgentWorld
        {
            Clock = clock,
            Fast = fast,
            Strong = strong,
            Tools = [Tool.Act<Fence>("shut_out", "Shuts an address or a network out.")],
            More = box => box.AddAction<Fence, FenceHandler>("fence")
                .AddPolicy(new Never<Fence>("never", "it is ours") { Networks = s_listed })
                .AddPolicy(new Risk<Fence>("risk", (fence, _) => fence.Network.Contains('/', StringComparison.Ordinal) ? RiskClass.Medium : RiskClass.Low)),
        };
        CrashPoint[] crashes = [.. Enumerable.Range(0, nemesis.Below(3)).Select(_ => new CrashPoint((CrashKind)nemesis.Below(4), 1 + nemesis.Below(80)))];
        await using var harness = await WorkflowHarness.StartAsync(
            Bench.Configured(world.Configure, target), new HarnessOptions { Seed = seed, Clock = clock, TimeMax = TimeSpan.FromDays(60) }, crashes);
        await harness.StartRunAsync("flow", new Note("a"), "k-1");
        await harness.StartRunAsync("flow", new Note("b"), "k-2");
        await harness.RunUntilIdleAsync();

        await Bench.CheckAsync(harness, target);
        Assert.All((await harness.RunsAsync()).Select(r => r.Row), row => Assert.True(row.Status == RunStatus.Completed, $"run '{row.Run}' is {row.Status} {row.ReasonCode} {row.Reason}"));
        Assert.All(target.Log, call => Assert.DoesNotContain(s_listed, listed => Meet(call.Resource, listed)));
        var journals = await Task.WhenAll((await harness.RunsAsync()).Select(r => harness.JournalAsync(r.Row.Run)));
        return (journals.SelectMany(j => j).Count(e => e.Kind == EntryKinds.PolicyJudged && Body.Read<PolicyJudged>(e) is { Policy: "never", Verdict: "refuse" }), target.Effects.Count);

        MaliciousChatClient Model(ulong of) => new(of) { Clock = clock, Obey = nemesis.Below(3) * 0.2, Forbidden = s_wanted, TextCharacters = 2_000, ArgumentCharacters = 2_000, Only = ["forbidden_arguments", .. nemesis.Below(2) == 0 ? MaliciousChatClient.AllMoves : []] };
    }

    /// <summary>Reckoned in another way than the policy does: all of it as IPv6, bit by bit.</summary>
    private static bool Meet(string network, string other)
    {
        var ((bits, length), (otherBits, otherLength)) = (Bits(network), Bits(other));
        return Enumerable.Range(0, Math.Min(length, otherLength)).All(i => ((bits[i / 8] ^ otherBits[i / 8]) & (0x80 >> (i % 8))) == 0);

        static (byte[] Bits, int Length) Bits(string text)
        {
            var parts = text.Split('/');
            var address = IPAddress.Parse(parts[0]);
            var isIPv4 = address.AddressFamily == AddressFamily.InterNetwork;
            return (address.MapToIPv6().GetAddressBytes(), parts.Length == 1 ? 128 : int.Parse(parts[1], CultureInfo.InvariantCulture) + (isIPv4 ? 96 : 0));
        }
    }
}
