using System.Text;

namespace Signalbox.Providers.Tests.Wire;

/// <summary>A part of a reply.</summary>
public abstract record WireBlock
{
    public sealed record Text(string Value) : WireBlock;

    public sealed record Thinking(string Value, string Signature) : WireBlock;

    /// <summary>A call as the model writes it: the arguments are text, and may be no JSON.</summary>
    public sealed record ToolCall(string Id, string Name, string Arguments) : WireBlock;
}

/// <summary>Why a reply ends.</summary>
public enum WireFinish
{
    Stop,
    ToolCalls,
    Length,
    Refusal,
    None,
}

/// <summary>What a reply used, in tokens. Input comes fresh, written to the cache, or read from it.</summary>
public sealed record WireUsage(int Fresh = 120, int CacheWrite = 30, int CacheRead = 50, int Output = 17, int Reasoning = 9)
{
    public int Input => Fresh + CacheWrite + CacheRead;
}

/// <summary>How the server stops sending.</summary>
internal enum WireEnd
{
    Complete,
    Cut,
    Dropped,
    Silent,
}

/// <summary>
/// One answer of a <see cref="ModelWireServer"/>, as data: a reply that the server writes in the format that was asked (Anthropic's or OpenAI's, whole or as events), an
/// error, or plain bytes; and where it breaks off, if it does.
/// </summary>
public sealed record WireReply
{
    private WireReply()
    {
    }

    public IReadOnlyList<WireBlock> Blocks { get; private init; } = [];

    public WireFinish Finish { get; private init; }

    public WireUsage Usage { get; init; } = new();

    internal int Status { get; private init; } = 200;

    internal (string Type, string Message)? Error { get; private init; }

    internal byte[]? Body { get; private init; }

    internal string ContentType { get; private init; } = "application/json";

    internal IReadOnlyList<(string Name, string Value)> Headers { get; private init; } = [];

    internal WireEnd End { get; private init; }

    /// <summary>How many bytes of the body are sent before it breaks off; below 0 not even the status is.</summary>
    internal int Sent { get; private init; } = int.MaxValue;

    /// <summary>A complete text.</summary>
    public static WireReply Text(string text) => Of(WireFinish.Stop, new WireBlock.Text(text));

    /// <summary>A call of one tool.</summary>
    public static WireReply ToolCall(string name, string arguments, string id = "call_1") => Of(WireFinish.ToolCalls, new WireBlock.ToolCall(id, name, arguments));

    /// <summary>Any reply.</summary>
    public static WireReply Of(WireFinish finish, params IReadOnlyList<WireBlock> blocks) => new() { Finish = finish, Blocks = blocks };

    /// <summary>An error, in the shape of the provider that is asked.</summary>
    public static WireReply Failure(int status, string type, string message = "No.") => new() { Status = status, Error = (type, message) };

    /// <summary>Whatever bytes.</summary>
    public static WireReply Raw(string body, string contentType = "application/json", int status = 200) =>
        new() { Body = Encoding.UTF8.GetBytes(body), ContentType = contentType, Status = status };

    /// <summary>A stream of events as it stands.</summary>
    public static WireReply Events(string body) => Raw(body, "text/event-stream");

    /// <summary>The server takes the request and never answers.</summary>
    public static WireReply Never() => new WireReply().SilentAt(-1);

    /// <summary>The server takes the request and hangs up.</summary>
    public static WireReply HangUp() => new WireReply().DroppedAt(-1);

    public WireReply With(string header, string value) => this with { Headers = [.. Headers, (header, value)] };

    /// <summary>The server ends its answer in good order after so many bytes of the body, as a proxy does whose back end is gone.</summary>
    public WireReply CutAt(int bytes) => this with { End = WireEnd.Cut, Sent = bytes };

    /// <summary>The connection breaks after so many bytes of the body.</summary>
    public WireReply DroppedAt(int bytes) => this with { End = WireEnd.Dropped, Sent = bytes };

    /// <summary>After so many bytes of the body the server says nothing more, until the client goes away.</summary>
    public WireReply SilentAt(int bytes) => this with { End = WireEnd.Silent, Sent = bytes };
}
