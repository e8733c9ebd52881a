using Signalbox.Storage;

namespace Signalbox.Sqlite.Writing;

/// <summary>A run's head and the number under which the file knows the run.</summary>
internal sealed record StoredHead(long Id, RunHead Head);

/// <summary>
/// The heads of runs at work, so that a step need not read them again. Runs that wait or have ended are not kept: they are to cost no memory.
/// What a transaction changes counts for that transaction at once, for later ones when it is committed.
/// </summary>
internal sealed class HeadCache(Func<RunId, StoredHead?> load)
{
    private const int KeptMax = 4_096;
    private readonly Dictionary<RunId, LinkedListNode<StoredHead>> _kept = [];
    private readonly LinkedList<StoredHead> _byUse = [];
    private readonly Dictionary<RunId, StoredHead> _changed = [];
    private StoredHead? _loaded;

    /// <summary>The run's head as this transaction sees it, or null if there is no such run.</summary>
    public StoredHead? Find(RunId run)
    {
        if (_changed.Count > 0 && _changed.TryGetValue(run, out var changed))
        {
            return changed;
        }

        if (!_kept.TryGetValue(run, out var node))
        {
            return _loaded?.Head.Row.Run == run ? _loaded : _loaded = load(run);
        }

        if (node != _byUse.First)
        {
            _byUse.Remove(node);
            _byUse.AddFirst(node);
        }

        return node.Value;
    }

    public void Change(StoredHead head) => _changed[head.Head.Row.Run] = head;

    public void Commit()
    {
        foreach (var (run, head) in _changed)
        {
            Keep(run, head);
        }

        _changed.Clear();
        _loaded = null;
    }

    /// <summary>Forgets the runs that the transaction touched: they are read again.</summary>
    public void Rollback()
    {
        foreach (var run in _changed.Keys)
        {
            Drop(run);
        }

        _changed.Clear();
        _loaded = null;
    }

    private void Keep(RunId run, StoredHead head)
    {
        if (head.Head.Row.Status is not (RunStatus.Running or RunStatus.Pending))
        {
            Drop(run);
        }
        else if (_kept.TryGetValue(run, out var node))
        {
            node.Value = head;
        }
        else
        {
            _kept[run] = _byUse.AddFirst(head);
            if (_kept.Count > KeptMax)
            {
                Drop(_byUse.Last!.Value.Head.Row.Run);
            }
        }
    }

    private void Drop(RunId run)
    {
        if (_kept.Remove(run, out var node))
        {
            _byUse.Remove(node);
        }
    }
}
