using System.Globalization;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Checking;

/// <summary>Compares a run as the store has it with what its entries make of it, member by member.</summary>
internal static class RowDifferences
{
    public static IEnumerable<(string Expected, string Got)> Between(RunHead folded, RunHead stored)
    {
        foreach (var (name, expected, got) in Members(folded).Zip(Members(stored), (e, g) => (e.Name, e.Value, g.Value)))
        {
            if (expected != got)
            {
                yield return ($"{name} {Shown(expected)}", $"{name} {Shown(got)}");
            }
        }
    }

    private static IEnumerable<(string Name, string? Value)> Members(RunHead head)
    {
        var row = head.Row;
        return
        [
            ("run", row.Run.Value),
            ("workflow", row.Workflow),
            ("version", Text(row.Version)),
            ("fingerprint", row.Fingerprint),
            ("key", row.Key),
            ("labels", string.Join(", ", row.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"))),
            ("parent", row.Parent?.Value),
            ("parentStep", row.ParentStep),
            ("status", row.Status.ToString()),
            ("state", row.State),
            ("visit", Text(row.Visit)),
            ("visitSeq", Text(row.VisitSeq)),
            ("reasonCode", row.ReasonCode),
            ("reason", row.Reason),
            ("epoch", Text(row.Epoch)),
            ("worker", row.Worker),
            ("leaseSeq", Text(row.LeaseSeq)),
            ("deaths", Text(row.Deaths)),
            ("alone", row.Alone ? "yes" : "no"),
            ("deathsAlone", Text(row.DeathsAlone)),
            ("cancelRequested", row.CancelRequested ? "yes" : "no"),
            ("spent", row.Spent == Spending.None ? null : row.Spent.ToString()),
            ("startedAt", Text(Journal.Microseconds.From(row.StartedAt))),
            ("changedAt", Text(Journal.Microseconds.From(row.ChangedAt))),
            ("waits", string.Join("; ", head.Waits.OrderBy(w => w.Seq).Select(w => $"{w.Kind} {w.Scope} {w.Step} {w.Name} {w.Due?.ToString(CultureInfo.InvariantCulture)} entry {Text(w.Seq)}"))),
            ("approvals", head.Waits.Any(w => w.Approval is not null) ? string.Join("; ", head.Waits.Where(w => w.Approval is not null).OrderBy(w => w.Seq).Select(w => w.Approval!.ToJson())) : null),
            ("mailbox", string.Join("; ", head.Mailbox.OrderBy(s => s.Seq).Select(s => $"{s.Name} entry {Text(s.Seq)}"))),
        ];
    }

    private static string Shown(string? value) => value is null ? "none" : $"'{value}'";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
