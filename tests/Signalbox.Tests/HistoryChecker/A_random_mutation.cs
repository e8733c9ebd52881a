using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>
/// What somebody without the means to hash anew may do to an export. Two things are left out, because no check of the journal alone can see them:
/// that a run's last entries are missing, and that positions have changed in a way that keeps their order. Both need a checkpoint kept elsewhere.
/// </summary>
public sealed class A_random_mutation
{
    private const int Seeds = 2000;
    private static readonly List<string> s_good = GoodHistory.Write().Seal();

    /// <summary>Payloads come first, and in any order.</summary>
    private static readonly int s_lastPayload = s_good.FindLastIndex(l => l.StartsWith("{\"payload\"", StringComparison.Ordinal));

    [Fact]
    public void Is_always_caught()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var lines = s_good.ToList();
            var what = Mutate(lines, new Random(seed));
            Assert.True(IsCaught(lines), $"seed {seed}: {what}");
        }
    }

    private static bool IsCaught(List<string> lines)
    {
        try
        {
            return HistoryCheck.Run(lines).Count > 0;
        }
        catch (BadInputException)
        {
            return true;
        }
    }

    private static string Mutate(List<string> lines, Random random)
    {
        var at = random.Next(1, lines.Count);
        switch (random.Next(4))
        {
            case 0 when !IsLastOfItsRun(at):
                lines.RemoveAt(at);
                return $"line {at} deleted";
            case 1 when at > s_lastPayload:
                lines.Insert(random.Next(at, lines.Count) + 1, lines[at]);
                return $"line {at} doubled";
            case 2 when at > s_lastPayload && at + 1 < lines.Count:
                var other = random.Next(at + 1, lines.Count);
                (lines[at], lines[other]) = (lines[other], lines[at]);
                return $"lines {at} and {other} swapped";
            default:
                return Edit(lines, at, random);
        }
    }

    private static string Edit(List<string> lines, int at, Random random)
    {
        var line = lines[at];
        var afterPosition = at > s_lastPayload ? line.IndexOf(',', StringComparison.Ordinal) : 0;
        var index = random.Next(afterPosition, line.Length);
        var altered = (char)random.Next(' ', '~');
        if (altered == line[index])
        {
            altered = altered == 'x' ? 'y' : 'x';
        }

        lines[at] = line[..index] + altered + line[(index + 1)..];
        return $"line {at}, character {index}: '{line[index]}' became '{altered}'";
    }

    private static bool IsLastOfItsRun(int at) =>
        new[] { "r-a", "r-b", "r-j" }.Any(run => s_good.FindLastIndex(l => l.Contains($"\"run\":\"{run}\"", StringComparison.Ordinal)) == at);
}
