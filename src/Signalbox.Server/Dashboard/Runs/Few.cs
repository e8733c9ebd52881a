namespace Signalbox.Server.Dashboard.Runs;

/// <summary>How much of a list a run's page shows: a page stays a page, whatever the run has done. Of a long list, the first and the last.</summary>
internal static class Few
{
    public const int Max = 200;

    public static IEnumerable<T> Of<T>(IReadOnlyList<T> items) => items.Count <= Max ? items : items.Take(Max / 2).Concat(items.Skip(items.Count - (Max / 2)));
}
