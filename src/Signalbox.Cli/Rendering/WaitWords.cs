using System.Globalization;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Waits, signals, questions and children in words.</summary>
internal static class WaitWords
{
    public static EntryText? Describe(Entry entry) => entry.Kind switch
    {
        EntryKinds.WaitOpened => Opened(Body.Read<WaitOpened>(entry), entry),
        EntryKinds.WaitCompleted => Completed(Body.Read<WaitCompleted>(entry), entry),
        EntryKinds.WaitWithdrawn => new($"wait {EntryWords.Step(entry)}: withdrawn", Tone.Dim),
        EntryKinds.SignalReceived => Received(Body.Read<SignalReceived>(entry), entry),
        EntryKinds.SignalSent => Sent(Body.Read<SignalSent>(entry)),
        EntryKinds.ApprovalRequested => Asked(Body.Read<ApprovalRequested>(entry), entry),
        EntryKinds.ApprovalAnswered => Answered(Body.Read<ApprovalAnswered>(entry), entry),
        EntryKinds.ApprovalExpired => new($"question {EntryWords.Step(entry)}: nobody answered in time, so '{Body.Read<ApprovalAnswered>(entry).Choice}' counts", Tone.Attention),
        EntryKinds.ApprovalWithdrawn => new($"question {EntryWords.Step(entry)}: withdrawn", Tone.Dim),
        EntryKinds.ApprovalIgnored => Ignored(Body.Read<ApprovalAnswered>(entry), entry),
        EntryKinds.ChildStarted => Child(Body.Read<ChildStarted>(entry)),
        _ => null,
    };

    /// <summary>An open wait, for the summary of a run.</summary>
    public static string Open(OpenWait wait, DateTimeOffset now) => (wait.Kind, wait.Due) switch
    {
        (WaitKind.Approved, { } due) => $"the intent of the approved action {Words.Step(wait.Scope, wait.Step)}, good until {Words.Due(due, now)}",
        (WaitKind.Claim, { } due) => $"action {Words.Step(wait.Scope, wait.Step)} waits for its turn, at most until {Words.Due(due, now)}",
        (WaitKind.Claim, _) => $"action {Words.Step(wait.Scope, wait.Step)} waits for its turn",
        (WaitKind.Signal, { } due) => $"signal '{wait.Name}', at most until {Words.Due(due, now)}",
        (WaitKind.Signal, _) => $"signal '{wait.Name}', without a time limit",
        (_, { } due) => $"timer {Words.Step(wait.Scope, wait.Step)}, due {Words.Due(due, now)}",
        _ => Words.Step(wait.Scope, wait.Step),
    };

    private static EntryText Opened(WaitOpened body, Entry entry) => new(
        (body.Signal, body.Due) switch
        {
            ({ } signal, { } due) => $"waits for the signal '{signal}', at most until {Words.Time(Microseconds.ToTime(due))}",
            ({ } signal, _) => $"waits for the signal '{signal}'",
            (_, { } due) => $"waits ({EntryWords.Step(entry)}) until {Words.Time(Microseconds.ToTime(due))}",
            _ => $"waits ({EntryWords.Step(entry)})",
        },
        Tone.Attention);

    private static EntryText Completed(WaitCompleted body, Entry entry) => body.SignalSeq is { } seq
        ? new(string.Create(CultureInfo.InvariantCulture, $"wait {EntryWords.Step(entry)}: over, by the signal of entry {seq}"), Tone.Plain, body.Value is { IsMissing: false } value ? ["= " + EntryWords.Value(value)] : [])
        : new($"wait {EntryWords.Step(entry)}: over, its time has come");

    private static EntryText Received(SignalReceived body, Entry entry) => new($"signal '{body.Name}' from {entry.Actor}", Tone.Strong, "= " + EntryWords.Value(body.Value));

    private static EntryText Sent(SignalSent body) => new($"signal '{body.Name}' sent to run {body.To}");

    private static EntryText Asked(ApprovalRequested body, Entry entry)
    {
        var details = new List<string> { "choices: " + string.Join(" | ", body.Choices) };
        if (body.Due is { } due)
        {
            details.Add($"until {Words.Time(Microseconds.ToTime(due))}, then '{body.Safe}' counts");
        }

        if (body.Terms is { } terms)
        {
            details.Add($"needs: {(terms.Quorum == 1 ? "one person" : Words.Number(terms.Quorum) + " different people")} in the role {string.Join(" or ", terms.Roles)}{(terms.Barred is { Count: > 0 } barred ? $", but not {string.Join(", ", barred)}" : "")}");
        }

        if (body.Action is { } action)
        {
            details.Add($"about: {action.Action} {EntryWords.Value(action.Arguments)}");
        }

        details.AddRange((body.Why ?? []).Select(why => "because: " + why));
        if (body.Details is { IsMissing: false } shown)
        {
            details.Add("details: " + EntryWords.Value(shown));
        }

        return new($"question {EntryWords.Step(entry)}: {body.Title}", Tone.Attention, [.. details]);
    }

    private static EntryText Answered(ApprovalAnswered body, Entry entry) => new($"question {EntryWords.Step(entry)}: {entry.Actor} answered '{body.Choice}'", Tone.Strong, [.. Answer(body)]);

    private static EntryText Ignored(ApprovalAnswered body, Entry entry) => new($"answer '{body.Choice}' of {entry.Actor} changed nothing", Tone.Attention, [.. Answer(body)]);

    private static IEnumerable<string> Answer(ApprovalAnswered body)
    {
        if (body.Comment is { } comment)
        {
            yield return "comment: " + comment;
        }

        if (body.Roles is { Count: > 0 } roles)
        {
            yield return $"roles: {string.Join(", ", roles.Select(r => r == Caller.AnyRole ? "every role" : r))}";
        }

        if (body.Hash is { } hash)
        {
            yield return "for the arguments with the hash " + hash;
        }

        if (body.Edited is { IsMissing: false } edited)
        {
            yield return "proposes instead: " + EntryWords.Value(edited);
        }
    }

    private static EntryText Child(ChildStarted body) => new($"child run {body.Child} of workflow {body.Workflow} started");
}
