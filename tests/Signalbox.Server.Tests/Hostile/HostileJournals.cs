using System.Collections;
using System.Reflection;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Server.Tests.Hostile;

/// <summary>
/// Journals in which every field that can hold text from outside does. Made from the declared kinds and the shapes of their bodies, so that a new kind or a new field is covered, or fails here.
/// </summary>
internal sealed class HostileJournals(IRunStore store, ManualClock clock)
{
    /// <summary>Every kind and the shape of its body; null for none.</summary>
    private static readonly Dictionary<string, Type?> s_bodies = new()
    {
        [EntryKinds.RunStarted] = typeof(RunStarted),
        [EntryKinds.RunLeased] = typeof(RunLeased),
        [EntryKinds.RunWaiting] = null,
        [EntryKinds.RunReleased] = null,
        [EntryKinds.RunHeld] = typeof(Trouble),
        [EntryKinds.RunResumed] = typeof(Release),
        [EntryKinds.RunFailed] = typeof(Trouble),
        [EntryKinds.RunRetried] = null,
        [EntryKinds.RunCompleted] = null,
        [EntryKinds.RunCanceled] = null,
        [EntryKinds.RunErased] = typeof(RunErased),
        [EntryKinds.CancelRequested] = null,
        [EntryKinds.StateEntered] = typeof(StateEntered),
        [EntryKinds.StepStarted] = typeof(StepStarted),
        [EntryKinds.StepAttemptFailed] = typeof(StepFailed),
        [EntryKinds.StepCompleted] = typeof(StepCompleted),
        [EntryKinds.StepFailed] = typeof(StepFailed),
        [EntryKinds.WaitOpened] = typeof(WaitOpened),
        [EntryKinds.WaitCompleted] = typeof(WaitCompleted),
        [EntryKinds.WaitWithdrawn] = null,
        [EntryKinds.SignalReceived] = typeof(SignalReceived),
        [EntryKinds.SignalSent] = typeof(SignalSent),
        [EntryKinds.ApprovalRequested] = typeof(ApprovalRequested),
        [EntryKinds.ApprovalAnswered] = typeof(ApprovalAnswered),
        [EntryKinds.ApprovalExpired] = typeof(ApprovalAnswered),
        [EntryKinds.ApprovalWithdrawn] = null,
        [EntryKinds.ApprovalIgnored] = typeof(ApprovalAnswered),
        [EntryKinds.ActionProbed] = typeof(ActionObserved),
        [EntryKinds.ActionProposed] = typeof(ActionProposed),
        [EntryKinds.PolicyJudged] = typeof(PolicyJudged),
        [EntryKinds.ConflictRaised] = typeof(ConflictRaised),
        [EntryKinds.ConflictRuled] = typeof(ConflictRuled),
        [EntryKinds.ClaimQueued] = typeof(ClaimQueued),
        [EntryKinds.ClaimFreed] = typeof(ClaimFreed),
        [EntryKinds.ClaimWithdrawn] = null,
        [EntryKinds.ClaimReleased] = typeof(ClaimReleased),
        [EntryKinds.ActionIntended] = typeof(ActionIntended),
        [EntryKinds.ActionExecuted] = typeof(ActionExecuted),
        [EntryKinds.ActionVerified] = typeof(ActionObserved),
        [EntryKinds.ActionNotApplied] = typeof(ActionObserved),
        [EntryKinds.ActionDiverged] = typeof(ActionObserved),
        [EntryKinds.ActionUnverified] = typeof(ActionObserved),
        [EntryKinds.ActionRefused] = typeof(ActionObserved),
        [EntryKinds.ActionUnknown] = typeof(ActionObserved),
        [EntryKinds.ActionSettled] = typeof(ActionSettled),
        [EntryKinds.ChildStarted] = typeof(ChildStarted),
        [EntryKinds.AgentBegan] = typeof(AgentBegan),
        [EntryKinds.BudgetReserved] = typeof(BudgetReserved),
        [EntryKinds.ToolRejected] = typeof(ToolRejected),
        [EntryKinds.AnswerRejected] = typeof(AnswerRejected),
        [EntryKinds.DecisionMade] = typeof(DecisionMade),
        [EntryKinds.DecisionJudged] = typeof(DecisionJudged),
        [EntryKinds.EscalationRaised] = typeof(EscalationRaised),
    };

    /// <summary>The bodies' own parts, which are no bodies by themselves.</summary>
    private static readonly Type[] s_parts =
        [typeof(ScopedStep), typeof(ModelCall), typeof(ToolCalled), typeof(Settlement), typeof(ApprovalTerms), typeof(LimitUse), typeof(ClaimHolder), typeof(Agreement)];

    /// <summary>Kinds that say where a run is in its life, in an order in which they may follow on each other.</summary>
    private static readonly string[] s_life =
    [
        EntryKinds.RunWaiting, EntryKinds.RunReleased, EntryKinds.RunLeased, EntryKinds.RunHeld, EntryKinds.RunResumed, EntryKinds.RunFailed, EntryKinds.RunRetried, EntryKinds.RunLeased, EntryKinds.CancelRequested, EntryKinds.RunCanceled,
    ];

    private static readonly RunId s_other = new("r-other");

    /// <summary>The kinds that the code declares.</summary>
    public static IReadOnlyList<string> Declared { get; } =
        [.. typeof(EntryKinds).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).OrderBy(f => f.MetadataToken).Select(f => (string)f.GetRawConstantValue()!)];

    public static void EveryKindAndBodyIsKnown()
    {
        Assert.Equal(Declared.Order(StringComparer.Ordinal), s_bodies.Keys.Order(StringComparer.Ordinal));
        var parameters = typeof(RunStarted).Assembly.GetTypes().Where(t => t.Namespace == typeof(RunStarted).Namespace && t.GetMethod("<Clone>$") is not null && t.IsSealed && t.GetConstructors().Any(c => c.GetParameters().Length > 0));
        var known = s_bodies.Values.OfType<Type>().Concat(s_parts).ToHashSet();
        Assert.DoesNotContain(parameters, t => t.IsPublic && !known.Contains(t) && t != typeof(Entry) && t != typeof(EntryDraft) && t != typeof(Payload) && !t.IsAbstract);
    }

    /// <summary>Writes three runs for each text (one that asks, one that went through every trouble, one that is held), one with lines of a megabyte, and one that went through and was erased. Gives their ids.</summary>
    public async Task<IReadOnlyList<RunId>> WriteAsync()
    {
        EveryKindAndBodyIsKnown();
        var runs = new List<RunId>();
        for (var i = 0; i < HostileTexts.All.Count; i++)
        {
            var text = HostileTexts.All[i];
            runs.Add(await AskingAsync($"r-asks{i}", text));
            runs.Add(await TroubledAsync($"r-ends{i}", text));
            runs.Add(await HeldAsync($"r-held{i}", text));
        }

        runs.Add(await LongAsync("r-long"));
        runs.Add(await CompletedAsync("r-done", HostileTexts.All[0]));
        runs.Add(await ErasedAsync("r-erased", HostileTexts.All[0]));
        return runs;
    }

    private async Task<RunId> AskingAsync(string id, string text)
    {
        var run = await StartAsync(id, text);
        foreach (var kind in Declared.Where(k => !s_life.Contains(k) && k is not (EntryKinds.RunStarted or EntryKinds.RunCompleted or EntryKinds.RunErased)))
        {
            await AppendAsync(run, kind, text);
        }

        await AppendAsync(run, "new.kind" + text, text, Body.Write(new SignalReceived(text, JsonOf(text)))); // of a version to come
        await AppendAsync(run, EntryKinds.ActionProposed, text);
        await AppendAsync(run, EntryKinds.ApprovalRequested, text);
        await AppendAsync(run, EntryKinds.RunWaiting, text);
        return run;
    }

    private async Task<RunId> TroubledAsync(string id, string text)
    {
        var run = await StartAsync(id, text);
        foreach (var kind in s_life)
        {
            await AppendAsync(run, kind, text);
        }

        return run;
    }

    private async Task<RunId> HeldAsync(string id, string text)
    {
        var run = await StartAsync(id, text);
        await AppendAsync(run, EntryKinds.RunHeld, text);
        return run;
    }

    private async Task<RunId> CompletedAsync(string id, string text)
    {
        var run = await StartAsync(id, text);
        await AppendAsync(run, EntryKinds.RunCompleted, text);
        return run;
    }

    private async Task<RunId> ErasedAsync(string id, string text)
    {
        var run = await CompletedAsync(id, text);
        Assert.True((await RunCommands.ExecuteAsync(store, new EraseRun(run, text), new Caller("person:" + text, ["admin"]), default)).IsAccepted);
        return run;
    }

    /// <summary>A run with a megabyte wherever a model, a tool, a target or a person speaks.</summary>
    private async Task<RunId> LongAsync(string id)
    {
        var run = await StartAsync(id, "long");
        foreach (var kind in new[]
                 {
                     EntryKinds.StepFailed, EntryKinds.ToolRejected, EntryKinds.DecisionMade, EntryKinds.EscalationRaised, EntryKinds.SignalReceived, EntryKinds.ActionExecuted, EntryKinds.ActionDiverged, EntryKinds.ApprovalIgnored,
                     EntryKinds.StateEntered, EntryKinds.ActionProposed, EntryKinds.ApprovalRequested, EntryKinds.RunWaiting,
                 })
        {
            await AppendAsync(run, kind, HostileTexts.Long, name: "long");
        }

        return run;
    }

    private async Task<RunId> StartAsync(string id, string text)
    {
        var run = new RunId(id);
        var definition = Definition(text);
        var started = new RunStarted(text, 1, RawJson.To(definition.Hash), text + id, new Dictionary<string, string> { [text] = text, ["label"] = text }, s_other, text);
        clock.Advance(TimeSpan.FromSeconds(1));
        await CommitAsync(
            run,
            Draft(EntryKinds.RunStarted, text, Body.Write(started)) with { Step = "", Scope = "", Payloads = [definition] },
            Draft(EntryKinds.StateEntered, text, Body.Write(new StateEntered(null, JsonOf(text)))) with { State = text, Visit = 1, Step = "", Scope = "" });
        await AppendAsync(run, EntryKinds.RunLeased, text);
        return run;
    }

    private Task AppendAsync(RunId run, string kind, string text, string? name = null) =>
        AppendAsync(run, kind, text, s_bodies[kind] is { } type ? Write(Make(type, "", text, name)!) : default, name);

    private async Task AppendAsync(RunId run, string kind, string text, ReadOnlyMemory<byte> body, string? name = null)
    {
        clock.Advance(TimeSpan.FromSeconds(1));
        var draft = Draft(kind, text, body, name);
        draft = kind switch
        {
            EntryKinds.StateEntered => draft with { State = name ?? text, Visit = 2, Step = "", Scope = "" },
            EntryKinds.ApprovalAnswered => draft with { Visit = 2, Actor = "person:anna" }, // the store takes no answer of a name that does not look like one
            EntryKinds.StepCompleted => draft with { Payloads = [Message(text)] },
            EntryKinds.ApprovalIgnored or EntryKinds.ClaimFreed or EntryKinds.ClaimReleased or EntryKinds.ConflictRaised or EntryKinds.ConflictRuled => draft with { Scope = "" },
            _ => draft,
        };
        await CommitAsync(run, draft);
    }

    private async Task CommitAsync(RunId run, params EntryDraft[] drafts)
    {
        var result = await store.CommitAsync(new Commit { Run = run, Entries = drafts }, default);
        Assert.True(result.IsCommitted, $"{drafts[0].Kind}: {result.Status} {result.Refusal?.Why}");
    }

    private static EntryDraft Draft(string kind, string text, ReadOnlyMemory<byte> body, string? name = null)
    {
        var family = kind.StartsWith("new.", StringComparison.Ordinal) ? "new" : kind.Split('.')[0];
        var isOfStep = family is not ("run" or "cancel" or "state");
        return new() { Kind = kind, Body = body, Step = isOfStep ? $"{name ?? text}{family}/-/1" : "", Scope = isOfStep && family is "agent" or "step" or "tool" or "decision" ? $"{name ?? text}/{name ?? text}" : "", Actor = "person:" + (name ?? text), Cause = text };
    }

    /// <summary>An instance of which every text is hostile. <paramref name="name"/> stands where there is a limit to what a text may be.</summary>
    private static object? Make(Type type, string member, string text, string? name)
    {
        type = Nullable.GetUnderlyingType(type) is { } inner ? (inner == typeof(long) ? typeof(void) : inner) : type;
        return type switch
        {
            _ when type == typeof(void) => null, // a time, or a seq of another entry
            _ when type == typeof(string) => member is "Name" or "Code" or "Tool" or "Agent" or "Tier" or "ActionId" or "Action" or "CallId" or "Decision" or "Kind" or "ArgumentsHash" ? name ?? text : text,
            _ when type == typeof(bool) => false,
            _ when type == typeof(int) => 1,
            _ when type == typeof(long) => 1L,
            _ when type == typeof(double) => 0.5,
            _ when type == typeof(RunId) => s_other,
            _ when type == typeof(PayloadHash) => Message(text).Hash,
            _ when type == typeof(RawJson) => Json(member, text),
            _ when type == typeof(Spending) => new Spending { Calls = 1 },
            _ when type == typeof(Claim) => new Claim(Resource.Of("kind", Short(text)), name ?? text, [text + "'"]),
            _ when type.IsEnum => Enum.GetValues(type).GetValue(0),
            { IsGenericType: true } when type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => ListOf(type.GetGenericArguments()[0], member, text, name),
            _ when type == typeof(IReadOnlyDictionary<string, string>) => new Dictionary<string, string> { [name ?? text] = text },
            _ when type == typeof(IReadOnlyDictionary<string, double>) => new Dictionary<string, double> { [name ?? text] = 0.5 },
            _ when s_bodies.ContainsValue(type) || s_parts.Contains(type) => Construct(type, text, name),
            _ => throw new NotSupportedException($"Say how a hostile {type} is made: a body has one now ({member})."),
        };
    }

    private static object Construct(Type type, string text, string? name)
    {
        var constructor = type.GetConstructors().MaxBy(c => c.GetParameters().Length)!;
        return constructor.Invoke([.. constructor.GetParameters().Select(p => Make(p.ParameterType, p.Name!, text, name))]);
    }

    private static IList ListOf(Type type, string member, string text, string? name)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(type))!;
        list.Add(Make(type, member, text, name));
        return list;
    }

    private static string Short(string text) => new([.. text.Where(c => !char.IsSurrogate(c)).Take(60)]);

    private static RawJson Json(string member, string text) => member switch
    {
        "Reply" => Reply(text),
        "Configuration" => new(JsonSerializer.SerializeToUtf8Bytes(new AgentConfiguration(text, [new Tier(text, text)], [new PinnedTool(text, text, JsonSerializer.SerializeToElement(new { type = text }))], new Dictionary<string, string> { [text] = text }, 1, 1, 1), SignalboxJson.Options)),
        _ => JsonOf(text),
    };

    private static RawJson JsonOf(string text) => new(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { [Short(text)] = text, ["inner"] = new[] { text } }, SignalboxJson.Options));

    private static RawJson Reply(string text) => new(Messages(text, "text", "functionCall", "functionResult", "reasoning", text));

    private static Payload Message(string text) => Payload.Of(JsonSerializer.SerializeToUtf8Bytes(new { role = text, contents = new object[] { new { text }, text } }, SignalboxJson.Options));

    private static byte[] Messages(string text, params string[] types) => System.Text.Encoding.UTF8.GetBytes(
        JsonSerializer.Serialize(new[] { new { role = "assistant", contents = types.Select(type => new { type, text, name = text, callId = text, result = text, arguments = new Dictionary<string, object> { [text] = text } }) } }, SignalboxJson.Options)
            .Replace("\"type\"", "\"$type\"", StringComparison.Ordinal));

    private static Payload Definition(string text) => Payload.Of(new WorkflowDefinition(
        text, 1, text, [new StateDefinition(text) { To = { text + "2", text } }, new StateDefinition(text + "2", "success"), new StateDefinition(text + "3", text)]).ToJson());

    private static ReadOnlyMemory<byte> Write(object body) => (ReadOnlyMemory<byte>)typeof(Body).GetMethod(nameof(Body.Write))!.MakeGenericMethod(body.GetType()).Invoke(null, [body])!;
}
