using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox.Testing;

/// <summary>
/// A model's reply as data: what it says, or what goes wrong. Immutable; made of parts by <see cref="And"/>. As JSON it is one line:
/// <code>
/// {"text":"let me look"}
/// {"contents":[{"reasoning":"hm","protected":"sig"},{"text":"so"},{"call":"lookup","id":"call-1","arguments":{"ip":"192.0.2.7"}}],"usage":{"input":120,"output":9,"cached":50}}
/// {"text":"{\"decision\":\"bl","finish":"length","model":"claude-haiku-5-5"}
/// {"error":{"type":"ModelException","trouble":"RateLimited","message":"slow down","retryAfterSeconds":3}}
/// </code>
/// Without <c>finish</c> it is <c>tool_calls</c> or <c>stop</c>, as the contents have it; null means cut. Without <c>usage</c> characters are counted; null means that none is told. Without
/// <c>model</c> it is the client's. <c>afterSeconds</c> and <c>silentSeconds</c> are <see cref="After"/> and <see cref="Silent"/>; an <c>error</c> beside contents is <see cref="BrokenBy"/>.
/// Contents of other kinds stand as Microsoft.Extensions.AI writes them, with their <c>$type</c>.
/// </summary>
public sealed record ScriptedReply
{
    internal ScriptedReply()
    {
    }

    internal IReadOnlyList<AIContent> Contents { get; init; } = [];

    internal ChatFinishReason? Finish { get; init; } = ChatFinishReason.Stop;

    internal Exception? Failure { get; init; }

    internal TimeSpan Delay { get; init; }

    internal TimeSpan Silence { get; init; }

    internal bool IgnoresCancellation { get; init; }

    /// <summary>Who speaks; null: the response has no message at all.</summary>
    internal ChatRole? Role { get; init; } = ChatRole.Assistant;

    internal bool CountsUsage { get; init; } = true;

    internal UsageDetails? Usage { get; init; }

    internal string? Model { get; init; }

    /// <summary>A complete text.</summary>
    public static ScriptedReply Text(string text) => Of(new TextContent(text));

    /// <summary>A value as JSON, written as Signalbox writes answers.</summary>
    public static ScriptedReply Json<T>(T value) => Text(JsonSerializer.Serialize(value, SignalboxJson.Options));

    /// <summary>A value as JSON within a Markdown fence, as models like to write it.</summary>
    public static ScriptedReply FencedJson<T>(T value) => Text($"```json\n{JsonSerializer.Serialize(value, SignalboxJson.Options)}\n```");

    /// <summary>A call of a tool. For several at once, join them by <see cref="And"/> and give each an id of its own.</summary>
    public static ScriptedReply ToolCall(string name, IDictionary<string, object?>? arguments = null, string callId = "call-1") => Of(new FunctionCallContent(callId, name, arguments));

    /// <summary>A block of reasoning with what its provider wants to see again (a signature), to be followed by <see cref="And"/>.</summary>
    public static ScriptedReply Reasoning(string text, string? protectedData = null) => Of(new TextReasoningContent(text) { ProtectedData = protectedData });

    /// <summary>Any contents, in order; its finish reason is <c>tool_calls</c> with a call among them, else <c>stop</c>.</summary>
    public static ScriptedReply Of(params IEnumerable<AIContent> contents)
    {
        AIContent[] all = [.. contents];
        return new() { Contents = all, Finish = FinishOf(all) };
    }

    /// <summary>The call throws.</summary>
    public static ScriptedReply Throw(Exception failure) => new() { Failure = failure };

    /// <summary>The reply was cut: it has no finish reason. As a stream it ends after this text, without usage.</summary>
    public static ScriptedReply Cut(string text) => Text(text).Finished(null);

    /// <summary>The reply reached its length limit.</summary>
    public static ScriptedReply Truncated(string text) => Text(text).Finished(ChatFinishReason.Length);

    /// <summary>The model or its provider refused.</summary>
    public static ScriptedReply Refused(string text = "") => Text(text).Finished(ChatFinishReason.ContentFilter);

    /// <summary>A reply from its JSON form.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static ScriptedReply FromJson(string json) => ReplyJson.Read(json);

    /// <summary>
    /// The replies of a JSON-lines file, in order: one a line, empty lines left out. A file that <see cref="RecordingChatClient"/> wrote gives the replies that it recorded.
    /// </summary>
    /// <exception cref="FormatException">A line is no reply; the message has its number.</exception>
    public static IReadOnlyList<ScriptedReply> ReadFile(string path) => [.. JsonLines.Read(path).Select(line => line.Reply).OfType<ScriptedReply>()];

    /// <summary>This reply's JSON form, on one line. An exception keeps its kind where <see cref="FromJson"/> knows it, its message and, of a <see cref="ModelException"/>, what it says.</summary>
    public string ToJson() => ReplyJson.Write(this).ToJsonString(ContentJson.Options);

    /// <summary>This reply and, in the same message, what the next one says. How it ends is the next one's.</summary>
    public ScriptedReply And(ScriptedReply next)
    {
        ArgumentNullException.ThrowIfNull(next);
        AIContent[] all = [.. Contents, .. next.Contents];
        return this with
        {
            Contents = all,
            Finish = next.Finish == ChatFinishReason.Stop ? FinishOf(all) : next.Finish,
            Failure = next.Failure ?? Failure,
            Delay = Delay + next.Delay,
            Silence = Silence + next.Silence,
            CountsUsage = CountsUsage && next.CountsUsage,
            Usage = next.Usage ?? Usage,
            Model = next.Model ?? Model,
        };
    }

    /// <summary>The same reply under another finish reason; null: it was cut.</summary>
    public ScriptedReply Finished(ChatFinishReason? reason) => this with { Finish = reason };

    /// <summary>The same reply with so many tokens used; <paramref name="cached"/> are among <paramref name="input"/>. Otherwise characters of text are counted.</summary>
    public ScriptedReply Used(long input, long output, long? cached = null) =>
        this with { CountsUsage = false, Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, CachedInputTokenCount = cached } };

    /// <summary>The same reply in the name of another model than the client's.</summary>
    public ScriptedReply By(string model) => this with { Model = model };

    /// <summary>The same reply after so much time by the client's clock; <see cref="Timeout.InfiniteTimeSpan"/>: never.</summary>
    public ScriptedReply After(TimeSpan delay) => this with { Delay = delay };

    /// <summary>As a stream, the same reply with so much silence after its first half; <see cref="Timeout.InfiniteTimeSpan"/>: for ever. Not as a stream, it comes that much later.</summary>
    public ScriptedReply Silent(TimeSpan silence) => this with { Silence = silence };

    /// <summary>As a stream, the same reply broken off after its first half by an exception. Not as a stream, the call throws it.</summary>
    public ScriptedReply BrokenBy(Exception failure) => this with { Failure = failure };

    internal static ChatFinishReason FinishOf(IEnumerable<AIContent> contents) => contents.Any(c => c is FunctionCallContent) ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;

    internal async Task<ChatResponse> AnswerAsync(ScriptedRequest request, string model, TimeProvider clock, CancellationToken cancellationToken)
    {
        await WaitAsync(Delay, clock, cancellationToken);
        await WaitAsync(Silence, clock, cancellationToken);
        if (Failure is not null)
        {
            throw Failure;
        }

        return new ChatResponse(Role is { } role ? [new ChatMessage(role, [.. Contents])] : []) { ModelId = Model ?? model, FinishReason = Finish, Usage = UsageFor(request) };
    }

    internal async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(ScriptedRequest request, string model, TimeProvider clock, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await WaitAsync(Delay, clock, cancellationToken);
        List<AIContent> pieces = [.. Contents.SelectMany(Pieces)];
        var half = (pieces.Count + 1) / 2;
        for (var i = 0; i < half; i++)
        {
            yield return Update(pieces[i], model);
        }

        await WaitAsync(Silence, clock, cancellationToken);
        if (Failure is not null)
        {
            throw Failure;
        }

        for (var i = half; i < pieces.Count; i++)
        {
            yield return Update(pieces[i], model);
        }

        if (Finish is not null)
        {
            yield return new ChatResponseUpdate(Role, UsageFor(request) is { } usage ? [new UsageContent(usage)] : []) { ModelId = Model ?? model, FinishReason = Finish };
        }
    }

    private ChatResponseUpdate Update(AIContent piece, string model) => new(Role, [piece]) { ModelId = Model ?? model };

    private UsageDetails? UsageFor(ScriptedRequest request) => CountsUsage
        ? new UsageDetails { InputTokenCount = request.Messages.Sum(m => (long)m.Text.Length), OutputTokenCount = Contents.OfType<TextContent>().Sum(t => (long)t.Text.Length) }
        : Usage;

    private Task WaitAsync(TimeSpan time, TimeProvider clock, CancellationToken cancellationToken) =>
        time == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(time, clock, IgnoresCancellation ? CancellationToken.None : cancellationToken);

    /// <summary>A text comes in up to four pieces; a call comes whole; reasoning before what is protected of it.</summary>
    private static IEnumerable<AIContent> Pieces(AIContent content) => content switch
    {
        TextContent { AdditionalProperties: null, Annotations: null } text => Quarters(text.Text).Select(t => new TextContent(t)),
        TextReasoningContent { AdditionalProperties: null } reasoning => [
            .. Quarters(reasoning.Text).Select(t => new TextReasoningContent(t)),
            .. reasoning.ProtectedData is { } data ? [new TextReasoningContent("") { ProtectedData = data }] : (TextReasoningContent[])[]],
        _ => [content],
    };

    private static IEnumerable<string> Quarters(string text)
    {
        var length = Math.Max(1, (text.Length + 3) / 4);
        for (var start = 0; start < text.Length;)
        {
            var end = Math.Min(text.Length, start + length);
            end += end < text.Length && char.IsHighSurrogate(text[end - 1]) ? 1 : 0; // no provider sends half a character
            yield return text[start..end];
            start = end;
        }
    }
}
