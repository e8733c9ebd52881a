using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>Comparisons that say what was expected and what came.</summary>
internal static class Expect
{
    public static void That([DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ContractViolationException(otherwise);
        }
    }

    public static void Equal<T>(T expected, T actual, string what) =>
        That(EqualityComparer<T>.Default.Equals(expected, actual), $"{what}: expected {Show(expected)}, got {Show(actual)}.");

    public static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what)
    {
        var (wanted, got) = (expected.ToArray(), actual.ToArray());
        That(wanted.SequenceEqual(got), $"{what}: expected [{string.Join(", ", wanted)}], got [{string.Join(", ", got)}].");
    }

    public static CommitResult Committed(CommitResult result)
    {
        That(result.IsCommitted, $"A commit that nothing speaks against was not written: {result.Status} {result.Refusal}{result.Claims?.Code}");
        return result;
    }

    public static void Refused(CommitResult result, CommitStatus status, string? code = null)
    {
        Equal(status, result.Status, "The answer to a commit that must be refused");
        Equal(code, result.Refusal?.Code, "The code of its refusal");
        That(result.Entries.Count == 0, $"A refused commit came back with {result.Entries.Count} entries.");
    }

    /// <summary>Two heads are equal if everything in them is.</summary>
    public static void Same(RunHead expected, RunHead? actual, string what)
    {
        That(actual is not null, $"{what}: there is no such run.");
        Equal(Text(expected), Text(actual), what);
    }

    private static string Text(RunHead head) => string.Join(
        '\n',
        [
            "",
            (head.Row with { Labels = NoLabels }).ToString(),
            "labels " + string.Join(", ", head.Row.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")),
            $"times {head.Row.StartedAt.UtcTicks} {head.Row.ChangedAt.UtcTicks} {head.ReadyAt}",
            .. head.Waits.Select(w => $"{w with { Approval = null }} {w.Approval?.ToJson()}"),
            .. head.Mailbox.Select(s => s.ToString()),
            string.Create(CultureInfo.InvariantCulture, $"seq {head.Seq} hash {Convert.ToHexStringLower(head.Hash.Span)}"),
        ]);

    private static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>();

    private static string Show<T>(T value) => value is null ? "nothing" : $"'{value}'";
}
