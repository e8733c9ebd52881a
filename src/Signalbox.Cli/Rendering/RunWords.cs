using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>What is said of a run in more than one command.</summary>
internal static class RunWords
{
    public static Tone ToneOf(RunStatus status) => status switch
    {
        RunStatus.Completed => Tone.Good,
        RunStatus.Held or RunStatus.Failed => Tone.Bad,
        RunStatus.Waiting => Tone.Attention,
        RunStatus.Canceled => Tone.Dim,
        _ => Tone.Plain,
    };

    public static string Status(RunHead head)
    {
        var row = head.Row;
        return row.Status
            + (row.ReasonCode is null ? "" : $" {row.ReasonCode}")
            + (head.Waits.Any(w => w.Kind == WaitKind.Approval) ? ", asks" : "")
            + (row.CancelRequested && row.IsOpen ? ", to be canceled" : "")
            + (row.IsErased ? ", erased" : "");
    }

    public static string Labels(RunRow row) => string.Join(' ', row.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));

    public static string Standing(RunHead head)
    {
        var row = head.Row;
        return $"Run {row.Run} is {row.Status}{(row.ReasonCode is null ? "" : $" ({row.ReasonCode})")}{(row.State.Length == 0 ? "" : $" in state {row.State}, visit {row.Visit}")}."
            + (row.CancelRequested && row.IsOpen ? " It is to be canceled." : "");
    }
}
