using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>What a workflow's runs may use up; null: no limit.</summary>
internal sealed record Limit(long? Calls, long? Tokens, long? Micros, long? Rejections)
{
    /// <summary>The limits by workflow: JSON lines <c>{"workflow","calls","tokens","micros","rejections"}</c>.</summary>
    /// <exception cref="BadInputException">They cannot be read.</exception>
    public static IReadOnlyDictionary<string, Limit> Read(IEnumerable<string> lines, string name)
    {
        var limits = new Dictionary<string, Limit>(StringComparer.Ordinal);
        foreach (var (number, line) in JsonLines.Read(lines, name))
        {
            var workflow = line.RequiredText("workflow", name, number);
            if (!limits.TryAdd(workflow, new(Of("calls"), Of("tokens"), Of("micros"), Of("rejections"))))
            {
                throw new BadInputException(name, number, $"expected one budget for '{workflow}'; this is a second one");
            }

            long? Of(string member) => line.Number(member, name, number);
        }

        return limits;
    }

    /// <summary>What is used above the limit, in words; null if nothing is.</summary>
    public (string Expected, string Got)? Excess(Usage used, Usage inFlight) =>
        Above("model calls", Calls, used.Calls, inFlight.Calls)
        ?? Above("tokens", Tokens, used.Tokens, inFlight.Tokens)
        ?? Above("millionths of money", Micros, used.Micros, inFlight.Micros)
        ?? Above("rejections before a further call", Rejections, used.Rejections, inFlight.Rejections);

    private static (string, string)? Above(string what, long? limit, long used, long inFlight) =>
        limit is { } most && used > most + inFlight ? ($"at most {most} {what}{(inFlight > 0 ? $", and {inFlight} that were in flight" : "")}", $"{used}") : null;
}
