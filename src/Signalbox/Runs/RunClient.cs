using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// Starts runs, finds them, speaks to them and awaits them. Refusals are results, not exceptions. Safe to call from several threads.
/// </summary>
public sealed class RunClient
{
    private readonly IRunStore _store;
    private readonly WorkflowCatalog _workflows;
    private readonly Entropy _entropy;
    private readonly TimeProvider _clock;

    internal RunClient(IRunStore store, WorkflowCatalog workflows, Entropy entropy, TimeProvider clock)
    {
        _store = store;
        _workflows = workflows;
        _entropy = entropy;
        _clock = clock;
    }

    /// <summary>Who speaks, as <c>kind:name</c>, recorded with everything this client does.</summary>
    public string Actor { get; init; } = "client:" + Environment.UserName;

    /// <summary>The roles of who speaks, as authenticated by the program. A program that owns the store has every role unless it says otherwise.</summary>
    public IReadOnlyCollection<string> Roles { get; init; } = [Caller.AnyRole];

    /// <summary>A client that speaks for somebody whom the program has authenticated: a server makes one for each of its callers.</summary>
    public RunClient For(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return new(_store, _workflows, _entropy, _clock) { Actor = caller.Actor, Roles = caller.Roles };
    }

    internal TimeProvider Clock => _clock;

    private Caller Caller => new(Actor, Roles);

    /// <summary>The store, to read journals.</summary>
    public IRunReader Store => _store;

    /// <summary>
    /// Starts a run. With a <paramref name="key"/>, unique per workflow, a second start finds the first run instead: so a start can be repeated until it is acknowledged.
    /// When this returns, the run is on disk.
    /// </summary>
    /// <exception cref="ArgumentException">This program has no such workflow, or it has another case.</exception>
    /// <exception cref="StoreUnavailableException">Nothing was started; try again.</exception>
    public async Task<RunStart> StartAsync<TCase>(
        string workflow, TCase @case, string? key = null, IReadOnlyDictionary<string, string>? labels = null, int? version = null, CancellationToken cancellationToken = default)
        where TCase : notnull
    {
        var registered = _workflows.Get(workflow, version);
        if (registered.CaseType != typeof(TCase))
        {
            throw new ArgumentException($"The case of workflow '{workflow}' v{registered.Version} is a {registered.CaseType.Name}; got a {typeof(TCase).Name}.", nameof(@case));
        }

        var command = new StartRun(RunId.New(_entropy), workflow, registered.Version, new RawJson(registered.Definition.Bytes), registered.Start, Bodies.Json(@case), key, labels);
        var result = await RunCommands.ExecuteAsync(_store, command, Caller, cancellationToken);
        return new RunStart(result.Run!.Value, result.Code == "ok");
    }

    /// <summary>Whether this program has that workflow: of its newest version, unless one is named.</summary>
    public bool Knows(string workflow, int? version = null) => _workflows.Versions.Any(w => w.Name == workflow && (version is null || w.Version == version));

    /// <summary>
    /// The command that starts a run with a case from outside, for whoever carries it out (<see cref="IRunControl"/>). The case is what <see cref="StartAsync"/> would have recorded of the same value: it fits the type of the workflow's
    /// case, and has no member that the type lacks.
    /// </summary>
    /// <exception cref="CaseUnfitException">The case does not fit.</exception>
    /// <exception cref="ArgumentException">This program has no such workflow.</exception>
    public StartRun Prepare(string workflow, RawJson @case, string? key = null, IReadOnlyDictionary<string, string>? labels = null, int? version = null)
    {
        var registered = _workflows.Get(workflow, version);
        return new StartRun(RunId.New(_entropy), workflow, registered.Version, new RawJson(registered.Definition.Bytes), registered.Start, CaseJson.Fit(registered, @case), key, labels);
    }

    /// <summary>The run, or null.</summary>
    public async Task<RunRow?> FindAsync(RunId run, CancellationToken cancellationToken = default) => (await _store.FindAsync(run, cancellationToken))?.Row;

    /// <summary>The run that a workflow has under a key, or null.</summary>
    public async Task<RunRow?> FindAsync(string workflow, string key, CancellationToken cancellationToken = default) => (await _store.FindByKeyAsync(workflow, key, cancellationToken))?.Row;

    /// <summary>Runs that match, the newest first.</summary>
    public async Task<IReadOnlyList<RunRow>> ListAsync(RunQuery query, CancellationToken cancellationToken = default) =>
        [.. (await _store.ListAsync(query, cancellationToken)).Select(h => h.Row)];

    /// <summary>The case of the run's current visit (of an ended run: the last one), or null if there is no such run.</summary>
    /// <exception cref="JournalDamagedException">It cannot be read.</exception>
    public async Task<TCase?> GetCaseAsync<TCase>(RunId run, CancellationToken cancellationToken = default)
        where TCase : class
    {
        if (await _store.FindAsync(run, cancellationToken) is not { } head)
        {
            return null;
        }

        var entered = (await _store.ReadAsync(run, head.Row.VisitSeq, 1, cancellationToken))[0];
        var value = Body.Read<StateEntered>(entered).Case;
        var bytes = value.Reference is { } hash
            ? await _store.FindPayloadAsync(hash, cancellationToken) ?? throw new JournalDamagedException(run, entered.Seq, $"its payload {hash} is missing or altered")
            : value.Utf8;
        try
        {
            return JsonSerializer.Deserialize<TCase>(bytes.Span, SignalboxJson.Options);
        }
        catch (JsonException e)
        {
            throw new JournalDamagedException(run, entered.Seq, $"its case is no {typeof(TCase).Name}: {e.Message}");
        }
    }

    /// <summary>Puts a signal into the run's mailbox.</summary>
    public ValueTask<CommandResult> SignalAsync<T>(RunId run, string signal, T value, CancellationToken cancellationToken = default) =>
        RunCommands.ExecuteAsync(_store, new SendSignal(run, signal, Bodies.Json(value)), Caller, cancellationToken);

    /// <summary>
    /// Answers the run's open question. The caller vouches for <see cref="Actor"/> and <see cref="Roles"/>. <paramref name="hash"/> is that of the action that was shown
    /// (<see cref="ApprovalCard.Hash"/>): if another one is asked about by now, the answer changes nothing.
    /// </summary>
    public ValueTask<CommandResult> AnswerAsync(RunId run, string choice, string? step = null, string? comment = null, string? hash = null, CancellationToken cancellationToken = default) =>
        RunCommands.ExecuteAsync(_store, new AnswerApproval(run, choice, step, comment, hash), Caller, cancellationToken);

    /// <summary>Opens the failed run's last visit again.</summary>
    public ValueTask<CommandResult> RetryAsync(RunId run, string reason, CancellationToken cancellationToken = default) =>
        RunCommands.ExecuteAsync(_store, new RetryRun(run, reason), Caller, cancellationToken);

    /// <summary>Asks that the run end.</summary>
    public ValueTask<CommandResult> CancelAsync(RunId run, string reason, CancellationToken cancellationToken = default) =>
        RunCommands.ExecuteAsync(_store, new CancelRun(run, reason), Caller, cancellationToken);

    /// <summary>Lets a held run go on.</summary>
    public ValueTask<CommandResult> ReleaseAsync(RunId run, ReleaseVerb verb, string? note = null, CancellationToken cancellationToken = default) =>
        RunCommands.ExecuteAsync(_store, new ReleaseRun(run, verb, note), Caller, cancellationToken);

    /// <summary>Says whether a decision of the run was right, also after the run has ended: thresholds are earned from such judgements. The latest one counts.</summary>
    public ValueTask<CommandResult> JudgeAsync(RunId run, string decision, bool right, string why, CancellationToken cancellationToken = default) =>
        RunCommands.ExecuteAsync(_store, new JudgeDecision(run, decision, right, why), Caller, cancellationToken);

    /// <summary>Completes when the run is Completed, Failed or Canceled.</summary>
    /// <exception cref="ArgumentException">There is no such run.</exception>
    public Task<RunRow> WaitForEndAsync(RunId run, CancellationToken cancellationToken = default) => WaitUntilAsync(run, row => !row.IsOpen, cancellationToken);

    /// <summary>Completes when nothing more happens to the run by itself (<see cref="RunHead.IsSettled"/>): it has ended, is held, or asks a person.</summary>
    /// <exception cref="ArgumentException">There is no such run.</exception>
    public Task<RunHead> WaitUntilSettledAsync(RunId run, CancellationToken cancellationToken = default) => WaitForAsync(run, head => head.IsSettled, cancellationToken);

    /// <summary>Completes when the run's row satisfies the condition; it is looked at after each change, and every second for changes made elsewhere.</summary>
    /// <exception cref="ArgumentException">There is no such run.</exception>
    public async Task<RunRow> WaitUntilAsync(RunId run, Func<RunRow, bool> condition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return (await WaitForAsync(run, head => condition(head.Row), cancellationToken)).Row;
    }

    private async Task<RunHead> WaitForAsync(RunId run, Func<RunHead, bool> condition, CancellationToken cancellationToken)
    {
        // A semaphore or WhenAny would go by the thread pool, and a client may live on a scheduler of its own: everything that wakes it sets one task.
        TaskCompletionSource woken = new();
        using var subscription = _store.Subscribe(change =>
        {
            if (change.Run == run)
            {
                Volatile.Read(ref woken).TrySetResult();
            }
        });
        using var canceled = cancellationToken.UnsafeRegister(_ => Volatile.Read(ref woken).TrySetResult(), null);
        while (true)
        {
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref woken, next);
            cancellationToken.ThrowIfCancellationRequested();
            var head = await _store.FindAsync(run, cancellationToken) ?? throw new ArgumentException($"The store has no run '{run}'.", nameof(run));
            if (condition(head))
            {
                return head;
            }

            using var patience = _clock.CreateTimer(_ => next.TrySetResult(), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
            await next.Task;
        }
    }
}

/// <summary>The run, and whether this call started it (false: the key had one already).</summary>
public readonly record struct RunStart(RunId Run, bool IsNew);
