namespace Signalbox;

internal static class NearestNames
{
    public static IReadOnlyList<string> Of(string name, IReadOnlyCollection<string> candidates, int max = 3) => [.. candidates.Where(c => c[0] == name[0]).Take(max)];
}
