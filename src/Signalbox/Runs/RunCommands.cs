using System.Security.Cryptography;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// Carries out commands on a store, for every way in (a program, the command line, another process, a server). Needs none of the
/// workflow's code. Each command is one transaction; a refusal changes nothing but, for an answer, the record that it came.
/// </summary>
public static class RunCommands
{
    private const int ClaimsMax = 10_000;

    /// <summary>Carries out a command for <paramref name="caller"/>, who and whose roles have been authenticated by whoever calls this.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was written; try again.</exception>
    public static ValueTask<CommandResult> ExecuteAsync(IRunStore store, RunCommand command, Caller caller, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentException.ThrowIfNullOrWhiteSpace(caller.Actor, nameof(caller));
        var actor = caller.Actor;
        return command switch
        {
            StartRun start => StartAsync(store, start, actor, cancellationToken),
            SendSignal signal => CommitAsync(store, signal.Run, Signal(signal, actor), $"Signal '{signal.Name}' lies in the run's mailbox.", cancellationToken),
            AnswerApproval answer => AnswerAsync(store, answer, caller, cancellationToken),
            CancelRun cancel => CommitAsync(
                store, cancel.Run, new EntryDraft { Kind = EntryKinds.CancelRequested, Actor = actor, Cause = cancel.Reason },
                "It will end when its actions are settled, as soon as a worker that knows its workflow drives it.", cancellationToken),
            RetryRun retry => CommitAsync(
                store, retry.Run, new EntryDraft { Kind = EntryKinds.RunRetried, Actor = actor, Cause = retry.Reason },
                "Its last visit is open again; what had failed is asked again.", cancellationToken),
            ReleaseRun release => ReleaseAsync(store, release, actor, cancellationToken),
            JudgeDecision judge => JudgeAsync(store, judge, actor, cancellationToken),
            ReleaseClaim release => ReleaseAsync(store, release, actor, cancellationToken),
            EraseRun erase => RunErasure.EraseAsync(store, erase, caller, cancellationToken),
            _ => throw new ArgumentException($"Unknown command {command?.GetType().Name ?? "null"}.", nameof(command)),
        };
    }

    private static async ValueTask<CommandResult> StartAsync(IRunStore store, StartRun start, string actor, CancellationToken cancellationToken)
    {
        var definition = Payload.Of(Bodies.Minified(start.Definition).Utf8);
        var started = new RunStarted(start.Workflow, start.Version, RawJson.To(definition.Hash), start.Key, start.Labels);
        var result = await store.CommitAsync(
            new Commit { Run = start.Run, Entries = RunEntries.Start(started, definition, start.State, Bodies.Minified(start.Case), actor, "started by a client") }, cancellationToken);
        return result.Status == CommitStatus.KeyTaken
            ? new("key_taken", $"Workflow '{start.Workflow}' has a run under the key '{start.Key}' already; no second one was started.", result.Head!.Row.Run, result.Head.Row.Status)
            : Describe(result, start.Run, "The run is recorded and waits for a worker.");
    }

    private static EntryDraft Signal(SendSignal signal, string actor)
    {
        StepKey.ThrowIfUnfit(signal.Name);
        var (value, payloads) = Bodies.Place(Bodies.Minified(signal.Value));
        return new EntryDraft
        {
            Kind = EntryKinds.SignalReceived,
            Actor = actor,
            Cause = "sent from outside",
            Body = Body.Write(new SignalReceived(signal.Name, value)),
            Payloads = payloads,
        };
    }

    private static async ValueTask<CommandResult> AnswerAsync(IRunStore store, AnswerApproval answer, Caller caller, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(answer.Run, cancellationToken) is not { } head)
        {
            return NotFound(answer.Run);
        }

        var open = head.Waits.Where(w => w.Kind == WaitKind.Approval && (answer.Step is null || w.Step == answer.Step || new ScopedStep(w.Scope, w.Step).ToString() == answer.Step)).ToArray();
        if (open.Length > 1)
        {
            return new("approval_ambiguous", $"Run '{answer.Run}' has {open.Length} open questions; name one of: {string.Join(", ", open.Select(w => new ScopedStep(w.Scope, w.Step)))}", answer.Run, head.Row.Status);
        }

        if (open is not [var wait])
        {
            var why = $"Run '{answer.Run}' is {head.Row.Status} and has no open question{(answer.Step is null ? "" : $" '{answer.Step}'")}; the answer is recorded and changed nothing.";
            return await IgnoreAsync("approval_not_open", why, answer.Step ?? "");
        }

        var asked = Body.Read<ApprovalRequested>((await store.ReadAsync(answer.Run, wait.Seq, 1, cancellationToken))[0]);
        if (Unfit(answer, asked) is { } unfit)
        {
            return await IgnoreAsync(unfit.Code, unfit.Why, wait.Step);
        }

        var (edited, payloads) = answer.Edited is { } other ? Bodies.Place(Bodies.Minified(other)) : (default(RawJson?), (IReadOnlyList<Payload>)[]);
        var result = await store.CommitAsync(
            new Commit { Run = answer.Run, Entries = [Draft(EntryKinds.ApprovalAnswered, wait.Scope, wait.Step, "answered", edited) with { Payloads = payloads }] }, cancellationToken);
        return result.Refusal is { } refusal
            ? await IgnoreAsync(refusal.Code, refusal.Why, wait.Step)
            : Describe(result, answer.Run, $"'{answer.Choice}' is recorded as the answer of {caller.Actor}.{More(result)}");

        async ValueTask<CommandResult> IgnoreAsync(string code, string why, string step)
        {
            // What it wanted instead is not kept: it may be anything, of any size.
            var ignored = await store.CommitAsync(new Commit { Run = answer.Run, Entries = [Draft(EntryKinds.ApprovalIgnored, "", step, why)] }, cancellationToken);
            return new(code, why, answer.Run, ignored.Head?.Row.Status);
        }

        EntryDraft Draft(string kind, string scope, string step, string cause, RawJson? instead = null) => new()
        {
            Kind = kind,
            State = head.Row.State,
            Visit = head.Row.Visit,
            Scope = scope,
            Step = step,
            Actor = caller.Actor,
            Cause = cause,
            Body = Body.Write(new ApprovalAnswered(answer.Choice, answer.Comment, [.. caller.Roles], answer.Hash, instead)),
        };

        // The question is still open where more than one person must approve.
        string More(CommitResult committed) => committed.Head?.Waits.Any(w => w.Seq == wait.Seq && w.Kind == WaitKind.Approval) == true ? " More people have to approve before anything is done." : "";
    }

    /// <summary>Why an answer does not fit its question, whoever gives it; null if it does.</summary>
    private static Refusal? Unfit(AnswerApproval answer, ApprovalRequested asked)
    {
        const string Nothing = "the answer is recorded and changed nothing.";
        var isOffered = asked.Choices.Contains(answer.Choice, StringComparer.Ordinal);
        return answer switch
        {
            { Hash: { } hash } when hash != asked.Action?.ArgumentsHash => new("approval_stale", asked.Action is { } now
                ? $"What was answered for ({hash}) is not what is asked about ({now.ArgumentsHash}): look at it again; {Nothing}"
                : $"An answer for an action ({hash}) was given to a question that is about none; {Nothing}"),
            { Choice: OpenApproval.Edit } when !isOffered && asked.Action is not null => new("edit_not_allowed", $"The arguments of this action may not be edited, only {string.Join(" or ", asked.Choices)}; {Nothing}"),
            _ when !isOffered => new("choice_unknown", $"'{answer.Choice}' is not one of the choices ({string.Join(", ", asked.Choices)}); {Nothing}"),
            { Edited: { } edited } => UnfitEdit(answer.Choice, edited, asked) is { } why ? new("edit_not_allowed", $"{why}; {Nothing}") : null,
            { Choice: OpenApproval.Edit } when asked.Action is not null => new("edit_not_allowed", $"An edit needs the arguments that are proposed instead; {Nothing}"),
            _ => null,
        };
    }

    private static string? UnfitEdit(string choice, RawJson edited, ApprovalRequested asked)
    {
        if (asked.Action is not { } action || choice != OpenApproval.Edit)
        {
            return $"Other arguments come with the choice '{OpenApproval.Edit}' of a question about an action, not with '{choice}'";
        }

        try
        {
            var canonical = CanonicalJson.Of(edited.Utf8.Span);
            return canonical[0] != '{' ? "The arguments of an action are a JSON object"
                : Convert.ToHexStringLower(SHA256.HashData(canonical)) == action.ArgumentsHash ? "The edited arguments are those that are proposed already"
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"The edited arguments are not JSON that can be compared: {e.Message.TrimEnd('.')}"; // InvalidOperationException: half of a character
        }
    }

    private static async ValueTask<CommandResult> ReleaseAsync(IRunStore store, ReleaseRun release, string actor, CancellationToken cancellationToken)
    {
        var resumed = new EntryDraft
        {
            Kind = EntryKinds.RunResumed,
            Actor = actor,
            Cause = release.Note ?? $"released: {release.Verb}",
            Body = Body.Write(new Release(release.Verb, release.Note)),
        };
        if (release.Verb != ReleaseVerb.Abandon)
        {
            return await CommitAsync(store, release.Run, resumed, "It goes on as soon as a worker that knows its workflow drives it.", cancellationToken);
        }

        // Abandoning needs no code of the author's, so that a run whose program is gone can still be ended.
        while (await store.FindAsync(release.Run, cancellationToken) is { } head)
        {
            var trouble = new Trouble(TroubleCodes.Abandoned, $"Abandoned by {actor} while held: {head.Row.Reason}");
            var result = await store.CommitAsync(
                new Commit
                {
                    Run = release.Run,
                    ExpectedSeq = head.Seq,
                    Entries =
                    [
                        resumed,
                        .. RunEntries.Withdraw(head, actor, "the run was abandoned"),
                        new EntryDraft { Kind = EntryKinds.RunFailed, State = head.Row.State, Visit = head.Row.Visit, Actor = actor, Cause = "abandoned", Body = Body.Write(trouble) },
                    ],
                    Also = RunEntries.TellParent(head.Row, RunStatus.Failed, trouble.Reason),
                },
                cancellationToken);
            if (result.Status != CommitStatus.SeqMoved)
            {
                return Describe(result, release.Run, "The run has ended as failed; what it did in the world stays.");
            }
        }

        return NotFound(release.Run);
    }

    private static async ValueTask<CommandResult> ReleaseAsync(IRunStore store, ReleaseClaim release, string actor, CancellationToken cancellationToken)
    {
        if (!Caller.IsPerson(actor))
        {
            return new("claim_not_a_person", $"Claims are released by people alone; '{actor}' is none. Nothing was changed.", release.Run);
        }

        if (await store.FindAsync(release.Run, cancellationToken) is not { } head)
        {
            return NotFound(release.Run);
        }

        var standing = await store.ClaimsAsync(new ClaimQuery { Run = release.Run, Phases = [ClaimPhase.Standing], Limit = ClaimsMax }, cancellationToken);
        if (standing.All(c => c.ActionId != release.ActionId))
        {
            return new(
                "claim_not_standing", $"Action '{release.ActionId}' of run '{release.Run}' has no standing claim; only such are released. Nothing was changed. See: signalbox claims --run {release.Run}", release.Run, head.Row.Status);
        }

        var released = new EntryDraft { Kind = EntryKinds.ClaimReleased, Actor = actor, Cause = release.Reason, Body = Body.Write(new ClaimReleased([release.ActionId])) };
        return await CommitAsync(store, release.Run, released, "Its claims are released; the effect stays as it is.", cancellationToken);
    }

    private static async ValueTask<CommandResult> JudgeAsync(IRunStore store, JudgeDecision judge, string actor, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(judge.Run, cancellationToken) is not { } head)
        {
            return NotFound(judge.Run);
        }

        if (head.Row.IsErased)
        {
            return new("run_erased", $"What run '{judge.Run}' was about was erased, and its decisions with it; nothing was changed.", judge.Run, head.Row.Status);
        }

        var isThere = false;
        await foreach (var entry in store.EntriesAsync(judge.Run, cancellationToken: cancellationToken))
        {
            if (entry.Kind == EntryKinds.DecisionMade && Body.Read<DecisionMade>(entry).Decision == judge.Decision)
            {
                isThere = true;
                break;
            }
        }

        if (!isThere)
        {
            return new("decision_not_found", $"Run '{judge.Run}' has made no decision '{judge.Decision}'; nothing was changed. See: signalbox show {judge.Run}", judge.Run);
        }

        var judged = new EntryDraft { Kind = EntryKinds.DecisionJudged, Actor = actor, Cause = judge.Why, Body = Body.Write(new DecisionJudged(judge.Decision, judge.Right ? "right" : "wrong")) };
        return await CommitAsync(store, judge.Run, judged, $"Decision '{judge.Decision}' counts as {(judge.Right ? "right" : "wrong")}.", cancellationToken);
    }

    private static async ValueTask<CommandResult> CommitAsync(IRunStore store, RunId run, EntryDraft draft, string done, CancellationToken cancellationToken) =>
        Describe(await store.CommitAsync(new Commit { Run = run, Entries = [draft] }, cancellationToken), run, done);

    internal static CommandResult Describe(CommitResult result, RunId run, string done) => result.Status switch
    {
        CommitStatus.Committed => new("ok", done, run, result.Head!.Row.Status),
        CommitStatus.RunNotFound => NotFound(run),
        _ => new(result.Refusal?.Code ?? "refused", result.Refusal?.Why ?? $"The store refused: {result.Status}.", run, result.Head?.Row.Status),
    };

    internal static CommandResult NotFound(RunId run) => new("run_not_found", $"The store has no run '{run}'. See: signalbox runs");
}
