using System.Text;
using Microsoft.Extensions.AI;
using OpenAI.Chat;

namespace Signalbox;

/// <summary>Tool calls put together from the pieces of a stream.</summary>
internal sealed class ToolCallPieces
{
    private readonly List<Call> _calls = [];

    public void Add(IEnumerable<StreamingChatToolCallUpdate> pieces)
    {
        foreach (var piece in pieces)
        {
            var call = CallOf(piece);
            call.Id = Given(piece.ToolCallId) ?? call.Id;
            call.Name = Given(piece.FunctionName) ?? call.Name;
            call.Arguments.Append(piece.FunctionArgumentsUpdate is { IsEmpty: false } text ? text.ToString() : "");
        }
    }

    public IList<AIContent> ToContents(string? replyId) =>
        [.. _calls.Select((c, number) => OpenAIReply.Call(c.Id, c.Name, c.Arguments.ToString(), replyId, number))];

    /// <summary>The call that a piece continues. Some servers number all their calls 0, so that another id under the same number is another call.</summary>
    private Call CallOf(StreamingChatToolCallUpdate piece)
    {
        var known = _calls.FindLast(c => c.Index == piece.Index);
        var id = Given(piece.ToolCallId);
        if (known is not null && (id is null || known.Id is null || known.Id == id))
        {
            return known;
        }

        var begun = new Call(piece.Index);
        _calls.Add(begun);
        return begun;
    }

    private static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private sealed class Call(int index)
    {
        public int Index => index;

        public string? Id { get; set; }

        public string? Name { get; set; }

        public StringBuilder Arguments { get; } = new();
    }
}
