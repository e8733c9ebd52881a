using System.Text.Json;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>Why a pass through a state's handler ended before the handler did.</summary>
internal enum VisitEndKind
{
    /// <summary>Only durable waits are left.</summary>
    Quiet,

    /// <summary>An operator is needed.</summary>
    Held,

    /// <summary>Somebody asked that the run end.</summary>
    Canceled,

    /// <summary>The worker stops.</summary>
    Stopped,

    /// <summary>Another worker drives the run.</summary>
    LeaseLost,

    /// <summary>A limit was reached.</summary>
    LimitReached,

    /// <summary>What the handler had left to itself has failed.</summary>
    Failed,
}

internal sealed record VisitEnd(VisitEndKind Kind, Trouble? Trouble = null);

/// <summary>
/// One pass through a state's handler: what <see cref="VisitScope"/> asks is answered from the record where it stands there, and is done and recorded where
/// it does not. Once closed, later calls do nothing and never complete. Lives in the run's context.
/// </summary>
internal sealed class VisitEngine : IDisposable
{
    private readonly TaskCompletionSource _end = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Dictionary<string, ScopeState> _scopes = [];
    private readonly HashSet<Task> _actionsAtWork = [];
    private readonly List<(ScopedStep Step, string? Signal)> _waits = [];
    private readonly List<EntryDraft> _unopened = [];
    private readonly HashSet<long> _reserved = [];
    private readonly HashSet<Reserving> _reserving = [];
    private readonly string _actor;
    private int _working;
    private int _waiting;
    private bool _closed;

    public VisitEngine(Engine engine, RunContext context, RunJournal journal, IServiceProvider services, string workflow)
    {
        Engine = engine;
        Context = context;
        Journal = journal;
        Services = services;
        Workflow = workflow;
        Closing = _closing.Token;
        _actor = "workflow:" + workflow;
        Steps = new StepRunner(this);
        Actions = new ActionRunner(this);
        Recovery = new ActionRecovery(this, Actions);
        foreach (var effect in journal.Record.Effects)
        {
            Scope(effect.Scope).Unasked.Add(effect.Step);
        }
    }

    public Engine Engine { get; }

    public RunContext Context { get; }

    public RunJournal Journal { get; }

    public IServiceProvider Services { get; }

    public string Workflow { get; }

    /// <summary>The state as its workflow declares it.</summary>
    public StateDefinition? State { get; init; }

    public StepRunner Steps { get; }

    public ActionRunner Actions { get; }

    public ActionRecovery Recovery { get; }

    /// <summary>The case at entry; set before the handler is entered.</summary>
    public object Case { get; set; } = null!;

    public VisitRecord Record => Journal.Record;

    public RunRow Row => Journal.Head.Row;

    /// <summary>Ends with the visit; what the handler has left behind may look at it after that too.</summary>
    public CancellationToken Closing { get; }

    /// <summary>Ends when the worker gives up waiting for what must not be left half done.</summary>
    public required CancellationToken Abandoned { get; init; }

    /// <summary>Completes when the pass is over although the handler is not.</summary>
    public Task End => _end.Task;

    /// <summary>Why the pass is over although the handler is not.</summary>
    public VisitEnd? Ended { get; private set; }

    /// <summary>Ends the pass. The first reason counts.</summary>
    public void Finish(VisitEnd end)
    {
        if (Ended is null)
        {
            Ended = end;
            Context.Post(_ => _end.SetResult(), null); // not in the middle of what found it out
        }
    }

    /// <summary>Called when the run's context has nothing left to do: with nothing at work and something to wait for, the visit can be parked.</summary>
    public void OnIdle()
    {
        if (_closed || _waiting == 0)
        {
            return;
        }

        if (_working == 0)
        {
            Finish(new VisitEnd(VisitEndKind.Quiet));
        }
        else if (_unopened.Count > 0)
        {
            // Another branch is still at work, perhaps for long: the question must be seen, and the time fixed, before it ends.
            _ = FlushWaitsAsync();
        }
    }

    /// <summary>
    /// Fences the visit: reads are canceled, actions that are past their intent settle (until <paramref name="deadline"/>), appends on their way arrive.
    /// False if an action was left in doubt.
    /// </summary>
    public async Task<bool> CloseAsync(CancellationToken deadline)
    {
        _closed = true;
        Journal.ForgetNotes();
        _closing.CancelHere();
        var settled = true;
        foreach (var action in _actionsAtWork.ToArray())
        {
            try
            {
                await action.WaitAsync(deadline);
            }
            catch (OperationCanceledException)
            {
                settled = false;
            }
            catch (Exception e) when (e is not LeaseLostException)
            {
                // What an action could not settle stays in doubt, and is settled when the run is opened next.
            }
        }

        await Journal.DrainAsync();
        return settled;
    }

    /// <summary>Takes a signal for one wait, so that two branches never consume the same one. False if it is taken.</summary>
    public bool Reserve(long signal) => _reserved.Add(signal);

    /// <summary>Reserves durably. From now on, and not only from its arrival, others see it as spent; and no attempt of its step ends in the journal before it has arrived.</summary>
    public async Task ReserveAsync(EntryDraft reserved, Spending amount)
    {
        ThrowIfClosed();
        var reserving = new Reserving(reserved.Scope, amount, Journal.AppendAsync([reserved]));
        _reserving.Add(reserving);
        try
        {
            await reserving.Arrival;
        }
        finally
        {
            _reserving.Remove(reserving);
        }
    }

    /// <summary>Completes when no reservation of the scope is on its way any more.</summary>
    public Task ArriveAsync(string scope) => _reserving.Count == 0 ? Task.CompletedTask : Task.WhenAll(_reserving.Where(r => r.Scope == scope).Select(r => r.Arrival));

    /// <summary>What the visit has used up in a scope and the scopes within it, reservations on their way included.</summary>
    public Spending SpentIn(string scope) => _reserving.Where(r => VisitRecord.IsWithin(r.Scope, scope)).Aggregate(Record.SpentIn(scope), (sum, r) => sum + r.Amount);

    /// <summary>What the run has used up, reservations on their way included.</summary>
    public Spending Spent => _reserving.Aggregate(Row.Spent, (sum, r) => sum + r.Amount);

    /// <summary>The waits that were asked for in this pass and are not yet recorded.</summary>
    public IReadOnlyList<EntryDraft> TakeUnopenedWaits()
    {
        var waits = _unopened.ToArray();
        _unopened.Clear();
        return waits;
    }

    /// <summary>The recorded effects that this pass has not asked for again.</summary>
    public IReadOnlyList<ScopedStep> UnaskedEffects(string? scope = null) =>
        [.. Record.Effects.Where(e => (scope is null || e.Scope == scope) && Scope(e.Scope).Unasked.Contains(e.Step))];

    public ScopeState Scope(string name)
    {
        if (!_scopes.TryGetValue(name, out var scope))
        {
            _scopes[name] = scope = new ScopeState(Record.Entered?.At ?? 0);
        }

        return scope;
    }

    /// <summary>Does work of the engine's, in the run's context, wherever it is asked for. Never completes once the visit is closed.</summary>
    public async Task<T> OperateAsync<T>(Func<Task<T>> operation)
    {
        await Context.EnterAsync();
        if (!_closed)
        {
            _working++;
            try
            {
                var result = await operation();
                if (!_closed)
                {
                    return result;
                }
            }
            catch (OperationCanceledException) when (_closed)
            {
            }
            catch (VisitOverException)
            {
            }
            catch (LeaseLostException)
            {
                Finish(new VisitEnd(VisitEndKind.LeaseLost));
            }
            catch (JournalDamagedException e)
            {
                Finish(new VisitEnd(VisitEndKind.Held, new Trouble(TroubleCodes.JournalDamaged, e.Message)));
            }
            catch (ActionInDoubtException e)
            {
                Finish(new VisitEnd(VisitEndKind.Held, e.Trouble));
            }
            catch (Exception) when (_closed)
            {
                // Nobody is told any more, of a failure no more than of a result: the handler is over, and would take it for its own.
            }
            finally
            {
                _working--;
            }
        }

        await NeverAsync();
        throw new InvalidOperationException("Never reached.");
    }

    /// <summary>To be called before an append that comes after an await: what a pass begun anew or another visit does must not be mixed with what this one left.</summary>
    public void ThrowIfClosed()
    {
        if (_closed)
        {
            throw new VisitOverException();
        }
    }

    /// <summary>Does the part of an action that must not be left half done: closing waits for it.</summary>
    public async Task<T> ActAsync<T>(Func<Task<T>> action)
    {
        var task = action();
        _actionsAtWork.Add(task);
        try
        {
            return await task;
        }
        finally
        {
            _actionsAtWork.Remove(task);
        }
    }

    /// <summary>Whether what some wait of this pass waits for is on record by now, though the wait did not see it: something else had the journal read on.</summary>
    public bool HasNews => _waits.Exists(w => Record.HasNews(w.Step) || (w.Signal is not null && Journal.Head.Mailbox.Any(s => s.Name == w.Signal)));

    /// <summary>An await that has to wait never completes in this process.</summary>
    public async Task<T> WaitAsync<T>(ScopedStep step, EntryDraft? open, string? signal = null)
    {
        if (!_closed)
        {
            _waiting++;
            _waits.Add((step, signal));
            if (open is not null)
            {
                _unopened.Add(open);
            }
        }

        await NeverAsync();
        throw new InvalidOperationException("Never reached.");
    }

    public Task<TResult> StepAsync<TResult>(string scope, string name, RawJson? arguments, Func<CancellationToken, Task<StepResult>> work, StepOptions options) => OperateAsync(async () =>
    {
        var (step, release) = Ask(scope, name, arguments, options.Key);
        try
        {
            var (entry, body) = await Steps.CompletedAsync(step, arguments, work, options);

            // The bytes that were recorded, live as in recovery.
            return await ReadAsync<TResult>(entry, body.Result);
        }
        finally
        {
            release();
        }
    });

    /// <summary>The same for what needs more of the record than its result: the body, and the seq of its entry.</summary>
    public Task<(StepCompleted Body, long Seq)> StepAsync(string scope, string name, RawJson? arguments, Func<CancellationToken, Task<StepResult>> work, StepOptions options) => OperateAsync(async () =>
    {
        var (step, release) = Ask(scope, name, arguments, options.Key);
        try
        {
            var (entry, body) = await Steps.CompletedAsync(step, arguments, work, options);
            return (body, entry.Seq);
        }
        finally
        {
            release();
        }
    });

    /// <summary>Records a fact once: what this visit finds under that name is what was recorded first.</summary>
    public Task<Entry> FactAsync(string scope, string name, Func<ScopedStep, EntryDraft> fact) => OperateAsync(async () =>
    {
        var (step, release) = Ask(scope, name, null);
        try
        {
            var entry = Record.Outcome(step) ?? (await Journal.AppendAsync([fact(step)])).Entries[0];
            Consume(scope, entry);
            return entry;
        }
        finally
        {
            release();
        }
    });

    /// <summary>The scope has seen the entry: its time is no earlier.</summary>
    public void Consume(string scope, Entry entry) => Scope(scope).Now = Math.Max(Scope(scope).Now, entry.At);

    /// <summary>The key of a step, taken for as long as the step is at work.</summary>
    public (ScopedStep Step, Action Release) Ask(string scope, string name, RawJson? arguments, string? explicitKey = null)
    {
        ThrowIfOutside($"Step '{name}'");
        StepKey.ThrowIfUnfit(name);
        var canonical = explicitKey is not null ? System.Text.Encoding.UTF8.GetBytes(explicitKey) : arguments is { } a ? CanonicalJson.Of(a.Utf8.Span) : [];
        var key = StepKey.Of(name, canonical);
        var state = Scope(scope);
        var identity = (key.Name, key.Arguments);
        if (!state.AtWork.Add(identity) && !_closed)
        {
            throw new InvalidOperationException(
                $"Run '{Row.Run}' asks in state '{Row.State}' for two steps '{name}' with equal arguments at once, so that their results could not be told apart. Give one of them an explicit key, or put them into branches.");
        }

        var occurrence = state.Asked[identity] = state.Asked.GetValueOrDefault(identity) + 1;
        var step = (key with { Occurrence = occurrence }).ToString();
        state.Unasked.Remove(step);
        return (new ScopedStep(scope, step), () => state.AtWork.Remove(identity));
    }

    /// <summary>Nothing of a visit is safe from two threads.</summary>
    public void ThrowIfOutside(string what)
    {
        if (SynchronizationContext.Current != Context)
        {
            throw new InvalidOperationException($"{what} was asked for outside of its run's context. What the author's code calls must enter it first; this is a bug of Signalbox.");
        }
    }

    /// <summary>Holds the run if recorded effects of the scope have not been asked for again: changed code must not act on top of what it does not know.</summary>
    public void HoldIfEffectsAreUnasked(string scope)
    {
        if (UnaskedEffects(scope) is { Count: > 0 } unasked)
        {
            Finish(new VisitEnd(VisitEndKind.Held, UnaskedTrouble(unasked, "a new effect")));
            throw new VisitOverException();
        }
    }

    public Trouble UnaskedTrouble(IReadOnlyList<ScopedStep> unasked, string what) => new(
        TroubleCodes.EffectsNotAskedAgain,
        $"State '{Row.State}' has recorded effects that its handler no longer asks for ({string.Join(", ", unasked)}), and now wants {what}. Restore the code (release --retry), accept the effects (--accept) or undo them (--undo).",
        unasked);

    public EntryDraft Draft(string kind, ScopedStep step, ReadOnlyMemory<byte> body, string cause = "", IReadOnlyList<Payload>? payloads = null, string? actor = null) => new()
    {
        Kind = kind,
        State = Row.State,
        Visit = Row.Visit,
        Scope = step.Scope,
        Step = step.Step,
        Actor = actor ?? _actor,
        Cause = cause,
        Body = body,
        Payloads = payloads ?? [],
    };

    public async ValueTask<T> ReadAsync<T>(Entry entry, RawJson value)
    {
        var bytes = await Journal.ResolveAsync(value, entry.Seq);
        try
        {
            return JsonSerializer.Deserialize<T>(bytes.Span, SignalboxJson.Options)!;
        }
        catch (JsonException e)
        {
            throw new StepFailedException(Row.Run, entry.Step, "unreadable", $"what was recorded is no {typeof(T).Name}: {e.Message}", 1);
        }
    }

    private async Task FlushWaitsAsync()
    {
        try
        {
            await Journal.AppendAsync(TakeUnopenedWaits());
        }
        catch (LeaseLostException)
        {
            Finish(new VisitEnd(VisitEndKind.LeaseLost));
        }
        catch (OperationCanceledException)
        {
            // The worker is being abandoned; what was not recorded is asked again.
        }
        catch (JournalDamagedException e)
        {
            Finish(new VisitEnd(VisitEndKind.Held, new Trouble(TroubleCodes.JournalDamaged, e.Message)));
        }
        catch (Exception e)
        {
            // A run that parked without what it waits for would never wake.
            Engine.Log.LogError(e, "The engine failed on run {Run}; the run is held.", Row.Run);
            Finish(new VisitEnd(VisitEndKind.Held, RunLoop.EngineTrouble(Row.Run, e)));
        }
    }

    public void Dispose() => _closing.Dispose();

    private static Task NeverAsync() => new TaskCompletionSource().Task;

    private sealed record Reserving(string Scope, Spending Amount, Task Arrival);

    /// <summary>What a scope has asked in this pass.</summary>
    internal sealed class ScopeState(long now)
    {
        public Dictionary<(string Name, string Arguments), int> Asked { get; } = [];

        public HashSet<(string Name, string Arguments)> AtWork { get; } = [];

        public HashSet<string> Unasked { get; } = [];

        public Dictionary<string, int> Branches { get; } = [];

        /// <summary>The time of the last record that the scope consumed.</summary>
        public long Now { get; set; } = now;
    }
}

/// <summary>The pass is over; what was asked is never answered.</summary>
internal sealed class VisitOverException : Exception;

/// <summary>What a step's work gives: the value; for a model call what it was; how long ago it was asked for, if not by the step itself.</summary>
internal sealed record StepResult(RawJson Value, ModelCall? Model, IReadOnlyList<Payload> Payloads, TimeSpan? CachedAge = null, Settlement? Settlement = null)
{
    public static StepResult Of<T>(T value) => new(Bodies.Json(value), null, []);

    public static StepResult Of(CachedAnswer answer) => new(answer.Value, null, [], answer.Age);
}
