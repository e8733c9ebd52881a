using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// A tier's conversation: ask, carry out the tools it calls, ask again, until there is a typed answer. Every model call and every tool call is a step, found by the number of its turn; so a crash after
/// call 37 goes on at 38. What is no call and no answer is rejected, recorded, told to the model, and counted.
/// </summary>
internal sealed class TurnLoop<TAnswer>(VisitScope scope, Agent<TAnswer> agent, Tier tier, AgentConfiguration configuration, ToolRunner tools, Func<Spending, string?> lacks)
{
    private const int AnswerCharactersMax = 100_000;

    private readonly ToolGuard _guard = new(configuration, scope.Engine.Engine.Tools);
    private readonly ModelTurn _turn = new(scope, agent.Name, tier.Name, lacks);
    private readonly List<AITool> _declarations = [.. configuration.Tools.Select(t => AIFunctionFactory.CreateDeclaration(t.Name, t.Description, t.Schema))];
    private readonly List<ChatMessage> _conversation = [];
    private readonly List<Payload> _fresh = [];
    private long _bytes = configuration.Tools.Sum(t => t.Schema.GetRawText().Length + t.Description.Length);
    private int _rejections;
    private string _model = tier.Model;

    /// <summary>Made once for each type of answer: made in each turn, the schema was a third of the engine's work.</summary>
    private static ChatResponseFormat AnswerFormat => field ??= ChatResponseFormat.ForJsonSchema<TAnswer>(SignalboxJson.Options);

    private VisitEngine Visit => scope.Engine;

    /// <summary>The model that answered last.</summary>
    public string Model { get; private set; } = tier.Model;

    /// <summary>What came of each tool call that was carried out, in the order of the calls.</summary>
    public List<ToolOutcome> Outcomes { get; } = [];

    /// <exception cref="TierFailedException">The tier gives no answer.</exception>
    public async Task<TAnswer> RunAsync(IEnumerable<ChatMessage> opening)
    {
        foreach (var message in opening)
        {
            Say(message);
        }

        for (var turn = 1; turn <= configuration.TurnsMax; turn++)
        {
            var (contents, malformed) = await AskAsync(turn);
            var calls = contents.OfType<FunctionCallContent>().ToList();
            if (calls.Count == 0)
            {
                var text = string.Concat(contents.OfType<TextContent>().Select(t => t.Text));
                if (Read(text, out var answer) is not { } wrong)
                {
                    return answer!;
                }

                await RejectAsync(turn, wrong);
            }
            else
            {
                await AnswerAsync(turn, calls, malformed);
            }

            if (_rejections >= configuration.RejectionsMax)
            {
                throw new TierFailedException(EscalationReasons.RejectedCalls, $"{_rejections} of its calls and answers had to be rejected");
            }
        }

        throw new TierFailedException(EscalationReasons.Budget, $"it has used up its {configuration.TurnsMax} turns without an answer");
    }

    private void Say(ChatMessage message)
    {
        var stored = ModelReply.Stored(message);
        _conversation.Add(message);
        _fresh.Add(stored);
        _bytes += stored.Bytes.Length;
    }

    private async Task<(IReadOnlyList<AIContent> Contents, IReadOnlyDictionary<string, string>? Malformed)> AskAsync(int turn)
    {
        var (call, recorded, seq) = await AskModelAsync(turn);
        await SayAsRecordedAsync(call, seq);
        Model = call.Model;
        _bytes += recorded.Length;
        var reply = ModelReply.Read(recorded);
        _conversation.AddRange(reply);
        return ([.. reply.SelectMany(m => m.Contents)], call.Malformed);
    }

    /// <summary>A turn that was recorded was asked with what is recorded, whatever the program would ask by now.</summary>
    private async Task SayAsRecordedAsync(ModelCall call, long seq)
    {
        if (!call.Messages.SequenceEqual(_fresh.Select(m => m.Hash)))
        {
            _conversation.RemoveRange(_conversation.Count - _fresh.Count, _fresh.Count);
            foreach (var hash in call.Messages)
            {
                _conversation.Add(ModelReply.ReadMessage(await Visit.Journal.ResolveAsync(RawJson.To(hash), seq)));
            }
        }

        _fresh.Clear();
    }

    private async Task<(ModelCall Call, ReadOnlyMemory<byte> Reply, long Seq)> AskModelAsync(int turn)
    {
        for (var tried = 1; ; tried++)
        {
            if (Visit.Engine.Models.Find(_model) is not { } model)
            {
                throw new TierFailedException(EscalationReasons.ModelFailure, $"this program has no model '{_model}' any more");
            }

            try
            {
                var step = string.Create(CultureInfo.InvariantCulture, $"turn-{turn}{(tried == 1 ? "" : $".{tried}")}");
                return await _turn.AskAsync(step, model, new TurnRequest(turn, _conversation, _fresh, _bytes, Options(model)));
            }
            catch (StepFailedException e)
            {
                if (model.Options.Fallback is not { } fallback || tried >= 3)
                {
                    throw new TierFailedException(EscalationReasons.ModelFailure, $"model '{_model}' gave no reply: {e.Reason}");
                }

                _model = fallback;
                ForgetReasoning();
            }
        }
    }

    /// <summary>Reasoning blocks are signed for the model that wrote them; another one takes none.</summary>
    private void ForgetReasoning()
    {
        for (var i = 0; i < _conversation.Count; i++)
        {
            var message = _conversation[i];
            if (message.Contents.OfType<TextReasoningContent>().Any())
            {
                _conversation[i] = new ChatMessage(message.Role, [.. message.Contents.Where(c => c is not TextReasoningContent)]);
            }
        }
    }

    private ChatOptions Options(Model model) => new()
    {
        ModelId = model.Name,
        MaxOutputTokens = model.Options.OutputTokensMax,
        Temperature = model.Options.Temperature,
        Reasoning = model.Options.Effort is { } effort ? new ReasoningOptions { Effort = effort } : null,
        ResponseFormat = AnswerFormat,
        Tools = _declarations.Count == 0 ? null : [.. _declarations],
    };

    /// <summary>Why a text is no answer; null if it is one.</summary>
    private string? Read(string text, out TAnswer? answer)
    {
        answer = default;
        if (text.Length > AnswerCharactersMax)
        {
            return string.Create(CultureInfo.InvariantCulture, $"Your answer does not fit: it has {text.Length:N0} characters, and at most {AnswerCharactersMax:N0} are read. Answer again, in short.");
        }

        try
        {
            answer = ModelReply.Answer<TAnswer>(text);
        }
        catch (JsonException e)
        {
            return $"Your answer does not fit: {Texts.Cut(e.Message, 500)} Answer with one JSON object of the schema that you were given, and nothing else.";
        }

        return agent.Confidence?.Invoke(answer) is { } confidence && !(confidence is >= 0 and <= 1)
            ? string.Create(CultureInfo.InvariantCulture, $"Your answer does not fit: its confidence is {confidence}, and a confidence is a probability from 0 to 1. Answer again.")
            : null;
    }

    private async Task RejectAsync(int turn, string wrong)
    {
        _rejections++;
        var entry = await Visit.FactAsync(
            scope.ScopeName, string.Create(CultureInfo.InvariantCulture, $"answer-{turn}"),
            step => Visit.Draft(EntryKinds.AnswerRejected, step, Body.Write(new AnswerRejected(agent.Name, tier.Name, turn, wrong)), Texts.Cut(wrong, 200), actor: "engine"));
        Say(new ChatMessage(ChatRole.User, Body.Read<AnswerRejected>(entry).Answer));
    }

    /// <summary>Every call of a reply gets an answer. Reads go side by side; as soon as one of them acts, one goes after the other.</summary>
    private async Task AnswerAsync(int turn, List<FunctionCallContent> calls, IReadOnlyDictionary<string, string>? malformed)
    {
        var checkedCalls = calls.Select((call, index) => Checked(call, malformed, index)).ToList();
        var outcomes = new List<ToolOutcome>();
        if (checkedCalls.Exists(c => c is { Rejection: null, Tool.IsAction: true }))
        {
            foreach (var call in checkedCalls)
            {
                outcomes.Add(await AnswerAsync(turn, call));
                if (outcomes[^1].FailedBy is { } why)
                {
                    Outcomes.AddRange(outcomes.Where(o => !o.WasRejected));
                    throw new TierFailedException(EscalationReasons.Policy, $"it may not do '{call.Call.Name}' by itself: {why}");
                }
            }
        }
        else
        {
            outcomes.AddRange(await Task.WhenAll(checkedCalls.Select(call => AnswerAsync(turn, call))));
        }

        Outcomes.AddRange(outcomes.Where(o => !o.WasRejected));
        _bytes += outcomes.Sum(o => (long)o.Answer.Utf8.Length);
        _conversation.Add(new ChatMessage(ChatRole.Tool, [.. calls.Zip(outcomes, (call, outcome) => new FunctionResultContent(call.CallId, ToolRunner.ForModel(outcome.Answer)))]));
    }

    private CheckedCall Checked(FunctionCallContent call, IReadOnlyDictionary<string, string>? malformed, int index)
    {
        var arguments = new RawJson(JsonSerializer.SerializeToUtf8Bytes(call.Arguments ?? new Dictionary<string, object?>(), ModelReply.MessageOptions));
        using var document = JsonDocument.Parse(arguments.Utf8);
        var rejection = _guard.Check(call.Name, document.RootElement, malformed?.GetValueOrDefault(call.CallId), index);
        if (rejection is not null)
        {
            return new(call, index, arguments, null, rejection);
        }

        var tool = Visit.Engine.Tools.Find(call.Name);
        return tool is null ? new(call, index, arguments, null, new Rejection(RejectionCodes.Unavailable, $"This program has no tool '{call.Name}' any more."))
            : ToolRunner.Unfit(tool, arguments) is { } why ? new(call, index, arguments, null, new Rejection(RejectionCodes.BadArguments, $"The arguments of '{call.Name}' do not fit: {Texts.Cut(why, 300)}"))
            : new(call, index, arguments, tool, null);
    }

    private async Task<ToolOutcome> AnswerAsync(int turn, CheckedCall call)
    {
        if (call.Index > ToolGuard.CallsOfATurnMax)
        {
            // Recorded and counted is the first that was too many; thousands would fill the journal.
            return new(call.Call.Name, call.Arguments, Bodies.Json(new { error = call.Rejection!.Code, reason = call.Rejection.Answer }), null, WasRejected: true);
        }

        if (call.Rejection is { } rejection)
        {
            return new(call.Call.Name, call.Arguments, await RejectAsync(turn, call, rejection), null, WasRejected: true);
        }

        return await tools.CallAsync(scope, call.Tool!, call.Arguments, new ToolCalled(agent.Name, tier.Name, turn, call.Call.CallId), call.Index, hasNext: tier.Name != configuration.Tiers[^1].Name);
    }

    private async Task<RawJson> RejectAsync(int turn, CheckedCall call, Rejection rejection)
    {
        const int ArgumentBytesMax = 2_000;
        _rejections++;

        // What looks like a reference to a payload is shown as text: a model's words must not point at anything.
        var arguments = call.Arguments.Utf8.Length <= ArgumentBytesMax && call.Arguments.Reference is null ? call.Arguments : Bodies.Json(Texts.Cut(call.Arguments.ToString(), ArgumentBytesMax));
        var rejected = new ToolRejected(
            agent.Name, tier.Name, turn, call.Call.CallId, Texts.Cut(call.Call.Name, 200), arguments, rejection.Code, rejection.Answer, rejection.Nearest is { Count: > 0 } nearest ? nearest : null);
        var entry = await Visit.FactAsync(
            scope.ScopeName, string.Create(CultureInfo.InvariantCulture, $"call-{turn}.{call.Index}"),
            step => Visit.Draft(EntryKinds.ToolRejected, step, Body.Write(rejected), Texts.Cut(rejection.Answer, 200), actor: "engine"));
        return Bodies.Json(new { error = rejection.Code, reason = Body.Read<ToolRejected>(entry).Answer });
    }

    private sealed record CheckedCall(FunctionCallContent Call, int Index, RawJson Arguments, Tool? Tool, Rejection? Rejection);
}

/// <summary>What came of one tool call: the answer that the model was given, and why it holds no evidence, if it does not.</summary>
internal sealed record ToolOutcome(string Tool, RawJson Arguments, RawJson Answer, string? Missing, bool WasRejected)
{
    /// <summary>Why the tier has failed by it.</summary>
    public string? FailedBy { get; init; }
}
