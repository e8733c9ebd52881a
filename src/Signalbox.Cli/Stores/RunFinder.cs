using Signalbox.CommandLine.Rendering;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Stores;

/// <summary>Finds the run that a person means by its id, the beginning of it, or its key: for every command that takes a RUN.</summary>
internal static class RunFinder
{
    private const int ShownMax = 10;
    private const int IdMax = 64;

    // Among how many of the newest runs one is looked for that may have been meant.
    private const int AlikeAmong = 1_000;

    /// <summary>
    /// The run whose id is <paramref name="text"/>; else the one run whose key it is or whose id begins so. The <c>r-</c> may be left out. A key never goes before the beginning of an id, nor the other
    /// way round: keys come from outside, and a command must not go to another run because somebody has chosen its key well.
    /// </summary>
    /// <exception cref="CliException">None or several fit.</exception>
    public static async Task<RunHead> GetAsync(OpenStore store, string text, CancellationToken cancellationToken) =>
        await FindAsync(store, text, cancellationToken) ?? throw await NotFoundAsync(store, text, cancellationToken);

    /// <summary>The same, or null if none fits.</summary>
    /// <exception cref="CliException">Several fit.</exception>
    public static async Task<RunHead?> FindAsync(OpenStore store, string text, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        var fitting = new Dictionary<RunId, RunHead>();
        foreach (var begin in (text.StartsWith("r-", StringComparison.Ordinal) ? [text] : new[] { text, "r-" + text }).Where(begin => begin.Length <= IdMax))
        {
            if (await store.Queries.FindAsync(new RunId(begin), cancellationToken) is { } exact)
            {
                return exact;
            }

            await AddAsync(new RunQuery { IdPrefix = begin, Limit = ShownMax + 1 });
        }

        await AddAsync(new RunQuery { Key = text, Limit = ShownMax + 1 });
        return fitting.Count <= 1 ? fitting.Values.SingleOrDefault() : throw new CliException(
            ExitCodes.Refused, "run_ambiguous", $"'{text}' is the key or the beginning of the id of several runs; give the id of the one you mean:", Lines([.. fitting.Values]));

        async Task AddAsync(RunQuery query)
        {
            foreach (var head in await store.Queries.RunsAsync(query, cancellationToken))
            {
                fitting[head.Row.Run] = head;
            }
        }
    }

    private static async Task<CliException> NotFoundAsync(OpenStore store, string text, CancellationToken cancellationToken)
    {
        var newest = string.IsNullOrWhiteSpace(text) ? [] : await store.Queries.RunsAsync(new RunQuery { Limit = AlikeAmong }, cancellationToken);
        var alike = newest.Where(h => h.Row.Run.Value.Contains(text, StringComparison.OrdinalIgnoreCase) || h.Row.Key?.Contains(text, StringComparison.OrdinalIgnoreCase) == true).ToList();
        return new(
            ExitCodes.Refused, "run_not_found",
            $"The store '{store.Path}' has no run '{text}': none whose id is that or begins so, and none with that key.{(alike.Count == 0 ? "" : " Perhaps you mean one of those below.")} See what it has: {Commands.CommandContext.Invocation(store, "runs")}",
            Lines(alike));
    }

    private static string[] Lines(List<RunHead> runs)
    {
        var lines = runs.Take(ShownMax).Select(h =>
            $"  {h.Row.Run}  {h.Row.Workflow} v{h.Row.Version}  {h.Row.Status} in {h.Row.State}, started {Words.Time(h.Row.StartedAt)}{(h.Row.Key is { } key ? $", key {key}" : "")}");
        return [.. lines, .. runs.Count > ShownMax ? new[] { "  and more" } : []];
    }
}
