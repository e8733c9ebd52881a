using System.Text.Json;
using Microsoft.Extensions.AI;
using Polly;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>What a turn of a conversation is asked with: everything so far, and of that what no entry holds yet.</summary>
internal sealed record TurnRequest(int Number, IReadOnlyList<ChatMessage> Conversation, IReadOnlyList<Payload> Fresh, long Bytes, ChatOptions Options);

/// <summary>
/// One model call of an agent as a step: its reservation is durable before it, the reply with what it came to after it. Trouble is tried again within the model's limits, each failed attempt
/// an entry; a provider's breaker and a model's rate stand before every attempt.
/// </summary>
internal sealed class ModelTurn(VisitScope scope, string agent, string tier, Func<Spending, string?> lacks)
{
    private const string BudgetCode = "budget_exhausted";

    private VisitEngine Visit => scope.Engine;

    /// <summary>Asks, once and for all: a turn that was recorded is found by its number.</summary>
    /// <exception cref="StepFailedException">The model gave no reply.</exception>
    /// <exception cref="TierFailedException">The budget does not suffice.</exception>
    public async Task<(ModelCall Call, ReadOnlyMemory<byte> Reply, long Seq)> AskAsync(string step, Model model, TurnRequest request)
    {
        var options = model.Options;
        try
        {
            var (completed, seq) = await Visit.StepAsync(scope.ScopeName, step, null, AttemptAsync, new StepOptions
            {
                Type = "model",
                Attempts = options.Attempts,
                Backoff = options.Backoff,
                BackoffMax = options.BackoffMax,
                Within = options.Within + options.BackoffMax, // it may have to wait for its turn
                RetryOn = static fault => fault is not StepFaultException { InnerException: ModelException { IsWorthRetrying: false } } and not StepFaultException { Code: BudgetCode or "too_large" },
                AsksToWait = static fault => (fault.InnerException as ModelException)?.RetryAfter,
            });
            return (completed.Model!, await Visit.Journal.ResolveAsync(completed.Model!.Reply, seq), seq);
        }
        catch (StepFailedException e) when (e.Code == BudgetCode)
        {
            throw new TierFailedException(EscalationReasons.Budget, e.Reason, isFinal: true);
        }

        async Task<StepResult> AttemptAsync(CancellationToken cancellationToken)
        {
            var reserved = model.MayUse(request.Bytes);
            ThrowIfLacking(reserved);
            using var turn = await WaitForTurnAsync(model, reserved, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested(); // its turn may have come as its time was up
            ThrowIfLacking(reserved); // others of this run did not wait as long
            var key = new ScopedStep(scope.ScopeName, StepKey.Of(step, []).ToString());
            await Visit.ReserveAsync(Visit.Draft(EntryKinds.BudgetReserved, key, Body.Write(new BudgetReserved(agent, model.Name, reserved)), actor: "engine"), reserved);
            cancellationToken.ThrowIfCancellationRequested(); // the journal may have been long in taking it
            var begun = Visit.Engine.Clock.GetTimestamp();
            try
            {
                var response = await CallAsync(model, request, cancellationToken);
                var malformed = MakeFit(response, request.Number);
                var (call, payloads) = ModelReply.Record(response, model.Name, [.. request.Fresh], Visit.Engine.Limits.ResultBytesMax);
                call = call with { Agent = agent, Tier = tier, Turn = request.Number, Malformed = malformed };
                return new StepResult(new RawJson("null"u8.ToArray()), call, payloads, Settlement: new Settlement(reserved, Spent(call, model, reserved, payloads, begun)));
            }
            catch (ModelException e)
            {
                var settlement = e.CostNothing ? new Settlement(reserved, Spending.None with { Calls = 1, Microseconds = Elapsed(begun) }) : null;
                throw new StepFaultException(ModelTroubles.Code(e.Trouble), e.Message, e, settlement);
            }
        }
    }

    private void ThrowIfLacking(Spending reserved)
    {
        if (lacks(reserved) is { } lacking)
        {
            throw new StepFaultException(BudgetCode, lacking);
        }
    }

    private static async Task<IDisposable> WaitForTurnAsync(Model model, Spending reserved, CancellationToken cancellationToken)
    {
        try
        {
            return await model.Rate.EnterAsync(reserved.InputTokens + reserved.OutputTokens, cancellationToken);
        }
        catch (ModelException e)
        {
            throw new StepFaultException(ModelTroubles.Code(e.Trouble), e.Message, e);
        }
    }

    private async Task<ChatResponse> CallAsync(Model model, TurnRequest request, CancellationToken cancellationToken)
    {
        // The engine's own context goes on: nothing of a run happens elsewhere.
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: true, cancellationToken);
        try
        {
            return await model.Breaker.ExecuteAsync(
                async context =>
                {
                    using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
                    try
                    {
                        return await Visit.Engine.WithinAsync(
                            token => ModelReply.AskAsync(Visit.Engine, model.Client, request.Conversation, request.Options, model.Options.Streams ? model.Options.SilentMax : null, token),
                            model.Options.Within,
                            limit);
                    }
                    catch (TimeoutException)
                    {
                        throw new ModelException(ModelTrouble.TimedOut, $"no reply within {Durations.Text(model.Options.Within)}");
                    }
                },
                context);
        }
        catch (Exception e) when (e is not OperationCanceledException and not ModelException and not StepFaultException)
        {
            throw ModelTroubles.Of(e);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>
    /// Makes a reply fit for the record: the words are the model's, whoever it says it is; tools' answers are the engine's alone; each call has an id of its own, and arguments that are no JSON
    /// object are told apart from none. Gives why, by call id.
    /// </summary>
    private static Dictionary<string, string>? MakeFit(ChatResponse response, int turn)
    {
        Dictionary<string, string>? malformed = null;
        var ids = new HashSet<string>();
        foreach (var message in response.Messages)
        {
            message.Role = ChatRole.Assistant;
            message.Contents = [.. message.Contents.Where(c => c is not FunctionResultContent).Select(c => c is FunctionCallContent call ? Fit(call) : c)];
        }

        return malformed;

        FunctionCallContent Fit(FunctionCallContent call)
        {
            if (string.IsNullOrEmpty(call.CallId) || call.CallId.Length > 200 || !ids.Add(call.CallId))
            {
                call = new FunctionCallContent($"call-{turn}-{ids.Count}", call.Name ?? "", call.Arguments) { Exception = call.Exception };
                while (!ids.Add(call.CallId))
                {
                    call = new FunctionCallContent(call.CallId + "x", call.Name, call.Arguments) { Exception = call.Exception };
                }
            }

            if (call.Exception is { } fault)
            {
                (malformed ??= [])[call.CallId] = Texts.Cut(fault.Message, 300);
            }
            else if (!CanBeWritten(call.Arguments))
            {
                (malformed ??= [])[call.CallId] = "they cannot be written as JSON";
                return new FunctionCallContent(call.CallId, call.Name ?? "");
            }

            return call;
        }
    }

    private static bool CanBeWritten(IDictionary<string, object?>? arguments)
    {
        try
        {
            JsonSerializer.SerializeToUtf8Bytes(arguments, ModelReply.MessageOptions);
            return true;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>What a call came to: as the provider counts it, or as its text suggests where it does not.</summary>
    private Spending Spent(ModelCall call, Model model, Spending reserved, IReadOnlyList<Payload> payloads, long begun)
    {
        var replyBytes = call.Reply.Reference is { } hash ? payloads.First(p => p.Hash == hash).Bytes.Length : call.Reply.Utf8.Length;
        var (input, output) = (call.InputTokens ?? reserved.InputTokens, call.OutputTokens ?? Model.TokensOf(replyBytes));
        return new Spending
        {
            Calls = 1,
            InputTokens = input,
            OutputTokens = output,
            Micros = model.Options.Price?.Micros(input, output, Math.Min(input, call.CachedInputTokens ?? 0), Math.Min(input, call.CacheWriteTokens ?? 0)) ?? 0,
            Microseconds = Elapsed(begun),
        };
    }

    private long Elapsed(long begun) => (long)Visit.Engine.Clock.GetElapsedTime(begun).TotalMicroseconds;
}

/// <summary>A tier gave no answer. The decision climbs, where it is final at once to a person; nothing that was found is lost.</summary>
internal sealed class TierFailedException(string reason, string why, bool isFinal = false) : Exception(why)
{
    public string Reason { get; } = reason;

    public bool IsFinal { get; } = isFinal;
}
