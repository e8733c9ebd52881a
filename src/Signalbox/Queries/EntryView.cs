using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// One entry, whole: its header, and its body as JSON with the payloads that it refers to put in their place, masked. <paramref name="Body"/> is null for an empty body; <paramref name="Fault"/> says what of it is
/// missing, altered or erased. What is missing stands as <c>{"$payload":"…","missing":true}</c>; in a list, what is longer than <see cref="RunQueries.ListedBytesMax"/> as
/// <c>{"$cut":"its begin…","bytes":N,"payload":"…"}</c>.
/// </summary>
public sealed record EntryView(
    long Position, RunId Run, long Seq, int Epoch, long At, string Kind, string State, int Visit, string Scope, string Step, string Actor, string Cause, RawJson? Body, string Hash, string? Fault = null);

/// <summary>
/// What a model was asked and answered in one scope, word for word, in the order of its recording: an agent's tier (or one sample of it), or a single call without an agent, which has no <paramref name="Agent"/> and no
/// <paramref name="Tier"/>. <paramref name="Configuration"/> is what the agent worked under.
/// </summary>
public sealed record ConversationView(RunId Run, int Visit, string Scope, string Agent, string Tier, RawJson? Configuration, IReadOnlyList<MessageView> Messages);

/// <summary>
/// One message. <paramref name="Role"/> is <c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>; <paramref name="Text"/> is its text; <paramref name="Content"/> is the whole message as JSON, and of a tool the answer
/// that the model was given; <paramref name="Seq"/> is the entry that it stands in; <paramref name="Turn"/> is 0 without an agent. <paramref name="Fault"/>: it is missing or altered.
/// </summary>
public sealed record MessageView(long Seq, long At, int Turn, string Role, string Text, RawJson Content, string? Model = null, string? Fault = null)
{
    /// <summary>The step that it stands in.</summary>
    public string Step { get; init; } = "";

    /// <summary>Why the model stopped here, of its reply.</summary>
    public string? FinishReason { get; init; }

    /// <summary>The tool that answers, or would have: as the model named it.</summary>
    public string? Tool { get; init; }

    /// <summary>The call that is answered.</summary>
    public string? CallId { get; init; }

    /// <summary>The arguments of that call.</summary>
    public RawJson? Arguments { get; init; }

    /// <summary>One of <see cref="RejectionCodes"/>, where the call was not carried out.</summary>
    public string? Rejected { get; init; }
}
