namespace Signalbox.Queries;

/// <summary>The names of spans' attributes: OpenTelemetry's semantic conventions for generative AI where they have one, else ours.</summary>
internal static class SpanAttributes
{
    public const string Operation = "gen_ai.operation.name";
    public const string Provider = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string ResponseModel = "gen_ai.response.model";
    public const string FinishReasons = "gen_ai.response.finish_reasons";
    public const string InputTokens = "gen_ai.usage.input_tokens";
    public const string OutputTokens = "gen_ai.usage.output_tokens";
    public const string CachedTokens = "gen_ai.usage.cache_read.input_tokens";
    public const string CacheWriteTokens = "gen_ai.usage.cache_creation.input_tokens";
    public const string Agent = "gen_ai.agent.name";
    public const string Tool = "gen_ai.tool.name";
    public const string ToolCallId = "gen_ai.tool.call.id";
    public const string ErrorType = "error.type";

    public const string Instructions = "gen_ai.system_instructions";
    public const string InputMessages = "gen_ai.input.messages";
    public const string OutputMessages = "gen_ai.output.messages";
    public const string ToolArguments = "gen_ai.tool.call.arguments";
    public const string ToolResult = "gen_ai.tool.call.result";

    public const string Run = "signalbox.run";
    public const string Workflow = "signalbox.workflow";
    public const string Version = "signalbox.version";
    public const string Status = "signalbox.status";
    public const string State = "signalbox.state";
    public const string From = "signalbox.from";
    public const string Visit = "signalbox.visit";
    public const string Scope = "signalbox.scope";
    public const string Seq = "signalbox.seq";
    public const string Step = "signalbox.step";
    public const string Actor = "signalbox.actor";
    public const string Type = "signalbox.type";
    public const string Why = "signalbox.why";
    public const string Retry = "signalbox.retry";
    public const string ParentRun = "signalbox.parent.run";
    public const string ChildRun = "signalbox.child.run";
    public const string Tier = "signalbox.tier";
    public const string Turn = "signalbox.turn";
    public const string Attempts = "signalbox.attempts";
    public const string CachedAge = "signalbox.cached.microseconds";
    public const string CostMicros = "signalbox.cost.micros";
    public const string Decision = "signalbox.decision";
    public const string DecisionKind = "signalbox.decision.kind";
    public const string Confidence = "signalbox.confidence";
    public const string Stands = "signalbox.stands";
    public const string Verdict = "signalbox.verdict";
    public const string Escalation = "signalbox.escalation.reason";
    public const string EscalatedTo = "signalbox.escalation.to";
    public const string Rejection = "signalbox.rejection";
    public const string ActionId = "signalbox.action.id";
    public const string ActionStatus = "signalbox.action.status";
    public const string Undo = "signalbox.action.undo";
    public const string MadeByUs = "signalbox.action.made_by_us";
    public const string Policy = "signalbox.policy";
    public const string Choice = "signalbox.choice";
    public const string Signal = "signalbox.signal";
    public const string Worker = "signalbox.worker";
    public const string Epoch = "signalbox.epoch";
    public const string Code = "signalbox.code";
    public const string Deaths = "signalbox.deaths";
    public const string EventsDropped = "signalbox.events.dropped";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Operation, Provider, RequestModel, ResponseModel, FinishReasons, InputTokens, OutputTokens, CachedTokens, CacheWriteTokens, Agent, Tool, ToolCallId, ErrorType,
        Instructions, InputMessages, OutputMessages, ToolArguments, ToolResult,
        Run, Workflow, Version, Status, State, From, Visit, Scope, Seq, Step, Actor, Type, Why, Retry, ParentRun, ChildRun, Tier, Turn, Attempts, CachedAge, CostMicros, Decision, DecisionKind, Confidence, Stands,
        Verdict, Escalation, EscalatedTo, Rejection, ActionId, ActionStatus, Undo, MadeByUs, Policy, Choice, Signal, Worker, Epoch, Code, Deaths, EventsDropped,
    ];

    /// <summary>Whose a model is, by its name: the journal keeps no more.</summary>
    public static string ProviderOf(string model) => model switch
    {
        _ when model.StartsWith("claude", StringComparison.OrdinalIgnoreCase) => "anthropic",
        _ when model.StartsWith("gpt-", StringComparison.OrdinalIgnoreCase) || (model.Length > 1 && model[0] == 'o' && char.IsAsciiDigit(model[1])) => "openai",
        _ when model.StartsWith("gemini", StringComparison.OrdinalIgnoreCase) => "gcp.gemini",
        _ when model.StartsWith("mistral", StringComparison.OrdinalIgnoreCase) => "mistral_ai",
        _ => "_OTHER",
    };
}
