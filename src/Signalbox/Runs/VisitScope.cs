using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// What a state's handler may ask of the engine, within the visit itself or one named branch of it. Each call is a recorded step: after a crash the handler is
/// called again from its start, and what was recorded is returned instead of done again. What author code receives is the recorded value. An await that has to
/// wait durably (<see cref="Delay"/>, <see cref="WaitFor{T}"/>, <see cref="Approve"/>) does not complete in this process: the run is parked, and the handler
/// is entered anew when it wakes; do not rely on <c>finally</c>. What the code does between its steps, on whatever thread, the engine does not see: it keeps no run from being parked when
/// another branch waits and no step is at work, and is done anew then. What others wait for belongs into a step.
/// </summary>
public class VisitScope
{
    private readonly VisitEngine _engine;
    private readonly VisitEngine.ScopeState _scope;

    internal VisitScope(VisitEngine engine, string scope)
    {
        _engine = engine;
        _scope = engine.Scope(scope);
        ScopeName = scope;
    }

    /// <summary>The run.</summary>
    public RunId Run => _engine.Row.Run;

    /// <summary>The number of the visit, from 1.</summary>
    public int Number => _engine.Row.Visit;

    /// <summary>The branch; empty for the visit itself.</summary>
    public string ScopeName { get; }

    /// <summary>The time of the last record that this scope consumed: the same live and after a crash.</summary>
    public DateTimeOffset Now => Microseconds.ToTime(_scope.Now);

    /// <summary>Ends when the visit does.</summary>
    public CancellationToken CancellationToken => _engine.Closing;

    internal VisitEngine Engine => _engine;

    /// <summary>An id that is the same each time this visit asks for that name.</summary>
    public Guid NewId(string name) =>
        new(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{Run}\n{Number}\n{ScopeName}\n{name}")).AsSpan(0, 16));

    /// <summary>Reads something once. Everything the answer depends on is in <paramref name="argument"/>; services come by the workflow's constructor.</summary>
    /// <exception cref="StepFailedException">It failed for good.</exception>
    public Task<TResult> Read<TArgument, TResult>(string name, TArgument argument, Func<TArgument, CancellationToken, Task<TResult>> read, StepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(read);
        return _engine.StepAsync<TResult>(
            ScopeName, name, Bodies.Json(argument), async cancellationToken => StepResult.Of(await read(argument, cancellationToken)), options ?? StepOptions.Default);
    }

    /// <summary>Reads something once that depends on no argument.</summary>
    /// <exception cref="StepFailedException">It failed for good.</exception>
    public Task<TResult> Read<TResult>(string name, Func<CancellationToken, Task<TResult>> read, StepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(read);
        return _engine.StepAsync<TResult>(ScopeName, name, null, async cancellationToken => StepResult.Of(await read(cancellationToken)), options ?? StepOptions.Default);
    }

    /// <summary>Runs a part of the visit as a branch of that name, beside others: await several with <c>Task.WhenAll</c>. Branches may finish in any order.</summary>
    public async Task<T> Branch<T>(string name, Func<VisitScope, Task<T>> branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        await _engine.Context.EnterAsync();
        var scope = Open(name);
        var result = await branch(scope);
        await _engine.Context.EnterAsync();
        Join(scope);
        return result;
    }

    /// <summary>A branch of its own under that name, numbered from the second on.</summary>
    internal VisitScope Open(string name)
    {
        _engine.ThrowIfOutside($"Branch '{name}'");
        StepKey.ThrowIfUnfit(name);
        var occurrence = _scope.Branches[name] = _scope.Branches.GetValueOrDefault(name) + 1;
        var path = (ScopeName.Length == 0 ? "" : ScopeName + "/") + (occurrence == 1 ? name : $"{name}#{occurrence}");
        var scope = new VisitScope(_engine, path);
        scope._scope.Now = Math.Max(scope._scope.Now, _scope.Now);
        return scope;
    }

    /// <summary>The branch has ended: its time is this scope's.</summary>
    internal void Join(VisitScope branch) => _scope.Now = Math.Max(_scope.Now, branch._scope.Now);

    /// <summary>Looks, acts and verifies: see <see cref="ActionHandler{TAction}"/>. The same action of the same step happens once, whatever crashes.</summary>
    public Task<ActionOutcome> Act<TAction>(TAction action)
        where TAction : notnull => _engine.Actions.ActAsync(ScopeName, typeof(TAction), action, undo: false);

    /// <summary>The same because of a decision that stands: for the policies, its tier is the one that wants the action.</summary>
    public Task<ActionOutcome> Act<TAction, TAnswer>(TAction action, Decision<TAnswer> because)
        where TAction : notnull
    {
        ArgumentNullException.ThrowIfNull(because);
        return _engine.Actions.ActAsync(ScopeName, typeof(TAction), action, undo: false, because.Stands ? because.Tier : null);
    }

    /// <summary>Undoes what an earlier <see cref="Act{TAction}(TAction)"/> of this run did, if this run made the effect, and verifies that it is gone.</summary>
    public Task<ActionOutcome> Undo<TAction>(TAction action)
        where TAction : notnull => _engine.Actions.ActAsync(ScopeName, typeof(TAction), action, undo: true);

    /// <summary>
    /// Does several actions as one plan: in order, each when the one before is verified. When one fails, those before it are undone in reverse order, each undo probed and verified. What cannot be undone comes last.
    /// </summary>
    /// <exception cref="ArgumentException">Something that can be undone comes after something that cannot.</exception>
    public Task<PlanOutcome> ActInOrder(params IReadOnlyList<object> actions)
    {
        ArgumentNullException.ThrowIfNull(actions);
        return Branch("plan", plan => new Plan(plan, actions).RunAsync());
    }

    /// <summary>
    /// Watches what this run has verified of the action over a window, from now on: at once, at the end, and <paramref name="every"/> so often in between (by default ten times in all). Sleeps durably with the run
    /// parked, as <see cref="Delay"/> does; each look is a recorded step, tried as often as the action's policy says. Ends early when a look shows that it is so no longer, or when three in a row cannot say.
    /// Reads only, and holds nothing.
    /// </summary>
    /// <exception cref="StepFailedException">The run has not verified that action with these arguments.</exception>
    public async Task<WatchOutcome> Verify<TAction>(TAction action, TimeSpan over, TimeSpan? every = null)
        where TAction : notnull
    {
        var watching = new Watching(this);
        return await watching.OverAsync(await watching.FindAsync(action), over, every ?? over / 10);
    }

    /// <summary>
    /// Has what this run has verified of the action watched beyond this visit, by a child run that looks <paramref name="every"/> so often for so long. When it is so no longer, or cannot be seen in three
    /// looks in a row, the child ends in its state <c>Drifted</c>, which is no success, and sends this run the signal <see cref="ActionDrifted.Signal"/> with an <see cref="ActionDrifted"/>; a run that has
    /// ended by then gets none. It ends as a success when the time is up, and when this run itself takes the effect back. It goes on when this run ends, unless by being canceled.
    /// </summary>
    /// <exception cref="StepFailedException">The run has not verified that action with these arguments.</exception>
    public async Task<RunId> Watch<TAction>(TAction action, TimeSpan every, TimeSpan over)
        where TAction : notnull
    {
        Watching.ThrowIfUnfit(over, every, WatchWorkflow.LooksMax, otherwise: "");
        var watched = await new Watching(this).FindAsync(action);
        return await StartChildAsync(WatchWorkflow.NameOf(watched.Action), Bodies.Json(new { action, every, over }), Bodies.Json(new WatchCase(watched, every, over, Now)));
    }

    /// <summary>Waits durably. The due time is fixed when first asked, by the store's clock.</summary>
    public async Task Delay(TimeSpan delay, string name = "delay")
    {
        await _engine.Context.EnterAsync();
        var (step, release) = _engine.Ask(ScopeName, name, Bodies.Json(delay));
        try
        {
            await AwaitAsync(step, EntryKinds.WaitOpened, now => Body.Write(new WaitOpened(null, now + (long)delay.TotalMicroseconds)), $"waits {Durations.Text(delay)}");
        }
        finally
        {
            release();
        }
    }

    /// <summary>Waits durably for a signal of that name, which may have arrived already, in any earlier state. Each signal is consumed once, in the order of arrival.</summary>
    public async Task<Signal<T>> WaitFor<T>(string signal, TimeSpan? within = null)
    {
        StepKey.ThrowIfUnfit(signal);
        await _engine.Context.EnterAsync();
        var (step, release) = _engine.Ask(ScopeName, signal, null);
        try
        {
            var entry = await AwaitAsync(
                step,
                EntryKinds.WaitOpened,
                now => Body.Write(new WaitOpened(signal, within is { } w ? now + (long)w.TotalMicroseconds : null)),
                within is { } limit ? $"waits for the signal '{signal}', at most {Durations.Text(limit)}" : $"waits for the signal '{signal}'",
                signal: signal);
            var body = Body.Read<WaitCompleted>(entry);
            return body.SignalSeq is null ? new Signal<T>(false, default) : new Signal<T>(true, await _engine.ReadAsync<T>(entry, body.Value!.Value));
        }
        finally
        {
            release();
        }
    }

    /// <summary>
    /// Asks a person, durably. The answer is one of the choices, never text to be interpreted. When the time limit passes, the safe choice counts.
    /// </summary>
    public async Task<Answer> Approve(Question question)
    {
        ArgumentNullException.ThrowIfNull(question);
        question.ThrowIfUnfit();
        await _engine.Context.EnterAsync();
        var (step, release) = _engine.Ask(ScopeName, question.Name, null);
        try
        {
            var details = question.Details is null ? (RawJson?)null : Bodies.Json(question.Details);
            var (placed, payloads) = details is { } d ? ((RawJson?, IReadOnlyList<Payload>))Bodies.Place(d) : (null, []);
            var entry = await AwaitAsync(
                step,
                EntryKinds.ApprovalRequested,
                now => Body.Write(new ApprovalRequested(question.Title, question.Choices, placed, question.Within is { } w ? now + (long)w.TotalMicroseconds : null, question.Safe, Meanings: question.Meanings)),
                question.Title,
                payloads);
            var body = Body.Read<ApprovalAnswered>(entry);
            return new Answer(body.Choice, entry.Kind == EntryKinds.ApprovalAnswered ? entry.Actor : null, body.Comment, entry.Time);
        }
        finally
        {
            release();
        }
    }

    /// <summary>Puts a signal into another run's mailbox, once, in one transaction with the record of it. An ended or unknown run takes none.</summary>
    public Task Send<T>(RunId to, string signal, T value)
    {
        StepKey.ThrowIfUnfit(signal);
        var (placed, payloads) = Bodies.Place(Bodies.Json(value));
        return EffectAsync(
            "send:" + signal,
            Bodies.Json(new { to, value }),
            step => _engine.Draft(EntryKinds.SignalSent, step, Body.Write(new SignalSent(to, signal)), $"signal '{signal}' to run '{to}'"),
            step => new Commit
            {
                Run = to,
                Entries = [new EntryDraft { Kind = EntryKinds.SignalReceived, Actor = "run:" + Run, Cause = "sent by a run", Body = Body.Write(new SignalReceived(signal, placed)), Payloads = payloads }],
            });
    }

    /// <summary>Starts a run of another workflow as a child, once, and gives its id. Await its end with <see cref="ChildEnd"/>. Canceling this run cancels it.</summary>
    /// <exception cref="ArgumentException">This program has no such workflow.</exception>
    public Task<RunId> StartChild<TCase>(string workflow, TCase @case, int? version = null)
        where TCase : notnull => StartChildAsync(workflow, Bodies.Json(@case), Bodies.Json(@case), version);

    /// <summary><paramref name="arguments"/> are what the child is known by, where the case has more than was asked for.</summary>
    private async Task<RunId> StartChildAsync(string workflow, RawJson arguments, RawJson @case, int? version = null)
    {
        var child = _engine.Engine.Workflows.Get(workflow, version);
        var entry = await EffectAsync(
            "child:" + workflow,
            arguments,
            step => _engine.Draft(EntryKinds.ChildStarted, step, Body.Write(new ChildStarted(ChildId(step), workflow)), $"child run '{ChildId(step)}' of workflow '{workflow}'"),
            step => new Commit
            {
                Run = ChildId(step),
                Entries = RunEntries.Start(
                    new RunStarted(workflow, child.Version, RawJson.To(child.Definition.Hash), null, null, Run, ChildSignal(ChildId(step))),
                    child.Definition, child.Start, @case, "run:" + Run, "started as a child"),
            });
        return Body.Read<ChildStarted>(entry).Child;
    }

    /// <summary>Waits durably for the end of a child.</summary>
    public async Task<ChildEnd> ChildEnd(RunId child) => (await WaitFor<ChildEnd>(ChildSignal(child))).Value!;

    private static string ChildSignal(RunId child) => $"{RunEntries.ChildEnded}:{child}";

    private RunId ChildId(ScopedStep step) => new("r-" + Convert.ToHexStringLower(
        System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{Run}\n{Number}\n{step.Scope}\n{step.Step}")).AsSpan(0, 8)));

    private async Task<Entry> EffectAsync(string name, RawJson arguments, Func<ScopedStep, EntryDraft> record, Func<ScopedStep, Commit> effect)
    {
        await _engine.Context.EnterAsync();
        var (step, release) = _engine.Ask(ScopeName, name, arguments);
        try
        {
            return await _engine.OperateAsync(async () =>
            {
                var entry = _engine.Record.Outcome(step);
                if (entry is null)
                {
                    _engine.HoldIfEffectsAreUnasked(ScopeName);
                    entry = (await _engine.Journal.AppendAsync([record(step)], [effect(step)])).Entries[0];
                }

                Consume(entry);
                return entry;
            });
        }
        finally
        {
            release();
        }
    }

    private async Task<Entry> AwaitAsync(ScopedStep step, string kind, Func<long, ReadOnlyMemory<byte>> body, string cause, IReadOnlyList<Payload>? payloads = null, string? signal = null)
    {
        var entry = await _engine.OperateAsync(async () =>
        {
            var outcome = _engine.Record.Outcome(step);
            if (outcome is null && kind == EntryKinds.ApprovalRequested && _engine.Record.Asked(step) is null)
            {
                _engine.HoldIfEffectsAreUnasked(ScopeName);
            }

            return outcome ?? await TryCompleteAsync(step, kind, body, cause);
        });
        if (entry is not null)
        {
            Consume(entry);
            return entry;
        }

        var open = _engine.Record.Asked(step) is null ? _engine.Draft(kind, step, body(_engine.Journal.Now), cause, payloads) : null;
        return await _engine.WaitAsync<Entry>(step, open, signal);
    }

    /// <summary>Ends a wait that need not wait (any more): its signal lies in the mailbox, or its time has come.</summary>
    private async Task<Entry?> TryCompleteAsync(ScopedStep step, string kind, Func<long, ReadOnlyMemory<byte>> body, string cause)
    {
        var journal = _engine.Journal;
        var asked = _engine.Record.Asked(step);
        var opening = asked is null ? _engine.Draft(kind, step, body(journal.Now), cause) : null;
        if (kind == EntryKinds.ApprovalRequested)
        {
            var request = asked is null ? null : Body.Read<ApprovalRequested>(asked);
            return request?.Due <= journal.Now ? await ExpireAsync(step, request) : null;
        }

        var wait = asked is null
            ? System.Text.Json.JsonSerializer.Deserialize(opening!.Body.Span, BodyJson.Default.WaitOpened)!
            : Body.Read<WaitOpened>(asked);
        if (wait.Signal is not null && journal.Head.Mailbox.FirstOrDefault(s => s.Name == wait.Signal && _engine.Reserve(s.Seq)) is { } signal)
        {
            var received = Body.Read<SignalReceived>((await journal.ReadAsync(signal.Seq, 1))[0]);
            IReadOnlyList<Payload> payloads = received.Value.Reference is null ? [] : [Payload.Of(await journal.ResolveAsync(received.Value, signal.Seq))];
            return await EndAsync(new WaitCompleted(signal.Seq, received.Value), $"the signal '{signal.Name}' arrived", payloads);
        }

        return wait.Due <= journal.Now ? await EndAsync(new WaitCompleted(null), "its time has come", []) : null;

        async Task<Entry> EndAsync(WaitCompleted end, string why, IReadOnlyList<Payload> payloads)
        {
            _engine.ThrowIfClosed();
            var completed = _engine.Draft(EntryKinds.WaitCompleted, step, Body.Write(end), why, payloads, actor: "engine");
            return (await journal.AppendAsync(opening is null ? [completed] : [opening, completed])).Entries[^1];
        }
    }

    /// <summary>The time is up, unless an answer has come in before this is on record.</summary>
    private async Task<Entry> ExpireAsync(ScopedStep step, ApprovalRequested request)
    {
        var expired = _engine.Draft(EntryKinds.ApprovalExpired, step, Body.Write(new ApprovalAnswered(request.Safe ?? request.Choices[0])), "nobody answered in time", actor: "engine");
        while (_engine.Record.Outcome(step) is null)
        {
            _engine.ThrowIfClosed();
            await _engine.Journal.TryAppendAsync([expired]);
        }

        return _engine.Record.Outcome(step)!;
    }

    private void Consume(Entry entry) => _engine.Consume(ScopeName, entry);
}

/// <summary>One visit of a run in one of its states: what the state's handler is given.</summary>
public sealed class Visit<TState, TCase> : VisitScope
    where TState : struct, Enum
    where TCase : notnull
{
    internal Visit(VisitEngine engine)
        : base(engine, "")
    {
        Case = (TCase)engine.Case;
    }

    /// <summary>The case at entry. A transition carries the next one.</summary>
    public TCase Case { get; }

    /// <summary>The state.</summary>
    public TState State => Enum.Parse<TState>(Engine.Row.State);

    /// <summary>Goes to another state with the case unchanged.</summary>
    public Next GoTo(TState state, string? because = null) => new(state.ToString(), Case, because);

    /// <summary>Goes to another state with the next case. The state must be declared as a way out of this one.</summary>
    public Next GoTo(TState state, TCase next, string? because = null)
    {
        ArgumentNullException.ThrowIfNull(next);
        return new Next(state.ToString(), next, because);
    }
}

/// <summary>The end of a wait for a signal: it arrived, or the time limit passed.</summary>
public sealed record Signal<T>(bool Arrived, T? Value);
