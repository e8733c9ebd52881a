using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Signalbox.Providers;

/// <summary>
/// Stands between a provider's client and its caller: every failure leaves it as a <see cref="ModelException"/>, a call has a time limit, and a finish reason is seen only
/// once the whole reply has come. The caller's own cancellation stays an <see cref="OperationCanceledException"/>. Safe to call from several threads.
/// <paramref name="own"/> knows the exceptions that only this provider's library throws.
/// </summary>
internal sealed class GuardedChatClient(IChatClient inner, Provider provider, HttpClient http, Func<Exception, ModelException?>? own = null) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using var limit = new CallLimit(provider, cancellationToken);
        ChatResponse reply;
        try
        {
            limit.Start();
            AnswerHandler.Answered.Value = limit;
            reply = await base.GetResponseAsync(messages, options, limit.Token);
        }
        catch (Exception e)
        {
            throw Translated(e, limit, begun: false);
        }

        return reply.FinishReason is null ? throw Unfinished() : reply;
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using var limit = new CallLimit(provider, cancellationToken);
        await using var updates = base.GetStreamingResponseAsync(messages, options, limit.Token).GetAsyncEnumerator(limit.Token);
        var held = new List<ChatResponseUpdate>();
        var begun = false;
        while (await NextAsync(updates, limit, begun))
        {
            begun = true;
            if (held.Count == 0 && updates.Current.FinishReason is null)
            {
                yield return updates.Current;
            }
            else
            {
                held.Add(updates.Current); // a finish reason says that all is there, which nobody knows before the stream has ended well
            }
        }

        foreach (var update in held.Count > 0 ? held : throw Unfinished())
        {
            yield return update;
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            http.Dispose();
        }
    }

    private async Task<bool> NextAsync(IAsyncEnumerator<ChatResponseUpdate> updates, CallLimit limit, bool begun)
    {
        try
        {
            limit.Start();
            AnswerHandler.Answered.Value = limit;
            var more = await updates.MoveNextAsync();
            limit.Pause(); // what the caller does with a piece is not the provider's time
            return more;
        }
        catch (Exception e)
        {
            throw Translated(e, limit, begun);
        }
    }

    private Exception Translated(Exception e, CallLimit limit, bool begun)
    {
        if (limit.IsCallers)
        {
            return new OperationCanceledException("The model call was cancelled by its caller.", limit.CallersToken);
        }

        var known = Causes(e).OfType<ModelException>().FirstOrDefault()
            ?? (limit.IsOver ? provider.Trouble(ModelTrouble.TimedOut, $"gave no answer within {Provider.Seconds(provider.Timeout)}.") : ByType(e, limit.IsAnswered));
        return begun ? new ModelException(known.Trouble, known.Message, known.RetryAfter, known.InnerException) { HadBegun = true } : known;
    }

    private ModelException ByType(Exception e, bool answered) => Causes(e).Select(Known).FirstOrDefault(t => t is not null) ?? (answered
        ? provider.Trouble(ModelTrouble.Unreadable, "sent an answer that is not in its format.", inner: e) // client libraries read JSON by hand: it shows as any exception
        : Refused(e));

    private ModelException? Known(Exception e) => own?.Invoke(e) ?? e switch
    {
        HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } h => provider.Trouble(ModelTrouble.Cut, $"cannot be reached, or hung up ({h.HttpRequestError}).", inner: e),
        IOException or HttpRequestException => provider.Trouble(ModelTrouble.Cut, "hung up before its answer was complete.", inner: e),
        OperationCanceledException or TimeoutException => provider.Trouble(ModelTrouble.TimedOut, "gave no answer in time.", inner: e),
        _ => null,
    };

    /// <summary>What fails before there is an answer speaks of the question.</summary>
    private ModelException Refused(Exception e) => e is ArgumentException or NotSupportedException or InvalidOperationException or FormatException or JsonException
        ? provider.Trouble(ModelTrouble.InvalidRequest, $"cannot be asked this: {provider.Clean(e.Message)}", inner: e)
        : provider.Trouble(ModelTrouble.Failed, $"could not be asked: {e.GetType().Name}.", inner: e);

    private ModelException Unfinished() => new(ModelTrouble.Cut, $"{provider.Name} ended its answer before it was complete: it has no finish reason.") { HadBegun = true };

    private static IEnumerable<Exception> Causes(Exception e) =>
        e is AggregateException several ? several.InnerExceptions.SelectMany(Causes) : e.InnerException is null ? [e] : [e, .. Causes(e.InnerException)];

    /// <summary>The provider's time limit and the caller's cancellation, told apart.</summary>
    private sealed class CallLimit : IDisposable, IAnswered
    {
        private readonly Provider _provider;
        private readonly CancellationTokenSource _limit;
        private readonly CancellationTokenSource _either;

        public CallLimit(Provider provider, CancellationToken caller)
        {
            _provider = provider;
            CallersToken = caller;
            _limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, provider.Clock);
            _either = CancellationTokenSource.CreateLinkedTokenSource(_limit.Token, caller);
        }

        public CancellationToken Token => _either.Token;

        public CancellationToken CallersToken { get; }

        public bool IsAnswered { get; private set; }

        public bool IsCallers => CallersToken.IsCancellationRequested;

        public bool IsOver => _limit.IsCancellationRequested;

        public void HasAnswer() => IsAnswered = true;

        public void Start() => _limit.CancelAfter(_provider.Timeout);

        public void Pause() => _limit.CancelAfter(Timeout.InfiniteTimeSpan);

        public void Dispose()
        {
            _either.Dispose();
            _limit.Dispose();
        }
    }
}
