using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>Carries out the tool calls of one asking of an agent, each a step. Whatever a tool does, its call has an answer for the model.</summary>
/// <param name="asking">The scope of the whole asking: what tiers do in it is done once, whichever tier asks.</param>
/// <param name="agent">The agent, by name.</param>
internal sealed class ToolRunner(VisitScope asking, string agent)
{
    private const int ReasonCharactersMax = 2_000;

    private readonly Dictionary<string, AIFunction> _functions = [];
    private readonly Dictionary<(Type Action, string Arguments), Task<Acted>> _actions = [];
    private readonly Dictionary<(Type Action, string Arguments), ScopedStep> _raised = [];

    private VisitEngine Visit => asking.Engine;

    /// <summary>What the agent is shown: each tool that its state gives it, and why those are missing that cannot be had.</summary>
    public async Task<(IReadOnlyList<PinnedTool> Tools, IReadOnlyDictionary<string, string> Unavailable)> PinAsync(IReadOnlyList<string> given)
    {
        var pinned = new List<PinnedTool>();
        var unavailable = new Dictionary<string, string>();
        foreach (var name in given)
        {
            var tool = Visit.Engine.Tools.Find(name)!;
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(Visit.Closing);
                var declaration = await Visit.Engine.WithinAsync(token => tool.FindAsync(token).AsTask(), tool.Options.Within, limit);
                if (declaration is AIFunction function)
                {
                    _functions[name] = function;
                }

                pinned.Add(new PinnedTool(name, declaration.Description, declaration.JsonSchema));
            }
            catch (Exception e) when (!Visit.Closing.IsCancellationRequested)
            {
                unavailable[name] = e is TimeoutException ? $"it was not there within {Durations.Text(tool.Options.Within)}" : Texts.Cut(e.Message, ReasonCharactersMax);
            }
        }

        return (pinned, unavailable);
    }

    /// <summary>Calls a tool. Whatever it does, there is an answer for the model. <paramref name="hasNext"/>: there is a next tier, which an action may be raised to.</summary>
    public Task<ToolOutcome> CallAsync(VisitScope scope, Tool tool, RawJson arguments, ToolCalled call, int index, bool hasNext) =>
        tool.ActionType is { } action ? ActAsync(scope, tool, action, arguments, call, index, hasNext) : ReadAsync(scope, tool, arguments, call, index);

    private async Task<ToolOutcome> ReadAsync(VisitScope scope, Tool tool, RawJson arguments, ToolCalled call, int index)
    {
        var options = new StepOptions { Within = tool.Options.Within, Attempts = tool.Options.Attempts, Type = "tool", Tool = call, Key = Key(call, index), RetryOn = static fault => fault is not StepFaultException { Code: RejectionCodes.BadArguments or ToolErrorException.Code or "too_large" } };
        try
        {
            var (completed, seq) = await Visit.StepAsync(scope.ScopeName, tool.Name, arguments, token => InvokeAsync(tool, arguments, token), options);
            return new(tool.Name, arguments, new RawJson(await Visit.Journal.ResolveAsync(completed.Result, seq)), null, WasRejected: false);
        }
        catch (StepFailedException e)
        {
            // What was asked the wrong way, or for what is not there, is no evidence that is missing.
            var reason = Texts.Cut(e.Reason, ReasonCharactersMax);
            return new(tool.Name, arguments, Bodies.Json(new { error = e.Code, reason }), reason, WasRejected: e.Code is RejectionCodes.BadArguments or ToolErrorException.Code);
        }
    }

    private async Task<StepResult> InvokeAsync(Tool tool, RawJson arguments, CancellationToken cancellationToken) => tool.Options.CachedFor > TimeSpan.Zero
        ? StepResult.Of(await Visit.Engine.Queries.GetAsync(QueryKey.Of<ToolRunner>(null, tool.Name, arguments), tool.Options.CachedFor, token => AskAsync(tool, arguments, token), cancellationToken))
        : new StepResult(await AskAsync(tool, arguments, cancellationToken), null, []);

    private async Task<RawJson> AskAsync(Tool tool, RawJson arguments, CancellationToken cancellationToken)
    {
        if (!_functions.TryGetValue(tool.Name, out var function))
        {
            _functions[tool.Name] = function = (AIFunction)await tool.FindAsync(cancellationToken);
        }

        // In canonical form: what fits an integer of the schema (2.0) then binds to one.
        var given = new AIFunctionArguments(JsonSerializer.Deserialize<Dictionary<string, object?>>(CanonicalJson.Of(arguments.Utf8.Span), SignalboxJson.Options)) { Services = Visit.Services };
        new ToolContext(Visit.Row.Run, Visit.Row.State, agent, asking.Now, Visit.Case).GiveTo(given);
        try
        {
            return Shown(await function.InvokeAsync(given, cancellationToken), tool.Options.CharactersMax);
        }
        catch (ArgumentException e)
        {
            throw new StepFaultException(RejectionCodes.BadArguments, e.Message, e);
        }
        catch (ToolErrorException e)
        {
            throw new StepFaultException(ToolErrorException.Code, e.Message, e);
        }
    }

    private async Task<ToolOutcome> ActAsync(VisitScope scope, Tool tool, Type type, RawJson arguments, ToolCalled call, int index, bool hasNext)
    {
        var action = Read(type, arguments);

        // One action of one asking happens once, whichever tier wants it and however often.
        var canonical = new RawJson(JsonSerializer.SerializeToUtf8Bytes(action, type, SignalboxJson.Options));
        var key = (type, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(CanonicalJson.Of(canonical.Utf8.Span))));
        if (!_actions.TryGetValue(key, out var acting))
        {
            var wanted = new AskedAction(_raised.GetValueOrDefault(key), Visit.Engine.Actions.Get(type), canonical, Undo: false, "agent:" + agent, call.Tier, MayRaise: hasNext);
            _actions[key] = acting = Visit.Actions.ActAsync(asking.ScopeName, wanted, isOrdered: false);
        }

        var acted = await acting;
        if (acted.FailedBy is not null && _actions.GetValueOrDefault(key) == acting)
        {
            // Nothing was done: the next tier may want the very same action, and goes on with it where this one came to.
            _actions.Remove(key);
            _raised[key] = acted.Step;
        }

        var answer = acted.Outcome is { } outcome ? Bodies.Json(new { status = outcome.Status, outcome.Reason, outcome.Proof, outcome.MadeByUs }) : Bodies.Json(new { status = "raised", reason = acted.FailedBy });
        var options = new StepOptions { Attempts = 1, Type = "tool", Tool = call, Key = Key(call, index) };
        var (completed, seq) = await Visit.StepAsync(scope.ScopeName, tool.Name, arguments, _ => Task.FromResult(new StepResult(answer, null, [])), options);
        return new(tool.Name, arguments, new RawJson(await Visit.Journal.ResolveAsync(completed.Result, seq)), null, WasRejected: false) { FailedBy = acted.FailedBy };
    }

    /// <summary>Why arguments that fit the schema are no action all the same; null if they are one.</summary>
    public static string? Unfit(Tool tool, RawJson arguments)
    {
        if (tool.ActionType is not { } type)
        {
            return null;
        }

        try
        {
            return Read(type, arguments) is null ? "they are null" : null;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            return e.Message;
        }
    }

    private static object? Read(Type type, RawJson arguments) => JsonSerializer.Deserialize(CanonicalJson.Of(arguments.Utf8.Span), type, SignalboxJson.Options);

    private static string Key(ToolCalled call, int index) => string.Create(CultureInfo.InvariantCulture, $"{call.Turn}.{index}");

    /// <summary>What the model is shown of an answer, and so what is recorded: all of it, or its beginning and how much there was.</summary>
    private static RawJson Shown(object? result, int charactersMax)
    {
        var text = result switch
        {
            string plain => plain,
            JsonElement { ValueKind: JsonValueKind.String } element => element.GetString()!,
            _ => null,
        };
        if (text is not null)
        {
            return Text(text, text.Length, charactersMax);
        }

        var json = new RawJson(JsonSerializer.SerializeToUtf8Bytes(result, SignalboxJson.Options));
        return json.Utf8.Length <= charactersMax || System.Text.Encoding.UTF8.GetCharCount(json.Utf8.Span) is var length && length <= charactersMax ? json : Text(json.ToString(), length, charactersMax);
    }

    private static RawJson Text(string text, int length, int max) =>
        Bodies.Json(length <= max ? text : string.Create(CultureInfo.InvariantCulture, $"{Texts.Cut(text, max)} [cut: the first {max:N0} of {length:N0} characters]"));

    /// <summary>What a recorded answer is for the model: text as text, anything else as JSON.</summary>
    public static object? ForModel(RawJson answer)
    {
        using var document = JsonDocument.Parse(answer.Utf8);
        return document.RootElement.ValueKind == JsonValueKind.String ? document.RootElement.GetString() : document.RootElement.Clone();
    }
}
