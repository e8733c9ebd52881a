using System.Globalization;
using Xunit;

namespace Signalbox.Tests.Claims;

/// <summary>
/// Two to eight agents at once that block, allow and watch overlapping addresses, networks and accounts, while workers die at any append, the disk is full now and then, the target loses replies, people answer,
/// cancel, release, or never say a word. Some 1,500 histories; <c>SIGNALBOX_RUNS</c> sets how many, <c>SIGNALBOX_SEED</c> where to begin: what failed names its seed.
/// </summary>
public sealed class Agents_with_opposite_wishes(ITestOutputHelper output)
{
    [Fact]
    public async Task Hold_nothing_that_another_holds_lose_no_conflict_and_leave_nobody_waiting()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_RUNS") ?? "1500", CultureInfo.InvariantCulture);
        var first = ulong.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_SEED") ?? "1", CultureInfo.InvariantCulture);
        var seen = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var longest = TimeSpan.Zero;
        var failures = new List<string>();
        for (var seed = first; seed < first + (ulong)count; seed++)
        {
            var world = new WishWorld(seed);
            try
            {
                await world.PlayAsync();
            }
            catch (Exception e)
            {
                failures.Add($"With seed {seed} (SIGNALBOX_SEED={seed} SIGNALBOX_RUNS=1): {e.Message}\n{(failures.Count == 0 ? world.Told : "")}");
            }

            longest = world.LongestWait > longest ? world.LongestWait : longest;
            foreach (var (what, times) in world.Seen)
            {
                seen[what] = seen.GetValueOrDefault(what) + times;
            }
        }

        output.WriteLine($"{count} histories, seeds {first} to {first + (ulong)count - 1}; the longest wait for a turn was {longest}:");
        output.WriteLine(string.Join('\n', seen.Select(s => $"{s.Value,8} {s.Key}")));
        Assert.True(failures.Count == 0, $"{failures.Count} of {count} histories failed.\n{string.Join('\n', failures.Skip(1).Take(50))}\n{failures.FirstOrDefault()}");
        string[] wanted = ["claim.queued", "claim.freed", "claim.released", "conflict.raised", "conflict.ruled", "overruled", "joined", "undone", "crash", "ended Canceled"];
        Assert.All(wanted, what => Assert.True(count < 1000 || seen.ContainsKey(what), $"'{what}' never happened."));
    }
}
