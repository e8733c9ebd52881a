using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Signalbox;
using Signalbox.Storage;

namespace SecurityAlerts;

/// <summary>
/// Starts a run for each alert and each customer's request, and follows them until each has ended or waits for somebody. The store's hints wake it, and once a second it looks for
/// itself. One caller at a time, but <see cref="Progress"/> may be read from anywhere.
/// </summary>
internal sealed class RunWatch : IDisposable
{
    private const int StartsAtOnce = 64;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly IRunStore _store;
    private readonly TimeProvider _clock;
    private readonly IDisposable _subscription;
    private readonly Channel<RunId> _changed = Channel.CreateUnbounded<RunId>();
    private readonly List<(Alert Alert, RunId Run)> _runs = [];
    private readonly List<(CareRequest Request, RunId Run)> _requests = [];
    private readonly Dictionary<RunId, Standing> _standings = [];
    private readonly Queue<RunId> _settled = [];
    private volatile StrongBox<Progress> _progress = new(default);

    public RunWatch(IRunStore store, TimeProvider clock)
    {
        _store = store;
        _clock = clock;
        _subscription = store.Subscribe(change => _changed.Writer.TryWrite(change.Run));
    }

    private enum Standing
    {
        AtWork,
        AsksAPerson,
        Ended,
    }

    /// <summary>The alerts with their runs, in the order of the queue.</summary>
    public IReadOnlyList<(Alert Alert, RunId Run)> Runs => _runs;

    /// <summary>The requests with their runs, in the order in which they were started.</summary>
    public IReadOnlyList<(CareRequest Request, RunId Run)> Requests => _requests;

    /// <summary>How many of the alerts' runs are new, not known from an earlier start.</summary>
    public int Started { get; private set; }

    public Progress Progress => _progress.Value;

    /// <summary>Starts a run for each alert that has none, under the alert's id: a start that is repeated starts nothing twice.</summary>
    public async Task StartAsync(RunClient client, IEnumerable<Alert> alerts, CancellationToken cancellationToken) =>
        Started += await StartAsync(alerts, alert => StartAsync(client, alert, cancellationToken), _runs);

    /// <summary>The same for requests, under theirs.</summary>
    public Task StartAsync(RunClient client, IEnumerable<CareRequest> requests, CancellationToken cancellationToken) =>
        StartAsync(requests, request => StartAsync(client, request, cancellationToken), _requests);

    /// <summary>Completes when no run is at work.</summary>
    public async Task UntilSettledAsync(CancellationToken cancellationToken)
    {
        await LookAtAllAsync(cancellationToken);
        while (_standings.ContainsValue(Standing.AtWork))
        {
            await LookAfterChangeAsync(cancellationToken);
        }
    }

    /// <summary>The runs that end or begin to ask a person from now on, for ever. <paramref name="onLook"/> is called about once a second, and may start more.</summary>
    public async IAsyncEnumerable<RunId> SettlingAsync(Func<CancellationToken, Task> onLook, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _settled.Clear();
        while (true)
        {
            await onLook(cancellationToken);
            while (_settled.TryDequeue(out var run))
            {
                yield return run;
            }

            await LookAfterChangeAsync(cancellationToken);
        }
    }

    public void Dispose() => _subscription.Dispose();

    private static Task<RunStart> StartAsync(RunClient client, Alert alert, CancellationToken cancellationToken)
    {
        var labels = new Dictionary<string, string> { ["site"] = alert.Site, ["rule"] = alert.Rule };
        return client.StartAsync(AlertResponse.WorkflowName, new AlertCase(alert), key: alert.Id, labels, cancellationToken: cancellationToken);
    }

    private static Task<RunStart> StartAsync(RunClient client, CareRequest request, CancellationToken cancellationToken)
    {
        var labels = new Dictionary<string, string> { ["site"] = request.Site, ["customer"] = request.Customer };
        return client.StartAsync(CustomerCare.WorkflowName, new CareCase(request), key: request.Id, labels, cancellationToken: cancellationToken);
    }

    private async Task<int> StartAsync<T>(IEnumerable<T> what, Func<T, Task<RunStart>> start, List<(T, RunId)> into)
    {
        // Many at once, since the store writes what comes together in one go.
        var isNew = 0;
        foreach (var some in what.Chunk(StartsAtOnce))
        {
            foreach (var (one, started) in some.Zip(await Task.WhenAll(some.Select(start))))
            {
                into.Add((one, started.Run));
                _standings[started.Run] = Standing.AtWork;
                isNew += started.IsNew ? 1 : 0;
            }
        }

        return isNew;
    }

    private static Standing StandingOf(RunHead head) => head switch
    {
        { IsSettled: false } => Standing.AtWork,
        { Row.Status: RunStatus.Waiting } => Standing.AsksAPerson,
        _ => Standing.Ended,
    };

    private async Task LookAfterChangeAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var change = _changed.Reader.WaitToReadAsync(patience.Token).AsTask();
        await Task.WhenAny(change, Task.Delay(LookEvery, _clock, patience.Token));
        var isHint = change.IsCompletedSuccessfully;
        await patience.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        if (!isHint)
        {
            await LookAtAllAsync(cancellationToken);
            return;
        }

        var changed = new HashSet<RunId>();
        while (_changed.Reader.TryRead(out var run))
        {
            changed.Add(run);
        }

        await LookAtAsync(changed.Where(_standings.ContainsKey), cancellationToken);
    }

    private Task LookAtAllAsync(CancellationToken cancellationToken) =>
        LookAtAsync([.. _standings.Where(run => run.Value != Standing.Ended).Select(run => run.Key)], cancellationToken);

    private async Task LookAtAsync(IEnumerable<RunId> runs, CancellationToken cancellationToken)
    {
        foreach (var run in runs)
        {
            var standing = StandingOf((await _store.FindAsync(run, cancellationToken))!);
            if (standing != _standings[run] && standing != Standing.AtWork)
            {
                _settled.Enqueue(run);
            }

            _standings[run] = standing;
        }

        var ofAlerts = _runs.Select(run => _standings[run.Run]).ToList();
        _progress = new(new(ofAlerts.Count(s => s == Standing.Ended), ofAlerts.Count(s => s == Standing.AsksAPerson), ofAlerts.Count));
    }
}
