using System.Globalization;
using System.Text;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>An entry as a person reads it: one sentence, and lines that back it up.</summary>
internal sealed record EntryText(string What, Tone Tone = Tone.Plain, params string[] Details);

/// <summary>Says in plain words what an entry records. Text from bodies is passed on as it is; the page encodes it.</summary>
internal static class EntryWords
{
    /// <summary><paramref name="apart"/>: what an <see cref="EntryKinds.AgentBegan"/> stores apart, where it is at hand.</summary>
    public static EntryText Of(Entry entry, ReadOnlyMemory<byte>? apart = null)
    {
        try
        {
            return WithCause(entry, Describe(entry, apart));
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException or NullReferenceException or System.Text.Json.JsonException)
        {
            // An altered body may lack what its type says it has. The entry still happened, and is shown.
            return new($"{entry.Kind} {Step(entry)}".TrimEnd(), Tone.Bad, "its body cannot be read; see: signalbox check");
        }
    }

    private static EntryText Describe(Entry entry, ReadOnlyMemory<byte>? apart) => entry.IsErased ? new($"{entry.Kind} {Step(entry)} (erased)", Tone.Dim) : entry.Kind switch
    {
        EntryKinds.RunStarted => Started(Body.Read<RunStarted>(entry), entry),
        EntryKinds.RunLeased => Leased(Body.Read<RunLeased>(entry), entry),
        EntryKinds.RunWaiting => new("parked: only durable waits are left", Tone.Dim),
        EntryKinds.RunReleased => new("given back by its worker", Tone.Dim),
        EntryKinds.RunHeld => Trouble("held", Body.Read<Trouble>(entry)),
        EntryKinds.RunFailed => Trouble("failed", Body.Read<Trouble>(entry)),
        EntryKinds.RunResumed => new($"released by {entry.Actor}: {Verb(Body.Read<Release>(entry).Verb)}", Tone.Strong),
        EntryKinds.RunRetried => new($"retried by {entry.Actor}", Tone.Strong),
        EntryKinds.RunCompleted => new("completed", Tone.Good),
        EntryKinds.RunCanceled => new("canceled", Tone.Attention),
        EntryKinds.RunErased => Erased(Body.Read<RunErased>(entry), entry),
        EntryKinds.CancelRequested => new($"{entry.Actor} asks that it be canceled", Tone.Attention),
        EntryKinds.StepStarted => new($"{(AgentWords.IsTurn(entry, "model") ? "model call " + AgentWords.TurnName(entry) : "step " + Step(entry))} at work", Tone.Dim),
        EntryKinds.StepAttemptFailed => AttemptFailed(Body.Read<StepFailed>(entry), entry),
        EntryKinds.StepCompleted => Completed(Body.Read<StepCompleted>(entry), entry),
        EntryKinds.StepFailed => Missing(Body.Read<StepFailed>(entry), entry),
        _ => AgentWords.Describe(entry, apart) ?? ActionWords.Describe(entry) ?? ClaimWords.Describe(entry) ?? WaitWords.Describe(entry) ?? new($"{entry.Kind} {Step(entry)}".TrimEnd()),
    };

    private static EntryText Erased(RunErased body, Entry entry) =>
        new($"erased by {entry.Actor}: {body.Reason}", Tone.Attention, $"{Words.Count(body.Bodies, "body", "bodies")} of {Words.Count(body.Entries, "entry", "entries")} are gone, with key, labels and causes");

    public static string Step(Entry entry) => Words.Step(entry.Scope, entry.Step);

    public static string Verb(ReleaseVerb verb) => verb switch
    {
        ReleaseVerb.Retry => "try again",
        ReleaseVerb.Accept => "take it as it is",
        ReleaseVerb.Undo => "undo the effects",
        ReleaseVerb.Abandon => "end it as failed",
        _ => verb.ToString(),
    };

    /// <summary>A value of a body on one line, or where it lies.</summary>
    public static string Value(RawJson value) => value switch
    {
        { IsMissing: true } => "",
        { Reference: { } hash } => $"(payload {hash.Value[..12]}…, shown by --full)",
        _ => StoredJson.Compact(value.Utf8),
    };

    private static EntryText Started(RunStarted body, Entry entry)
    {
        var details = new List<string>();
        if (body.Parent is { } parent)
        {
            details.Add($"child of run {parent}");
        }

        return new($"started by {entry.Actor}", Tone.Strong, [.. details]);
    }

    private static EntryText Leased(RunLeased body, Entry entry)
    {
        var taken = string.Create(CultureInfo.InvariantCulture, $"taken by worker {body.Worker}, epoch {entry.Epoch}");
        return body.Deaths == 0
            ? new(taken, Tone.Dim)
            : new($"{taken}; {Words.Count(body.Deaths, "unclean take-over")} in a row without a new step{(body.Alone ? ", driven alone" : "")}", Tone.Attention, "because: " + entry.Cause);
    }

    private static EntryText Trouble(string what, Trouble body) =>
        new($"{what}: {body.Code}", Tone.Bad, [body.Reason, .. body.Steps is { Count: > 0 } steps ? new[] { "about: " + string.Join(", ", steps.Select(s => Words.Step(s.Scope, s.Step))) } : []]);

    private static EntryText AttemptFailed(StepFailed body, Entry entry) =>
        OfAnAgent(body, entry) ?? new(string.Create(CultureInfo.InvariantCulture, $"step {Step(entry)}: attempt {body.Attempts} failed after {Words.Microseconds(body.Microseconds)} ({body.Code})"), Tone.Attention, body.Reason);

    private static EntryText? OfAnAgent(StepFailed body, Entry entry) =>
        body.Tool is not null ? AgentWords.CallFailed(body, entry) : AgentWords.IsTurn(entry, body.Type) ? AgentWords.TurnFailed(body, entry) : null;

    private static EntryText Missing(StepFailed body, Entry entry) =>
        OfAnAgent(body, entry) ?? new($"step {Step(entry)}: {(body.Type == "evidence" ? "MISSING" : "FAILED")}, {body.Reason} ({body.Code}; {Words.Count(body.Attempts, "attempt")}, {Words.Microseconds(body.Microseconds)})", Tone.Bad);

    private static EntryText Completed(StepCompleted body, Entry entry)
    {
        if (body.Tool is not null)
        {
            return AgentWords.Called(body, entry);
        }

        if (body.Model is { Agent: not null } turn)
        {
            return AgentWords.Turn(body, turn, entry);
        }

        if (body.Type == "look")
        {
            return ActionWords.Looked(body, entry);
        }

        var taken = Taken(body);
        if (body.Model is not { } model)
        {
            return new($"step {Step(entry)}: {taken}", Tone.Plain, "= " + Value(body.Result));
        }

        var said = new StringBuilder($"model call {Step(entry)}: {(model.Model.Length == 0 ? "unnamed model" : model.Model)}, ");
        said.Append(CultureInfo.InvariantCulture, $"{Tokens(model.InputTokens)} tokens in{(model.CachedInputTokens > 0 ? $" ({Tokens(model.CachedInputTokens)} cached)" : "")}, {Tokens(model.OutputTokens)} out, {taken}");
        return new(said.ToString(), Tone.Plain, "= " + Value(Answer(body.Result)));
    }

    /// <summary>How long a step took, in how many attempts, and how old its result was.</summary>
    public static string Taken(StepCompleted body) =>
        Words.Microseconds(body.Microseconds) + (body.Attempts > 1 ? $", {body.Attempts} attempts" : "") + (body.CachedMicroseconds is { } age ? $", from the cache, {Words.Microseconds(age)} old" : "");

    /// <summary>Of a model's recorded answer the typed part: the rest is said in the line above.</summary>
    private static RawJson Answer(RawJson result)
    {
        if (result.IsMissing || result.Reference is not null)
        {
            return result;
        }

        using var answer = System.Text.Json.JsonDocument.Parse(result.Utf8, StoredJson.Options);
        return answer.RootElement.ValueKind == System.Text.Json.JsonValueKind.Object && answer.RootElement.TryGetProperty("value", out var value)
            ? new RawJson(Encoding.UTF8.GetBytes(value.GetRawText()))
            : result;
    }

    private static string Tokens(long? tokens) => tokens is { } n ? Words.Number(n) : "?";

    /// <summary>The cause, unless the words say it already.</summary>
    private static EntryText WithCause(Entry entry, EntryText text) =>
        entry.Cause.Length == 0 || IsRoutine(entry.Kind) || text.What.Contains(entry.Cause, StringComparison.OrdinalIgnoreCase) || text.Details.Any(d => d.Contains(entry.Cause, StringComparison.OrdinalIgnoreCase))
            ? text
            : text with { Details = ["because: " + entry.Cause, .. text.Details] };

    /// <summary>Kinds whose cause is always the same and tells nobody anything.</summary>
    private static bool IsRoutine(string kind) => kind is EntryKinds.RunWaiting or EntryKinds.RunLeased or EntryKinds.RunStarted or EntryKinds.SignalReceived or EntryKinds.WaitOpened or EntryKinds.ActionIntended or EntryKinds.ActionExecuted or EntryKinds.ApprovalAnswered or EntryKinds.ActionProposed
        or EntryKinds.DecisionMade or EntryKinds.ToolRejected or EntryKinds.AnswerRejected;
}
