using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// One entry, whole: its header, and its body as JSON with the payloads that it refers to put in their place, masked. <paramref name="Body"/> is null for an empty body; <paramref name="Fault"/> says what of it is
/// missing, altered or erased.
/// </summary>
public sealed record EntryView(
    long Position, RunId Run, long Seq, int Epoch, long At, string Kind, string State, int Visit, string Scope, string Step, string Actor, string Cause, RawJson? Body, string Hash, string? Fault = null);

/// <summary>
/// What an agent's tier was asked and answered, word for word, in order. <paramref name="Configuration"/> is what the agent worked under.
/// </summary>
public sealed record ConversationView(RunId Run, int Visit, string Scope, string Agent, string Tier, RawJson? Configuration, IReadOnlyList<MessageView> Messages);

/// <summary>
/// One message. <paramref name="Role"/> is <c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>; <paramref name="Text"/> is its text; <paramref name="Content"/> is the whole message as JSON; <paramref name="Seq"/> is
/// the entry that it stands in.
/// </summary>
public sealed record MessageView(long Seq, long At, int Turn, string Role, string Text, RawJson Content, string? Model = null, string? Fault = null);
