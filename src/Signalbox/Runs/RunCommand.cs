using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// What somebody outside wants of a run. Commands carry no identity: who asks is said by whoever authenticated them (the
/// process that owns the store, a server), never by the caller. They travel as JSON between processes.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "command")]
[JsonDerivedType(typeof(StartRun), "start")]
[JsonDerivedType(typeof(SendSignal), "signal")]
[JsonDerivedType(typeof(AnswerApproval), "answer")]
[JsonDerivedType(typeof(CancelRun), "cancel")]
[JsonDerivedType(typeof(RetryRun), "retry")]
[JsonDerivedType(typeof(ReleaseRun), "release")]
[JsonDerivedType(typeof(JudgeDecision), "judge")]
[JsonDerivedType(typeof(ReleaseClaim), "release_claim")]
[JsonDerivedType(typeof(EraseRun), "erase")]
public abstract record RunCommand
{
    private protected RunCommand()
    {
    }

    /// <summary>The command as UTF-8 JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, CommandJson.Default.RunCommand);

    /// <summary>The command that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    public static RunCommand FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, CommandJson.Default.RunCommand) ?? throw new JsonException("A command is a JSON object.");
}

/// <summary>Start a run, unless the workflow has one under this key. <paramref name="Case"/> is the first state's case, <paramref name="Definition"/> the drawn definition.</summary>
public sealed record StartRun(
    RunId Run, string Workflow, int Version, RawJson Definition, string State, RawJson Case, string? Key = null, IReadOnlyDictionary<string, string>? Labels = null) : RunCommand;

/// <summary>Put a signal into the run's mailbox; it may arrive before anybody waits for it.</summary>
public sealed record SendSignal(RunId Run, string Name, RawJson Value) : RunCommand;

/// <summary>
/// Answer the run's open question. <paramref name="Step"/> names it where there are several, as its key or, in a branch, as <c>branch: key</c>. <paramref name="Hash"/> is the arguments' hash of the action that
/// was shown to who answers: if another one is asked about by now, the answer changes nothing. <paramref name="Edited"/> are the arguments that are proposed instead, with the choice <see cref="Storage.OpenApproval.Edit"/>.
/// </summary>
public sealed record AnswerApproval(RunId Run, string Choice, string? Step = null, string? Comment = null, string? Hash = null, RawJson? Edited = null) : RunCommand;

/// <summary>Ask that the run end: reads stop, actions past their intent settle, waits are withdrawn.</summary>
public sealed record CancelRun(RunId Run, string Reason) : RunCommand;

/// <summary>Open the failed run's last visit again: successes and effects stay, failures and missing evidence are asked again.</summary>
public sealed record RetryRun(RunId Run, string Reason) : RunCommand;

/// <summary>Say whether a decision of the run was right, also after the run has ended. The latest judgement counts; a decision without one is unknown.</summary>
public sealed record JudgeDecision(RunId Run, string Decision, bool Right, string Why) : RunCommand;

/// <summary>End the standing claims of an action of the run, ended or not: nobody is kept from acting against it any more. Its effect stays. Only a person may.</summary>
public sealed record ReleaseClaim(RunId Run, string ActionId, string Reason) : RunCommand;

/// <summary>
/// Erase what a run that has ended was about: the bodies and causes of its entries, its key and labels, and the payloads that no other run refers to. That it ran, when, through which states and by whom stays, and its chain still verifies.
/// Needs the role <c>admin</c>. Refused while one of its actions is unsettled or has a claim.
/// </summary>
public sealed record EraseRun(RunId Run, string Reason) : RunCommand;

/// <summary>Let a held run go on.</summary>
public sealed record ReleaseRun(RunId Run, ReleaseVerb Verb, string? Note = null) : RunCommand;

/// <summary>
/// What became of a command. <paramref name="Code"/> is <c>ok</c>, or the stable code of why nothing was changed
/// (docs/errors.md); <paramref name="Run"/> and <paramref name="Status"/> say how things stand now.
/// </summary>
public sealed record CommandResult(string Code, string Message, RunId? Run = null, RunStatus? Status = null)
{
    /// <summary>Whether it was carried out. A start whose key has a run already counts as carried out.</summary>
    [JsonIgnore]
    public bool IsAccepted => Code is "ok" or "key_taken";

    /// <summary>The result as UTF-8 JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, CommandJson.Default.CommandResult);

    /// <summary>The result that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    public static CommandResult FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, CommandJson.Default.CommandResult) ?? throw new JsonException("A result is a JSON object.");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(RunCommand))]
[JsonSerializable(typeof(CommandResult))]
internal sealed partial class CommandJson : JsonSerializerContext;
