using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>A span that has ended with an entry of that kind, the workflow of its run, and the seq with which its run's visit began.</summary>
internal readonly record struct EndedSpan(RunSpan Span, string Workflow, string EndedBy = "", long VisitSeq = 0);

/// <summary>
/// Makes spans of the log, whatever runs its entries belong to. Of a run whose earlier entries it has not read, or has forgotten, it reads them again. Keeps what is open of the runs that were heard of last.
/// </summary>
internal sealed class RunFolds(IRunReader reader, int runsMax = 4_096)
{
    private const int PageSize = 500;

    private readonly Dictionary<RunId, LinkedListNode<(RunId Run, SpanFold Fold, long Seq)>> _byRun = [];
    private readonly LinkedList<(RunId Run, SpanFold Fold, long Seq)> _recent = new();

    /// <summary>Adds what ends with the entry to <paramref name="ended"/>.</summary>
    public async ValueTask AddAsync(Entry entry, List<EndedSpan> ended, CancellationToken cancellationToken)
    {
        var fold = await FindAsync(entry, cancellationToken);
        if (fold is null)
        {
            return; // it has read this entry already
        }

        foreach (var span in fold.Add(entry))
        {
            ended.Add(new(span, fold.Workflow, entry.Kind, fold.VisitSeq));
        }

        if (fold.IsOver)
        {
            _recent.Remove(_byRun[entry.Run]);
            _byRun.Remove(entry.Run);
        }
    }

    private async ValueTask<SpanFold?> FindAsync(Entry entry, CancellationToken cancellationToken)
    {
        SpanFold fold;
        if (_byRun.TryGetValue(entry.Run, out var node))
        {
            if (node.Value.Seq >= entry.Seq)
            {
                return null;
            }

            fold = node.Value.Fold;
            _recent.Remove(node);
        }
        else
        {
            fold = await ReadAsync(entry, cancellationToken);
            if (_byRun.Count >= runsMax)
            {
                _byRun.Remove(_recent.First!.Value.Run);
                _recent.RemoveFirst();
            }
        }

        _byRun[entry.Run] = _recent.AddLast((entry.Run, fold, entry.Seq));
        return fold;
    }

    /// <summary>The fold of a run up to before the entry.</summary>
    private async ValueTask<SpanFold> ReadAsync(Entry entry, CancellationToken cancellationToken)
    {
        var fold = new SpanFold();
        await foreach (var earlier in reader.EntriesAsync(entry.Run, lastSeq: entry.Seq - 1, cancellationToken: cancellationToken))
        {
            fold.Add(earlier);
        }

        return fold;
    }
}
