using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>The path that a run took: its visits, each with the cause of the transition into it.</summary>
internal sealed class VisitFold(Redactor redactor) : IEntryFold
{
    private readonly List<VisitView> _visits = [];
    private readonly List<ChildView> _children = [];

    public IReadOnlyList<VisitView> Visits => _visits;

    public IReadOnlyList<ChildView> Children => _children;

    public void Add(EntryReading reading)
    {
        var entry = reading.Entry;
        switch (entry.Kind)
        {
            case EntryKinds.StateEntered:
                // Its header says all but where it came from, which the visit before says too.
                Leave(entry.At);
                _visits.Add(new(entry.Visit, entry.State, _visits is [.., var before] ? before.State : null, redactor.Text(entry.Cause), entry.Actor, entry.At, null, entry.Seq));
                _visits[^1] = _visits[^1] with { From = reading.Body<StateEntered>().From };
                break;
            case EntryKinds.RunCompleted or EntryKinds.RunFailed or EntryKinds.RunCanceled:
                Leave(entry.At);
                break;
            case EntryKinds.RunRetried when _visits.Count > 0:
                _visits[^1] = _visits[^1] with { LeftAt = null };
                break;
            case EntryKinds.ChildStarted:
                var child = reading.Body<ChildStarted>();
                _children.Add(new(entry.Seq, entry.At, child.Child, reading.Need(child.Workflow)));
                break;
        }
    }

    private void Leave(long at)
    {
        if (_visits is [.., { LeftAt: null } last])
        {
            _visits[^1] = last with { LeftAt = at };
        }
    }
}
