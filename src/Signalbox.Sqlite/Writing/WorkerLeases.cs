namespace Signalbox.Sqlite.Writing;

/// <summary>
/// Which workers are alive. Kept in memory alone: all of them run under this owner, whose end voids their leases anyway (nobody else can have
/// written since), and a full disk must not make healthy workers look dead. Thread-safe.
/// </summary>
internal sealed class WorkerLeases(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _until = [];

    public bool Heartbeat(string worker, TimeSpan lease)
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            var wasAlive = !_until.TryGetValue(worker, out var until) || until > now;
            _until[worker] = now + lease;
            return wasAlive;
        }
    }

    public void Retire(string worker)
    {
        lock (_lock)
        {
            _until.Remove(worker);
        }
    }

    /// <summary>Until when each counts as alive.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> All()
    {
        lock (_lock)
        {
            return new Dictionary<string, DateTimeOffset>(_until);
        }
    }

    public bool IsAlive(string worker)
    {
        lock (_lock)
        {
            return _until.TryGetValue(worker, out var until) && until > clock.GetUtcNow();
        }
    }
}
