using System.Globalization;
using Signalbox.Queries;

namespace Signalbox.CommandLine.Rendering;

/// <summary>The states that a run went through, on one line; of a long path the two ends.</summary>
internal static class RunPath
{
    private const int ShownMax = 24;

    public static string Of(IReadOnlyList<VisitView> visits)
    {
        var left = visits.Count - ShownMax;
        IEnumerable<string> shown = left <= 0
            ? visits.Select(v => v.State)
            : [.. visits.Take(ShownMax / 2).Select(v => v.State), string.Create(CultureInfo.InvariantCulture, $"… {left:N0} more …"), .. visits.Skip(visits.Count - (ShownMax / 2)).Select(v => v.State)];
        return string.Join(" > ", shown);
    }
}
