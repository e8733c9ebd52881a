using Signalbox.Journal;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>A store's whole log: as entries, and as the lines that <c>signalbox export</c> writes for the history checker.</summary>
internal static class JournalExport
{
    public static async Task<IReadOnlyList<Entry>> ReadAsync(IRunReader store)
    {
        var entries = new List<Entry>();
        while (await store.ReadLogAsync(entries.Count == 0 ? 0 : entries[^1].Position, 1000, default) is { Count: > 0 } page)
        {
            entries.AddRange(page);
        }

        return entries;
    }

    public static async Task<string[]> LinesAsync(IRunReader store)
    {
        using var lines = new StringWriter();
        using var warnings = new StringWriter();
        await new Signalbox.CommandLine.Exporting.JournalExport(store, warnings).WriteAsync(lines, [], isTerminal: false, default);
        Assert.Equal("", warnings.ToString());
        return lines.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
