using Signalbox.CommandLine.Rendering;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Stores;

/// <summary>Finds the run that a person means by an id or its beginning.</summary>
internal static class RunFinder
{
    private const int ShownMax = 10;

    /// <summary>The one run whose id is, or begins with, <paramref name="text"/>; the <c>r-</c> may be left out.</summary>
    /// <exception cref="CliException">None or several fit.</exception>
    public static async Task<RunHead> GetAsync(OpenStore store, string text, CancellationToken cancellationToken) =>
        await FindAsync(store, text, cancellationToken) ?? throw new CliException(
            ExitCodes.Refused, "run_not_found", $"The store '{store.Path}' has no run '{text}', and none whose id begins so. See what it has: {Commands.CommandContext.Invocation(store, "runs")}");

    /// <summary>The same, or null if none fits.</summary>
    /// <exception cref="CliException">Several fit.</exception>
    public static async Task<RunHead?> FindAsync(OpenStore store, string text, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > 64)
        {
            return null;
        }

        foreach (var begin in text.StartsWith("r-", StringComparison.Ordinal) ? [text] : new[] { text, "r-" + text })
        {
            if (begin.Length <= 64 && await store.Queries.FindAsync(new RunId(begin), cancellationToken) is { } exact)
            {
                return exact;
            }

            switch (await store.Queries.RunsAsync(new RunQuery { IdPrefix = begin, Limit = ShownMax + 1 }, cancellationToken))
            {
                case []:
                    continue;
                case [var only]:
                    return only;
                case var several:
                    throw Ambiguous(text, several);
            }
        }

        return null;
    }

    private static CliException Ambiguous(string text, IReadOnlyList<RunHead> runs)
    {
        var lines = runs.Take(ShownMax).Select(h => $"  {h.Row.Run}  {h.Row.Workflow} v{h.Row.Version}  {h.Row.Status} in {h.Row.State}, started {Words.Time(h.Row.StartedAt)}");
        var more = runs.Count > ShownMax ? new[] { "  and more" } : [];
        return new(ExitCodes.Refused, "run_ambiguous", $"Several runs begin with '{text}'; give more of the id of the one you mean:", [.. lines, .. more]);
    }
}
