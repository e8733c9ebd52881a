using System.Globalization;
using Xunit;

namespace Signalbox.Tests.Approvals;

/// <summary>
/// People and programs that answer for actions in every way that they should not: twice, late, at the very instant, for something else, in the wrong role, for themselves, while workers die, runs are canceled,
/// fail and are retried, and roles are taken away. Some 1,000 histories; <c>SIGNALBOX_RUNS</c> sets how many, <c>SIGNALBOX_SEED</c> where to begin: what failed names its seed.
/// </summary>
public sealed class Approval_abuse(ITestOutputHelper output)
{
    [Fact]
    public async Task Comes_to_no_effect_without_a_whole_approval_of_exactly_that_in_time_and_once()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_RUNS") ?? "1000", CultureInfo.InvariantCulture);
        var first = ulong.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_SEED") ?? "1", CultureInfo.InvariantCulture);
        var seen = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var failures = new List<string>();
        for (var seed = first; seed < first + (ulong)count; seed++)
        {
            var world = new AbuseWorld(seed);
            try
            {
                await world.PlayAsync();
            }
            catch (Exception e)
            {
                failures.Add($"With seed {seed} (SIGNALBOX_SEED={seed} SIGNALBOX_RUNS=1): {(e is Xunit.Sdk.XunitException ? e.Message : e)}\n{(failures.Count == 0 ? world.Told : "")}");
            }

            foreach (var (what, times) in world.Seen)
            {
                seen[what] = seen.GetValueOrDefault(what) + times;
            }
        }

        output.WriteLine($"{count} histories, seeds {first} to {first + (ulong)count - 1}:");
        output.WriteLine(string.Join('\n', seen.Select(s => $"{s.Value,8} {s.Key}")));
        Assert.True(failures.Count == 0, $"{failures.Count} of {count} histories failed.\n{string.Join('\n', failures.Skip(1).Take(50))}\n{failures.FirstOrDefault()}");
        string[] wanted =
        [
            "answer ok", "answer approval_not_a_person", "answer approval_role", "answer approval_self", "answer approval_repeated", "answer approval_stale", "answer approval_expired", "answer approval_not_open",
            "answer edit_not_allowed", "effect", "effect of an edit", "effect after a retry", "effect by more than one", "ended Canceled",
        ];
        Assert.All(wanted, what => Assert.True(count < 1000 || seen.ContainsKey(what), $"'{what}' never happened."));
    }
}
