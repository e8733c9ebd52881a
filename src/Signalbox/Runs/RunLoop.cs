using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// Drives one leased run until it ends, has to wait, or needs somebody. Start reading here: open the visit, settle what is in doubt, enter the state's handler,
/// record where it leads; again. A crash anywhere means that another worker does the same from the record.
/// </summary>
internal sealed class RunLoop : IDisposable
{
    private readonly Engine _engine;
    private readonly RegisteredWorkflow _workflow;
    private readonly RunJournal _journal;
    private readonly RunContext _context;
    private readonly CancellationTokenSource _abandoned = new();
    private IReadOnlyList<Entry> _atHand;
    private VisitEngine? _visit;
    private bool _stopping;
    private bool _isOver;

    public RunLoop(Engine engine, RunHead leased, IReadOnlyList<Entry> atHand)
    {
        _atHand = atHand;
        _engine = engine;
        _workflow = engine.Workflows.Find(new WorkflowVersion(leased.Row.Workflow, leased.Row.Version))
            ?? throw new InvalidOperationException($"Run '{leased.Row.Run}' was leased for a workflow that this program lacks.");
        _journal = new RunJournal(engine.Store, leased, engine.Outage, engine.Clock, _abandoned.Token);
        _context = new RunContext(engine.Scheduler) { OnThrown = FailHandler };
    }

    public RunId Run => _journal.Run;

    public bool IsAlone => _journal.Head.Row.Alone;

    /// <summary>Completes when this worker no longer drives the run. Never faults.</summary>
    public Task DriveAsync() => _context.RunAsync(async () =>
    {
        using var lines = _engine.Log.BeginScope(new Diagnostics.RunLogScope(Run)); // the author's lines are told apart by run too
        try
        {
            await _journal.LoadAsync(_atHand, _abandoned.Token);
            _atHand = [];
            while (await VisitAsync())
            {
            }
        }
        catch (LeaseLostException e)
        {
            _engine.Log.LogWarning("Run {Run} goes on elsewhere: {Reason}", Run, e.Message);
        }
        catch (JournalDamagedException e)
        {
            await HoldAtLastAsync(new Trouble(TroubleCodes.JournalDamaged, e.Message));
        }
        catch (OperationCanceledException) when (_abandoned.IsCancellationRequested)
        {
            // Not given back: whoever takes the run over settles what was left in doubt.
        }
        catch (Exception e)
        {
            _engine.Log.LogError(e, "The engine failed on run {Run}; the run is held.", Run);
            await HoldAtLastAsync(EngineTrouble(Run, e));
        }
    });

    public static Trouble EngineTrouble(RunId run, Exception e) => new(
        TroubleCodes.EngineFailed, $"The engine itself failed ({e.GetType().Name}: {e.Message}). This is a bug of Signalbox or of its store; see the log. To go on: signalbox release {run} --retry");

    /// <inheritdoc />
    public void Dispose()
    {
        _isOver = true;
        _abandoned.Dispose();
    }

    /// <summary>Gives the run back in good order: reads are canceled, actions settle.</summary>
    public void Stop() => _context.Post(
        _ =>
        {
            _stopping = true;
            _visit?.Finish(new VisitEnd(VisitEndKind.Stopped));
        },
        null);

    /// <summary>Stops waiting for anything. What is half done is in doubt, and is settled by whoever takes the run over. Does nothing once it is over.</summary>
    public void Abandon()
    {
        if (_isOver)
        {
            return;
        }

        _abandoned.CancelHere();
        _context.Post(_ => _visit?.Finish(new VisitEnd(VisitEndKind.LeaseLost)), null);
    }

    /// <summary>Somebody asked that the run end.</summary>
    public void Cancel() => _context.Post(_ => _visit?.Finish(new VisitEnd(VisitEndKind.Canceled)), null);

    /// <summary>Records that what is at work is at work, so that a hang can be seen.</summary>
    public void Beat() => _context.Post(_ => _ = BeatAsync(), null);

    /// <summary>What nobody awaits fails the run that it belongs to, and no other.</summary>
    private void FailHandler(Exception thrown)
    {
        _engine.Log.LogError(thrown, "What a handler of run {Run} had left to itself failed.", Run);
        _visit?.Finish(new VisitEnd(VisitEndKind.Failed, new Trouble(
            TroubleCodes.HandlerFailed, $"What a handler of the run had left to itself (an async void, a callback) threw {thrown.GetType().Name}: {thrown.Message}")));
    }

    private async Task BeatAsync()
    {
        try
        {
            await _journal.FlushNotesAsync();
        }
        catch (Exception e) when (e is LeaseLostException or OperationCanceledException)
        {
            _visit?.Finish(new VisitEnd(VisitEndKind.LeaseLost));
        }
    }

    /// <summary>One pass through the current state. True if the run goes on here.</summary>
    private async Task<bool> VisitAsync()
    {
        await using var services = _engine.Services.CreateAsyncScope();
        using var visit = new VisitEngine(_engine, _context, _journal, services.ServiceProvider, _workflow.Name)
        {
            Abandoned = _abandoned.Token,
            State = _workflow.Drawn.Find(_journal.Head.Row.State),
        };
        var canceling = _journal.Record.Opening!.Canceling;
        var cancel = _journal.Head.Row.CancelRequested && !canceling;

        if (await visit.Recovery.SettleAsync(mayExecute: !cancel) is { } inDoubt)
        {
            return await HoldAsync(inDoubt);
        }

        if (cancel)
        {
            return await CancelAsync();
        }

        if (await SettleUnaskedAsync(visit) is { } unsettled)
        {
            return await HoldAsync(unsettled);
        }

        if (_stopping)
        {
            return await ReleaseAsync();
        }

        if (await BindAsync(visit, services.ServiceProvider) is not { } handler)
        {
            return false;
        }

        var (next, failure, end) = await EnterAsync(visit, handler);
        return (next, failure, end) switch
        {
            (null, null, { Kind: VisitEndKind.Quiet }) => await ParkAsync(visit),
            (null, null, { Kind: VisitEndKind.Held }) => await HoldAsync(end.Trouble!),
            (null, null, { Kind: VisitEndKind.LimitReached or VisitEndKind.Failed }) => await FailAsync(end.Trouble!),
            (null, null, { Kind: VisitEndKind.Stopped }) => await ReleaseAsync(),
            (null, null, { Kind: VisitEndKind.Canceled }) => await GoOnAsync(),
            (null, null, _) => throw new LeaseLostException(Run),
            (null, not null, _) => await FailAsync(new Trouble(TroubleCodes.HandlerFailed, failure.Message)),
            _ => await MoveAsync(visit, next!),
        };
    }

    private async Task<bool> GoOnAsync()
    {
        await _journal.RefreshAsync();
        return true;
    }

    /// <summary>Calls the state's handler and fences the visit, however it ends.</summary>
    private async Task<(Next? Next, Exception? Failure, VisitEnd? End)> EnterAsync(VisitEngine visit, StateHandler handler)
    {
        _visit = visit;
        _context.OnIdle = visit.OnIdle;
        try
        {
            var handling = HandleAsync();
            await using var limit = _engine.Clock.CreateTimer(_ => _context.Post(_ => visit.Finish(TooLong()), null), null, _engine.Limits.ActiveTimeOfAVisitMax, Timeout.InfiniteTimeSpan);
            var first = await Task.WhenAny(handling, visit.End);
            if (!await visit.CloseAsync(_abandoned.Token) || _abandoned.IsCancellationRequested)
            {
                throw new OperationCanceledException(_abandoned.Token);
            }

            // What the visit itself found out (a hold, a lost lease) counts before what the handler made of it.
            if (visit.Ended is { } end && (first != handling || end.Kind is not (VisitEndKind.Quiet or VisitEndKind.Stopped or VisitEndKind.Canceled)))
            {
                return (null, null, end);
            }

            return handling.IsCompletedSuccessfully ? (await handling, null, null) : (null, Failure(handling), null);
        }
        finally
        {
            _context.OnIdle = null;
            _visit = null;
        }

        VisitEnd TooLong() => new(VisitEndKind.LimitReached, new Trouble(
            TroubleCodes.LimitReached, $"State '{visit.Row.State}' was at work for {Durations.Text(_engine.Limits.ActiveTimeOfAVisitMax)}, which is the limit (ActiveTimeOfAVisitMax)."));

        async Task<Next> HandleAsync()
        {
            var next = await handler(visit);
            await _context.EnterAsync();
            return next ?? throw new InvalidOperationException($"The handler of state '{visit.Row.State}' returned null. It must say where the run goes: return visit.GoTo(…).");
        }
    }

    private static Exception Failure(Task handling) =>
        handling.Exception is { InnerExceptions: [var only] } ? only : handling.Exception as Exception ?? new OperationCanceledException("The handler was canceled, though nobody asked for that.");

    /// <summary>The handler of the run's state, with the case read; null, and the run is held, if there is none.</summary>
    private async Task<StateHandler?> BindAsync(VisitEngine visit, IServiceProvider services)
    {
        var row = _journal.Head.Row;
        var binding = _workflow.Create(services).Bind(check: false);
        if (!binding.Handlers.TryGetValue(row.State, out var handler))
        {
            await HoldAsync(new Trouble(TroubleCodes.StateUnknown, $"Workflow '{row.Workflow}' v{row.Version} of this program has no state '{row.State}'. Restore it, then: signalbox release {Run} --retry"));
            return null;
        }

        var stored = await _journal.ResolveAsync(_journal.Record.Opening!.Case, row.VisitSeq);
        try
        {
            visit.Case = JsonSerializer.Deserialize(stored.Span, binding.CaseType, SignalboxJson.Options) ?? throw new JsonException("The case is null.");
            return handler;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            await HoldAsync(new Trouble(
                TroubleCodes.CaseUnreadable, $"The case recorded at entry {row.VisitSeq} is no {binding.CaseType.Name}: {e.Message} Change the type so that it reads what is recorded, then: signalbox release {Run} --retry"));
            return null;
        }
    }

    /// <summary>Carries out an operator's word on effects that the handler no longer asks for.</summary>
    private async Task<Trouble?> SettleUnaskedAsync(VisitEngine visit)
    {
        if (_journal.Record.Hold is not { Trouble: { Code: TroubleCodes.EffectsNotAskedAgain, Steps: { } steps }, Release: { Verb: ReleaseVerb.Accept or ReleaseVerb.Undo } release } hold
            || steps.All(_journal.Record.IsSettled))
        {
            return null;
        }

        if (release.Verb == ReleaseVerb.Undo && await visit.Recovery.UndoAsync(steps) is { } trouble)
        {
            return trouble;
        }

        await _journal.AppendAsync([visit.Draft(EntryKinds.ActionSettled, new ScopedStep("", ""), Body.Write(new ActionSettled(release.Verb, steps)), $"{release.Verb} by {hold.By}", actor: "engine")]);
        foreach (var step in steps)
        {
            visit.Scope(step.Scope).Unasked.Remove(step.Step);
        }

        return null;
    }

    private async Task<bool> ParkAsync(VisitEngine visit)
    {
        var waits = visit.TakeUnopenedWaits();
        while (true)
        {
            var cancels = _journal.Head.Row.CancelRequested && !_journal.Record.Opening!.Canceling;
            if (!cancels && !visit.HasNews && await _journal.TryAppendAsync([.. waits, Draft(EntryKinds.RunWaiting, "only durable waits are left")]))
            {
                return false;
            }

            if (waits.Count > 0)
            {
                // Recorded before looking again, so that due times stay those that were first asked for.
                await _journal.AppendAsync(waits);
                waits = [];
            }

            if (_journal.Head.Row.CancelRequested || visit.HasNews || IsWoken())
            {
                return true;
            }
        }
    }

    /// <summary>Whether a wait of the visit can end now: then the handler is entered anew instead of parking.</summary>
    private bool IsWoken()
    {
        var head = _journal.Head;
        return head.Waits.Any(w => w.WakesAt <= _journal.Now || (w.Kind == WaitKind.Signal && head.Mailbox.Any(s => s.Name == w.Name)))
            || _journal.Record.HasTurn
            || _journal.Record.HasAnswerSince(head.Row.LeaseSeq);
    }

    private async Task<bool> MoveAsync(VisitEngine visit, Next next)
    {
        var row = _journal.Head.Row;
        var from = _workflow.Drawn.Find(row.State)!;
        if (!from.To.Contains(next.State))
        {
            return await FailAsync(new Trouble(
                TroubleCodes.UndeclaredTransition, $"State '{row.State}' of workflow '{row.Workflow}' v{row.Version} does not lead to '{next.State}'; it declares: {string.Join(", ", from.To)}."));
        }

        if (visit.UnaskedEffects() is { Count: > 0 } unasked)
        {
            return await HoldAsync(visit.UnaskedTrouble(unasked, $"to go to '{next.State}'"));
        }

        if (row.Visit >= _engine.Limits.VisitsOfARunMax)
        {
            return await FailAsync(new Trouble(TroubleCodes.LimitReached, $"The run has had {row.Visit} visits, which is the limit (VisitsOfARunMax); it wanted to go from '{row.State}' to '{next.State}'."));
        }

        RawJson @case;
        try
        {
            @case = new RawJson(JsonSerializer.SerializeToUtf8Bytes(next.Case, _workflow.CaseType, SignalboxJson.Options));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            return await FailAsync(new Trouble(TroubleCodes.HandlerFailed, $"The next case cannot be written as JSON: {e.Message}"));
        }

        if (@case.Utf8.Length > _engine.Limits.ResultBytesMax)
        {
            return await FailAsync(new Trouble(TroubleCodes.LimitReached, $"The next case has {@case.Utf8.Length:N0} bytes; the limit is {_engine.Limits.ResultBytesMax:N0} (ResultBytesMax)."));
        }

        return await EnterStateAsync(next.State, @case, next.Because ?? "", "workflow:" + row.Workflow, _journal.Record.Opening!.Canceling);
    }

    private async Task<bool> EnterStateAsync(string state, RawJson @case, string because, string actor, bool canceling, IReadOnlyList<Commit>? also = null)
    {
        var (placed, payloads) = @case.Reference is { } hash && await _engine.Store.FindPayloadAsync(hash, _abandoned.Token) is { } bytes
            ? (@case, [new Payload(hash, bytes)])
            : Bodies.Place(@case);
        while (true)
        {
            var row = _journal.Head.Row;
            if (row.CancelRequested && !canceling)
            {
                return true;
            }

            var end = _workflow.Drawn.Find(state)!.End;
            var entered = new EntryDraft
            {
                Kind = EntryKinds.StateEntered,
                State = state,
                Visit = row.Visit + 1,
                Actor = actor,
                Cause = because,
                Body = Body.Write(new StateEntered(row.State, placed, null, canceling)),
                Payloads = payloads,
            };
            var withdrawn = RunEntries.Withdraw(_journal.Head, "engine", $"the run goes to '{state}'");
            if (end is null)
            {
                if (await _journal.TryAppendAsync([.. withdrawn, entered], also))
                {
                    return true;
                }

                continue;
            }

            var (ending, status, reason) = Ending(state, end, canceling);
            if (await _journal.TryAppendAsync([.. withdrawn, entered, ending with { State = state, Visit = row.Visit + 1 }], [.. RunEntries.TellParent(row with { State = state }, status, reason), .. also ?? []]))
            {
                return false;
            }
        }
    }

    private (EntryDraft Entry, RunStatus Status, string? Reason) Ending(string state, string end, bool canceling)
    {
        if (canceling)
        {
            return (Draft(EntryKinds.RunCanceled, "it was asked to end"), RunStatus.Canceled, null);
        }

        if (end == "success")
        {
            return (Draft(EntryKinds.RunCompleted, $"'{state}' is declared a success"), RunStatus.Completed, null);
        }

        var trouble = new Trouble(TroubleCodes.EndedWithoutSuccess, $"It reached the end '{state}', which its workflow declares no success.");
        return (Draft(EntryKinds.RunFailed, trouble.Reason) with { Body = Body.Write(trouble) }, RunStatus.Failed, trouble.Reason);
    }

    /// <summary>Ends the run on request: its actions are settled, its waits and questions withdrawn, its children asked to end too.</summary>
    private async Task<bool> CancelAsync()
    {
        var row = _journal.Head.Row;
        if (_workflow.Drawn.OnCancel is { } state)
        {
            return await EnterStateAsync(state, _journal.Record.Opening!.Case, "somebody asked that the run end", "engine", canceling: true, await CancelChildrenAsync());
        }

        var children = await CancelChildrenAsync();
        while (!await _journal.TryAppendAsync(
            [.. RunEntries.Withdraw(_journal.Head, "engine", "the run is canceled"), Draft(EntryKinds.RunCanceled, "somebody asked that it end")],
            [.. RunEntries.TellParent(row, RunStatus.Canceled, null), .. children]))
        {
        }

        return false;
    }

    private async Task<IReadOnlyList<Commit>> CancelChildrenAsync()
    {
        var cancels = new List<Commit>();
        for (long from = 0; ;)
        {
            var page = await _journal.ReadAsync(from, 1000);
            if (page.Count == 0)
            {
                break;
            }

            from = page[^1].Seq + 1;
            cancels.AddRange(page.Where(e => e.Kind == EntryKinds.ChildStarted).Select(e => new Commit
            {
                Run = Body.Read<ChildStarted>(e).Child,
                Entries = [new EntryDraft { Kind = EntryKinds.CancelRequested, Actor = "run:" + Run, Cause = "its parent was canceled" }],
            }));
        }

        return cancels;
    }

    private async Task<bool> FailAsync(Trouble trouble)
    {
        _engine.Log.LogWarning("Run {Run} failed in state '{State}' ({Code}): {Reason}", Run, _journal.Head.Row.State, trouble.Code, trouble.Reason);
        while (true)
        {
            var row = _journal.Head.Row;
            if (row.CancelRequested && !_journal.Record.Opening!.Canceling)
            {
                return true;
            }

            if (await _journal.TryAppendAsync(
                [.. RunEntries.Withdraw(_journal.Head, "engine", "the run failed"), Draft(EntryKinds.RunFailed, trouble.Reason) with { Body = Body.Write(trouble) }],
                RunEntries.TellParent(row, RunStatus.Failed, trouble.Reason)))
            {
                return false;
            }
        }
    }

    private async Task<bool> HoldAsync(Trouble trouble)
    {
        _engine.Log.LogWarning("Run {Run} is held in state '{State}' ({Code}): {Reason}", Run, _journal.Head.Row.State, trouble.Code, trouble.Reason);
        await _journal.AppendAsync([Draft(EntryKinds.RunHeld, trouble.Reason) with { Body = Body.Write(trouble) }]);
        return false;
    }

    private async Task HoldAtLastAsync(Trouble trouble)
    {
        try
        {
            await HoldAsync(trouble);
        }
        catch (Exception e) when (e is LeaseLostException or OperationCanceledException or StoreUnavailableException)
        {
            _engine.Log.LogError(e, "Run {Run} could not be held either.", Run);
        }
    }

    private async Task<bool> ReleaseAsync()
    {
        await _journal.AppendAsync([Draft(EntryKinds.RunReleased, "its worker stops in good order")]);
        return false;
    }

    private EntryDraft Draft(string kind, string cause) => new()
    {
        Kind = kind,
        State = _journal.Head.Row.State,
        Visit = _journal.Head.Row.Visit,
        Actor = "engine",
        Cause = cause,
    };
}
