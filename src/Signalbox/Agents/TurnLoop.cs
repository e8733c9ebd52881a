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
    private readonly ToolGuard _guard = new(configuration, scope.Engine.Engine.Tools);
    private readonly ModelTurn _turn = new(scope, agent.Name, tier.Name, lacks);
    private readonly List<AITool> _declarations = [.. configuration.Tools.Select(t => AIFunctionFactory.CreateDeclaration(t.Name, t.Description, t.Schema))];
    private readonly List<ChatMessage> _conversation = [];
    private readonly List<ChatMessage> _fresh = [];
    private long _bytes = configuration.Tools.Sum(t => t.Schema.GetRawText().Length + t.Description.Length);
    private int _rejections;
    private string _model = tier.Model;

    /// <summary>Made once for each type of answer: made in each turn, the schema was a third of the engine's work.</summary>
    private static ChatResponseFormat AnswerFormat => field ??= ChatResponseFormat.ForJsonSchema<TAnswer>(SignalboxJson.Options);

    private VisitEngine Visit => scope.Engine;

    /// <summary>The model that answered last.</summary>
    public string Model { get; private set; } = tier.Model;

    /// <summary>What tools have answered.</summary>
    public List<Finding> Findings { get; } = [];

    /// <summary>Tools that have not, and why.</summary>
    public Dictionary<string, string> Missing { get; } = new(configuration.Unavailable);

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
        _conversation.Add(message);
        _fresh.Add(message);
        _bytes += JsonSerializer.SerializeToUtf8Bytes(message, ModelReply.MessageOptions).Length;
    }

    private async Task<(IReadOnlyList<AIContent> Contents, IReadOnlyDictionary<string, string>? Malformed)> AskAsync(int turn)
    {
        var (call, recorded) = await AskModelAsync(turn);
        _fresh.Clear();
        Model = call.Model;
        _bytes += recorded.Length;
        var reply = ModelReply.Read(recorded);
        _conversation.AddRange(reply);
        return ([.. reply.SelectMany(m => m.Contents)], call.Malformed);
    }

    private async Task<(ModelCall Call, ReadOnlyMemory<byte> Reply)> AskModelAsync(int turn)
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
        var answers = new List<RawJson>();
        if (checkedCalls.Exists(c => c is { Rejection: null, Tool.IsAction: true }))
        {
            foreach (var call in checkedCalls)
            {
                answers.Add(await AnswerAsync(turn, call));
            }
        }
        else
        {
            answers.AddRange(await Task.WhenAll(checkedCalls.Select(call => AnswerAsync(turn, call))));
        }

        _bytes += answers.Sum(a => (long)a.Utf8.Length);
        _conversation.Add(new ChatMessage(ChatRole.Tool, [.. calls.Zip(answers, (call, answer) => new FunctionResultContent(call.CallId, ToolRunner.ForModel(answer)))]));
    }

    private CheckedCall Checked(FunctionCallContent call, IReadOnlyDictionary<string, string>? malformed, int index)
    {
        var arguments = new RawJson(JsonSerializer.SerializeToUtf8Bytes(call.Arguments ?? new Dictionary<string, object?>(), ModelReply.MessageOptions));
        using var document = JsonDocument.Parse(arguments.Utf8);
        var rejection = _guard.Check(call.Name, document.RootElement, malformed?.GetValueOrDefault(call.CallId), index);
        var tool = rejection is null ? Visit.Engine.Tools.Find(call.Name) : null;
        return new(call, index, arguments, tool, rejection ?? (tool is null ? new Rejection(RejectionCodes.Unavailable, $"This program has no tool '{call.Name}' any more.") : null));
    }

    private async Task<RawJson> AnswerAsync(int turn, CheckedCall call)
    {
        if (call.Rejection is { } rejection)
        {
            return await RejectAsync(turn, call, rejection);
        }

        var name = call.Tool!.Name;
        var (answer, missing) = await tools.CallAsync(scope, call.Tool, call.Arguments, new ToolCalled(agent.Name, tier.Name, turn, call.Call.CallId), call.Index);
        if (missing is not null)
        {
            Missing[name] = missing;
        }
        else
        {
            Findings.Add(new Finding(name, call.Arguments, answer));
        }

        return answer;
    }

    private async Task<RawJson> RejectAsync(int turn, CheckedCall call, Rejection rejection)
    {
        const int ArgumentBytesMax = 2_000;
        _rejections++;
        var arguments = call.Arguments.Utf8.Length <= ArgumentBytesMax ? call.Arguments : Bodies.Json(Texts.Cut(call.Arguments.ToString(), ArgumentBytesMax));
        var rejected = new ToolRejected(
            agent.Name, tier.Name, turn, call.Call.CallId, Texts.Cut(call.Call.Name, 200), arguments, rejection.Code, rejection.Answer, rejection.Nearest is { Count: > 0 } nearest ? nearest : null);
        var entry = await Visit.FactAsync(
            scope.ScopeName, string.Create(CultureInfo.InvariantCulture, $"call-{turn}.{call.Index}"),
            step => Visit.Draft(EntryKinds.ToolRejected, step, Body.Write(rejected), Texts.Cut(rejection.Answer, 200), actor: "engine"));
        return Bodies.Json(new { error = rejection.Code, reason = Body.Read<ToolRejected>(entry).Answer });
    }

    private sealed record CheckedCall(FunctionCallContent Call, int Index, RawJson Arguments, Tool? Tool, Rejection? Rejection);
}
