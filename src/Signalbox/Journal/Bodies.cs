using System.Text.Json;
using System.Text.Json.Serialization;

namespace Signalbox.Journal;

/// <summary>The body of <see cref="EntryKinds.RunStarted"/>. <paramref name="Definition"/> is the payload of the drawn definition; its hash is the fingerprint.</summary>
public sealed record RunStarted(
    string Workflow, int Version, RawJson Definition, string? Key = null, IReadOnlyDictionary<string, string>? Labels = null, RunId? Parent = null, string? ParentStep = null);

/// <summary>The body of <see cref="EntryKinds.RunLeased"/>. <paramref name="Deaths"/> counts unclean take-overs in a row without a new step, this one included.</summary>
public sealed record RunLeased(string Worker, int Deaths = 0, bool Alone = false, int DeathsAlone = 0);

/// <summary>Why a run failed or is held: a stable code (docs/errors.md), words, and the steps it is about (see <see cref="ScopedStep"/>).</summary>
public sealed record Trouble(string Code, string Reason, IReadOnlyList<ScopedStep>? Steps = null);

/// <summary>
/// The body of <see cref="EntryKinds.RunErased"/>: why, how many entries came before it and how many of those had a body. <paramref name="Seal"/> is <see cref="EntryHash.Seal"/> over what is left of them: their chain was whole
/// when they were erased, and what is left of them cannot be changed without being noticed.
/// </summary>
public sealed record RunErased(string Reason, long Entries, long Bodies, string Seal);

/// <summary>A step of a visit: its scope and its key within.</summary>
public readonly record struct ScopedStep(string Scope, string Step)
{
    /// <inheritdoc />
    public override string ToString() => Scope.Length == 0 ? Step : $"{Scope}: {Step}";
}

/// <summary>The body of <see cref="EntryKinds.RunResumed"/>: what the operator chose.</summary>
public sealed record Release(ReleaseVerb Verb, string? Note = null);

/// <summary>The body of <see cref="EntryKinds.StateEntered"/>. <paramref name="Configuration"/> is not written: what agents work under stands in <see cref="AgentBegan"/>; <paramref name="Canceling"/>: it is on its way out because somebody asked for that.</summary>
public sealed record StateEntered(string? From, RawJson Case, RawJson? Configuration = null, bool Canceling = false);

/// <summary>The body of <see cref="EntryKinds.StepStarted"/>; microseconds since 1970.</summary>
public sealed record StepStarted(long StartedAt);

/// <summary>
/// The body of <see cref="EntryKinds.StepCompleted"/>. <paramref name="Model"/> is there for a model call, <paramref name="Tool"/> for a tool call; <paramref name="Type"/> is <c>evidence</c>,
/// <c>model</c>, <c>tool</c>, or absent for a plain read; <paramref name="CachedMicroseconds"/> says how long ago the result was asked for, if not by this step itself.
/// </summary>
public sealed record StepCompleted(
    RawJson? Arguments, RawJson Result, long Microseconds, int Attempts = 1, ModelCall? Model = null, string? Type = null, ToolCalled? Tool = null, Settlement? Settlement = null,
    long? CachedMicroseconds = null);

/// <summary>
/// What a model call was: who answered, from which messages (payloads), at what use. In an agent's conversation <paramref name="Messages"/> are those added since its turn before, without
/// the reply to that turn and the tools' answers, which stand in entries of their own: the conversation is stored once.
/// <paramref name="Malformed"/> says of tool calls, by call id, why their arguments are no JSON object.
/// </summary>
public sealed record ModelCall(
    string Model, IReadOnlyList<PayloadHash> Messages, RawJson Reply, string FinishReason, long? InputTokens, long? OutputTokens, long? CachedInputTokens = null, long? CacheWriteTokens = null,
    string? Agent = null, string? Tier = null, int Turn = 0, IReadOnlyDictionary<string, string>? Malformed = null);

/// <summary>Which tool call of an agent a step was. The step's name is the tool's, its arguments are the call's.</summary>
public sealed record ToolCalled(string Agent, string Tier, int Turn, string CallId);

/// <summary>What a paid call had reserved, and what it came to.</summary>
public sealed record Settlement(Spending Reserved, Spending Spent);

/// <summary>
/// The body of <see cref="EntryKinds.StepFailed"/> and <see cref="EntryKinds.StepAttemptFailed"/>. <paramref name="Code"/> is <c>timed_out</c>, <c>failed</c>, …; <paramref name="Type"/> as in
/// <see cref="StepCompleted"/>: failed evidence is evidence that is missing. Without a <paramref name="Settlement"/> it is unknown what a paid call came to, and its reservation counts as spent.
/// </summary>
public sealed record StepFailed(string Code, string Reason, RawJson? Arguments, long Microseconds, int Attempts, string? Type = null, ToolCalled? Tool = null, Settlement? Settlement = null);

/// <summary>What of the body of a step's end says what it used up: every fold asks for that, and must not read a whole reply for it.</summary>
internal sealed record StepSpending(long Microseconds, string? Type = null, Settlement? Settlement = null);

/// <summary>The body of <see cref="EntryKinds.AgentBegan"/>. <paramref name="Configuration"/> is an <see cref="AgentConfiguration"/>.</summary>
public sealed record AgentBegan(string Agent, RawJson Configuration);

/// <summary>The body of <see cref="EntryKinds.BudgetReserved"/>, of the step that is about to call.</summary>
public sealed record BudgetReserved(string Agent, string Model, Spending Amount);

/// <summary>
/// The body of <see cref="EntryKinds.ToolRejected"/>. <paramref name="Tool"/> and <paramref name="Arguments"/> are the model's words (cut); <paramref name="Answer"/> is what it was told.
/// <paramref name="Code"/> is one of <see cref="RejectionCodes"/>.
/// </summary>
public sealed record ToolRejected(string Agent, string Tier, int Turn, string CallId, string Tool, RawJson? Arguments, string Code, string Answer, IReadOnlyList<string>? Nearest = null);

/// <summary>The body of <see cref="EntryKinds.AnswerRejected"/>. <paramref name="Answer"/> is what the model was told.</summary>
public sealed record AnswerRejected(string Agent, string Tier, int Turn, string Answer);

/// <summary>
/// The body of <see cref="EntryKinds.DecisionMade"/>. <paramref name="Confidence"/> is what counted, of the raw <paramref name="Signals"/> and after the cap for what is
/// <paramref name="Missing"/>; <paramref name="Micros"/> is what the tier cost, in millionths of the price table's currency.
/// </summary>
public sealed record DecisionMade(
    string Decision, string Agent, string Kind, RawJson Answer, double Confidence, IReadOnlyDictionary<string, double> Signals, IReadOnlyList<string> Reasons, string Tier, string Model, bool Stands,
    long Micros = 0, IReadOnlyDictionary<string, string>? Missing = null, string? Objection = null);

/// <summary>The body of <see cref="EntryKinds.DecisionJudged"/>: <c>right</c> or <c>wrong</c>. A decision without one is unknown.</summary>
public sealed record DecisionJudged(string Decision, string Verdict);

/// <summary>
/// The body of <see cref="EntryKinds.EscalationRaised"/>. <paramref name="Reason"/> is one of <see cref="EscalationReasons"/>; <paramref name="To"/> is a tier or <c>person</c>.
/// </summary>
public sealed record EscalationRaised(string Agent, string From, string To, string Reason, string Why, string? Decision = null);

/// <summary>The body of <see cref="EntryKinds.WaitOpened"/>: a timer (<paramref name="Due"/>), a signal (<paramref name="Signal"/>), or both. Microseconds since 1970.</summary>
public sealed record WaitOpened(string? Signal, long? Due);

/// <summary>The body of <see cref="EntryKinds.WaitCompleted"/>. <paramref name="SignalSeq"/> is the consumed signal; none: the time came.</summary>
public sealed record WaitCompleted(long? SignalSeq, RawJson? Value = null);

/// <summary>The body of <see cref="EntryKinds.SignalReceived"/>.</summary>
public sealed record SignalReceived(string Name, RawJson Value);

/// <summary>The body of <see cref="EntryKinds.SignalSent"/>.</summary>
public sealed record SignalSent(RunId To, string Name);

/// <summary>
/// The body of <see cref="EntryKinds.ApprovalRequested"/>. <paramref name="Safe"/> is the choice that counts when <paramref name="Due"/> (microseconds since 1970) passes. <paramref name="Terms"/>
/// say who may answer; <paramref name="Action"/> is what would be done, where it is about an action, and <paramref name="Why"/> why a person is asked; <paramref name="Passes"/> are the limits that are reached and
/// that an approval lets pass; <paramref name="Meanings"/> are what choices do, in the words of who asks.
/// </summary>
public sealed record ApprovalRequested(
    string Title, IReadOnlyList<string> Choices, RawJson? Details, long? Due, string? Safe, ApprovalTerms? Terms = null, ActionProposed? Action = null, IReadOnlyList<string>? Why = null,
    IReadOnlyList<string>? Passes = null, IReadOnlyDictionary<string, string>? Meanings = null);

/// <summary>
/// Who may answer a question, kept with the open wait so that the store can refuse everybody else. <paramref name="Barred"/> are actors whose answer does not count; <paramref name="ValidFor"/> (microseconds) is
/// how long after the last approval an action may begin; <paramref name="ArgumentsHash"/> is that of the action it is bound to.
/// </summary>
public sealed record ApprovalTerms(
    IReadOnlyList<string> Roles, int Quorum, IReadOnlyList<string> Choices, IReadOnlyList<string>? Barred = null, long ValidFor = 0, string? Safe = null, string? ActionId = null, string? ArgumentsHash = null);

/// <summary>
/// The body of <see cref="EntryKinds.ApprovalAnswered"/>, <see cref="EntryKinds.ApprovalExpired"/> and <see cref="EntryKinds.ApprovalIgnored"/>. <paramref name="Roles"/> are those of who answered, at that time;
/// <paramref name="Hash"/> is the arguments' hash of the action that was answered for; <paramref name="Edited"/> are other arguments that are proposed instead.
/// </summary>
public sealed record ApprovalAnswered(string Choice, string? Comment = null, IReadOnlyList<string>? Roles = null, string? Hash = null, RawJson? Edited = null);

/// <summary>
/// The body of <see cref="EntryKinds.ActionProposed"/>, and what an approval is bound to. <paramref name="ArgumentsHash"/> is the SHA-256 of the canonical arguments in hexadecimal; <paramref name="Definition"/> is the
/// fingerprint of the run's workflow; <paramref name="Proposer"/> wants it, <paramref name="Requester"/> started the run.
/// </summary>
public sealed record ActionProposed(
    string ActionId, string Action, RawJson Arguments, string ArgumentsHash, string TargetClass, string Workflow, int Version, string Definition, string Proposer, string? Requester = null, bool Undo = false,
    IReadOnlyList<Claim>? Claims = null, string? Reversibility = null, int Priority = 0);

/// <summary>
/// The body of <see cref="EntryKinds.ActionIntended"/>. <paramref name="ArgumentsHash"/> is the SHA-256 of the canonical arguments in hexadecimal. <paramref name="Claims"/> are held from here to the settlement;
/// <paramref name="Approval"/> is the seq of the request whose approval this consumes; <paramref name="Overrules"/> are actions whose standing claims a ruling lets it act against; <paramref name="Releases"/> are the
/// actions whose effect an undo takes back; <paramref name="Limits"/> are what it uses up of limits.
/// </summary>
public sealed record ActionIntended(
    string ActionId, string Action, RawJson Arguments, string ArgumentsHash, string TargetClass, bool Undo = false, int Attempt = 1, IReadOnlyList<Claim>? Claims = null, long? Approval = null,
    IReadOnlyList<string>? Overrules = null, IReadOnlyList<string>? Releases = null, IReadOnlyList<LimitUse>? Limits = null, int Priority = 0);

/// <summary>What an action uses up of a limit that all runs share: of <paramref name="Max"/> in any <paramref name="Window"/> (microseconds). The store refuses the intent that would pass it.</summary>
public sealed record LimitUse(string Name, long Amount, long Max, long Window);

/// <summary>
/// The body of <see cref="EntryKinds.PolicyJudged"/>. <paramref name="Verdict"/> is <c>allow</c>, <c>ask</c>, <c>raise</c> or <c>refuse</c>; <paramref name="FailedTier"/> is the tier that has failed by it, so that the
/// next one decides.
/// </summary>
public sealed record PolicyJudged(string ActionId, string Action, string Policy, string Verdict, string Reason, string? FailedTier = null);

/// <summary>The body of <see cref="EntryKinds.ConflictRaised"/>, in both runs, each from its own side. <paramref name="Resource"/> and <paramref name="Intent"/> are this run's claim.</summary>
public sealed record ConflictRaised(string ActionId, string Action, string Resource, string Intent, RunId OtherRun, string OtherActionId, string OtherAction, string OtherResource, string OtherIntent, ClaimPhase OtherPhase);

/// <summary>
/// The body of <see cref="EntryKinds.ConflictRuled"/>, in both runs, each from its own side. <paramref name="By"/> is <c>wait</c>, <c>yield</c>, <c>priority</c> or <c>person</c>; <paramref name="Outcome"/> is what this
/// run's action does: <c>waits</c>, <c>yields</c>, <c>overrules</c>, <c>stands</c> or <c>overruled</c>.
/// </summary>
public sealed record ConflictRuled(string ActionId, RunId OtherRun, string OtherActionId, string By, string Outcome, string Why);

/// <summary>The body of <see cref="EntryKinds.ClaimQueued"/>: all of <paramref name="Claims"/> or none. <paramref name="Due"/> (microseconds since 1970): no longer.</summary>
public sealed record ClaimQueued(string ActionId, string Action, IReadOnlyList<Claim> Claims, IReadOnlyList<ClaimHolder> Behind, long? Due = null, bool Undo = false, int Priority = 0);

/// <summary>Who has a claim that another one waits for.</summary>
public sealed record ClaimHolder(RunId Run, string ActionId, string Resource);

/// <summary>The body of <see cref="EntryKinds.ClaimFreed"/>.</summary>
public sealed record ClaimFreed(string ActionId);

/// <summary>
/// The body of <see cref="EntryKinds.ClaimReleased"/>: standing claims of these actions of the run end. The effects stay. <paramref name="CoHeld"/>: because others want them still, which the store makes sure of.
/// </summary>
public sealed record ClaimReleased(IReadOnlyList<string> ActionIds, bool CoHeld = false);

/// <summary>The body of <see cref="EntryKinds.ActionExecuted"/>.</summary>
public sealed record ActionExecuted(string ActionId, RawJson? Receipt, string? Error, long Microseconds, int Attempt = 1, bool Undo = false);

/// <summary>
/// The body of the other entries of an action. <paramref name="MadeByUs"/>: our call made the effect, it did not stand before. <paramref name="Claims"/> are there where it joins an effect that stood already;
/// <paramref name="StandsUntil"/> (microseconds since 1970) is when its claims expire; <paramref name="Releases"/> are the actions whose claims end with this undo; <paramref name="Overrules"/> are those that it
/// joins against.
/// </summary>
public sealed record ActionObserved(
    string ActionId, string Action, string? Reason, string? Proof, bool MadeByUs = false, bool Undo = false, int Probes = 0, RawJson? Arguments = null, IReadOnlyList<Claim>? Claims = null, long? StandsUntil = null,
    IReadOnlyList<string>? Releases = null, Agreement? Agreement = null, int Priority = 0, string? ArgumentsHash = null, IReadOnlyList<string>? Overrules = null);

/// <summary>How a verdict was verified: so many looks in a row agreed, the first and the last of them so far apart (microseconds); and what was asked for.</summary>
public sealed record Agreement(int Looks, long Over, int LooksWanted, long OverWanted);

/// <summary>The body of <see cref="EntryKinds.ActionSettled"/>: the operator's word on the steps named.</summary>
public sealed record ActionSettled(ReleaseVerb Verb, IReadOnlyList<ScopedStep> Steps);

/// <summary>The body of <see cref="EntryKinds.ChildStarted"/>.</summary>
public sealed record ChildStarted(RunId Child, string Workflow);

/// <summary>What an operator may do with a held run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReleaseVerb>))]
public enum ReleaseVerb
{
    /// <summary>Try again what the run is held for: ask the target again, drive again, read again.</summary>
    [JsonStringEnumMemberName("retry")] Retry = 1,

    /// <summary>Take it as it stands: the action in doubt as done, effects no longer asked for as wanted.</summary>
    [JsonStringEnumMemberName("accept")] Accept,

    /// <summary>Undo the effects in question at the target, then go on.</summary>
    [JsonStringEnumMemberName("undo")] Undo,

    /// <summary>End the run as failed. Verified effects stay.</summary>
    [JsonStringEnumMemberName("abandon")] Abandon,
}

/// <summary>Writes and reads bodies. Names are camelCase, members without a value (null, false, 0) are left out, unknown members are ignored: a body may grow.</summary>
public static class Body
{
    /// <summary>How deep a body may be that is read. Values from outside have 64 levels at most; a body puts a few around them.</summary>
    internal const int DepthMax = 128;

    /// <summary>The body as UTF-8 JSON.</summary>
    public static ReadOnlyMemory<byte> Write<T>(T body) => JsonSerializer.SerializeToUtf8Bytes(body, typeof(T), BodyJson.Default);

    /// <summary>The body of an entry that is still to be appended.</summary>
    internal static T Read<T>(EntryDraft draft) => (T?)JsonSerializer.Deserialize(draft.Body.Span, typeof(T), BodyJson.Default) ?? throw new JsonException("null");

    /// <summary>The body of an entry.</summary>
    /// <exception cref="JournalDamagedException">The body is not of this shape.</exception>
    public static T Read<T>(Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.IsErased)
        {
            throw new JournalDamagedException(entry.Run, entry.Seq, "its body was erased with all that the run was about");
        }

        try
        {
            return (T?)JsonSerializer.Deserialize(entry.Body.Span, typeof(T), BodyJson.Default) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new JournalDamagedException(entry.Run, entry.Seq, $"its body is not a {typeof(T).Name}: {e.Message}");
        }
    }

    /// <summary>The body of an entry for showing, or null: one that is damaged or erased is no reason to show nothing of its run.</summary>
    public static T? Find<T>(Entry entry)
        where T : class
    {
        try
        {
            return Read<T>(entry);
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException)
        {
            return null; // ArgumentException: a hash or an id in the body that is none
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, MaxDepth = Body.DepthMax, Converters = [typeof(PayloadHashConverter)])]
[JsonSerializable(typeof(RunStarted))]
[JsonSerializable(typeof(RunLeased))]
[JsonSerializable(typeof(Trouble))]
[JsonSerializable(typeof(RunErased))]
[JsonSerializable(typeof(Release))]
[JsonSerializable(typeof(StateEntered))]
[JsonSerializable(typeof(StepStarted))]
[JsonSerializable(typeof(StepCompleted))]
[JsonSerializable(typeof(StepFailed))]
[JsonSerializable(typeof(StepSpending))]
[JsonSerializable(typeof(Queries.StepFigures))]
[JsonSerializable(typeof(WaitOpened))]
[JsonSerializable(typeof(WaitCompleted))]
[JsonSerializable(typeof(SignalReceived))]
[JsonSerializable(typeof(SignalSent))]
[JsonSerializable(typeof(ApprovalRequested))]
[JsonSerializable(typeof(ApprovalAnswered))]
[JsonSerializable(typeof(ApprovalTerms))]
[JsonSerializable(typeof(ActionProposed))]
[JsonSerializable(typeof(ActionIntended))]
[JsonSerializable(typeof(PolicyJudged))]
[JsonSerializable(typeof(ConflictRaised))]
[JsonSerializable(typeof(ConflictRuled))]
[JsonSerializable(typeof(ClaimQueued))]
[JsonSerializable(typeof(ClaimFreed))]
[JsonSerializable(typeof(ClaimReleased))]
[JsonSerializable(typeof(Claim))]
[JsonSerializable(typeof(Storage.OpenApproval))]
[JsonSerializable(typeof(ActionExecuted))]
[JsonSerializable(typeof(ActionObserved))]
[JsonSerializable(typeof(ActionSettled))]
[JsonSerializable(typeof(ChildStarted))]
[JsonSerializable(typeof(AgentBegan))]
[JsonSerializable(typeof(BudgetReserved))]
[JsonSerializable(typeof(ToolRejected))]
[JsonSerializable(typeof(AnswerRejected))]
[JsonSerializable(typeof(DecisionMade))]
[JsonSerializable(typeof(DecisionJudged))]
[JsonSerializable(typeof(EscalationRaised))]
internal sealed partial class BodyJson : JsonSerializerContext;

internal sealed class PayloadHashConverter : JsonConverter<PayloadHash>
{
    public override PayloadHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

    public override void Write(Utf8JsonWriter writer, PayloadHash value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
