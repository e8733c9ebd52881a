using System.Globalization;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>The states that a run went through.</summary>
internal static class RunPath
{
    private const int ShownMax = 24;

    public static async Task<List<string>> StatesAsync(IRunReader reader, RunHead head, CancellationToken cancellationToken)
    {
        var states = new List<string>();
        await foreach (var entry in EntryPages.OfRunAsync(reader, head.Row.Run, head.Row.VisitSeq, cancellationToken))
        {
            if (entry.Kind == EntryKinds.StateEntered)
            {
                states.Add(entry.State);
            }
        }

        return states;
    }

    /// <summary>The path on one line; of a long one the two ends.</summary>
    public static async Task<string> OfAsync(IRunReader reader, RunHead head, CancellationToken cancellationToken)
    {
        var states = await StatesAsync(reader, head, cancellationToken);
        var left = states.Count - ShownMax;
        IEnumerable<string> shown = left <= 0
            ? states
            : [.. states.Take(ShownMax / 2), string.Create(CultureInfo.InvariantCulture, $"… {left:N0} more …"), .. states.Skip(states.Count - (ShownMax / 2))];
        return string.Join(" > ", shown);
    }
}
