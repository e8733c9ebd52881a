using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>
/// What was said in the spans of model calls and tool calls, read from the journal as the dashboard's conversations are, and masked as they are. Of a conversation it keeps what the next call's attribute can hold, and reads only the
/// entries that came since; of one that it has not read, or has forgotten, it reads the visit again. The same journal gives the same content. What was erased, or cannot be read, is not there.
/// </summary>
internal sealed class SpanContents(RunQueries queries, ILogger log, int conversationsMax = 1_024)
{
    private readonly Dictionary<RunId, LinkedListNode<VisitRead>> _byRun = [];
    private readonly LinkedList<VisitRead> _recent = new();
    private int _conversations;

    /// <summary>The attributes of a span that say it.</summary>
    public async ValueTask<IReadOnlyList<KeyValuePair<string, string>>> OfAsync(EndedSpan ended, CancellationToken cancellationToken)
    {
        var span = ended.Span;
        if (span.Type == RunSpanType.Run)
        {
            Forget(span.Run);
        }

        if (span.Type is not (RunSpanType.ModelCall or RunSpanType.ToolCall) || ended.EndedBy is not (EntryKinds.StepCompleted or EntryKinds.StepFailed or EntryKinds.ToolRejected))
        {
            return []; // nothing of it is on record
        }

        try
        {
            return await ReadAsync(ended, cancellationToken);
        }
#pragma warning disable CA1031 // Whatever is in a journal, its spans go on.
        catch (Exception e) when (e is not (OperationCanceledException or StoreUnavailableException or StoreRefusedException))
#pragma warning restore CA1031
        {
            Forget(span.Run);
            log.LogWarning(e, "Telemetry: what was said in entry {Seq} of run {Run} cannot be read; its span is sent without.", span.LastSeq, span.Run);
            return [];
        }
    }

    private async Task<IReadOnlyList<KeyValuePair<string, string>>> ReadAsync(EndedSpan ended, CancellationToken cancellationToken)
    {
        var span = ended.Span;
        var visit = Find(span.Run, ended.VisitSeq, span.LastSeq);
        var said = new List<KeyValuePair<string, string>>();
        foreach (var conversation in await queries.ConversationsAsync(span.Run, visit.Next, span.LastSeq, cancellationToken))
        {
            foreach (var turn in conversation.Messages.GroupBy(m => m.Seq))
            {
                var kept = visit.Of(conversation.Scope, turn.First(), ref _conversations);
                var reply = turn.Where(m => m.FinishReason is not null).ToArray();
                foreach (var message in turn.Where(m => m.FinishReason is null))
                {
                    kept.Add(message);
                }

                if (turn.Key == span.LastSeq)
                {
                    Tell(said, span, kept, turn.First(), reply);
                }

                kept.AddReply(reply);
            }
        }

        visit.Next = span.LastSeq + 1;
        while (_conversations > conversationsMax)
        {
            Forget(_recent.First!.Value.Run);
        }

        return said;
    }

    private static void Tell(List<KeyValuePair<string, string>> said, RunSpan span, KeptConversation kept, MessageView first, MessageView[] reply)
    {
        if (span.Type == RunSpanType.ModelCall)
        {
            Add(SpanAttributes.Instructions, kept.Instructions);
            Add(SpanAttributes.InputMessages, kept.Input());
            Add(SpanAttributes.OutputMessages, KeptConversation.Reply(reply) is { } output ? ContentJson.Messages([output], 0) : null);
            return;
        }

        Add(SpanAttributes.ToolArguments, first.Arguments is { IsMissing: false } arguments ? ContentJson.Value(arguments) : null);
        Add(SpanAttributes.ToolResult, span.Error is null && first is { Fault: null, Content.IsMissing: false } ? ContentJson.Value(first.Content) : null);

        void Add(string name, string? json)
        {
            if (json is not null)
            {
                said.Add(new(name, json));
            }
        }
    }

    private VisitRead Find(RunId run, long visitSeq, long lastSeq)
    {
        if (_byRun.TryGetValue(run, out var node) && node.Value.VisitSeq == visitSeq && node.Value.Next <= lastSeq)
        {
            _recent.Remove(node);
            _recent.AddLast(node);
            return node.Value;
        }

        Forget(run);
        return (_byRun[run] = _recent.AddLast(new VisitRead(run, visitSeq))).Value;
    }

    private void Forget(RunId run)
    {
        if (_byRun.Remove(run, out var node))
        {
            _recent.Remove(node);
            _conversations -= node.Value.Count;
        }
    }

    /// <summary>What was said in a visit so far.</summary>
    private sealed class VisitRead(RunId run, long visitSeq)
    {
        private readonly Dictionary<(string Scope, string Step), KeptConversation> _conversations = [];

        public RunId Run => run;

        public long VisitSeq { get; } = visitSeq;

        /// <summary>The seq of the first entry that it has not read.</summary>
        public long Next { get; set; } = visitSeq;

        public int Count => _conversations.Count;

        /// <summary>The turns of an agent in one scope are one conversation; a call without an agent is one of its own.</summary>
        public KeptConversation Of(string scope, MessageView message, ref int count)
        {
            var key = (scope, message.Turn == 0 ? message.Step : "");
            if (!_conversations.TryGetValue(key, out var kept))
            {
                _conversations[key] = kept = new();
                count++;
            }

            return kept;
        }
    }
}
