using Signalbox.Queries;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>A row of the timeline: a span, how deep it lies, and how many spans lie in it.</summary>
internal sealed record TimelineRow(RunSpan Span, int Depth, int Holds);

/// <summary>
/// Which spans a run's timeline shows. All of them while they are few; of a long run its visits, and in one of them (the last, if nobody chose) a page of what happened.
/// </summary>
internal sealed class TimelineRows
{
    /// <summary>Up to so many are shown all at once.</summary>
    public const int AllMax = 400;

    public const int PageSize = 200;

    private const int VisitsMax = 200;

    private TimelineRows(IReadOnlyList<TimelineRow> rows, bool isFolded, int? visit, int from, int inVisit)
    {
        Rows = rows;
        IsFolded = isFolded;
        Visit = visit;
        From = from;
        InVisit = inVisit;
    }

    public IReadOnlyList<TimelineRow> Rows { get; }

    /// <summary>Whether visits other than <see cref="Visit"/> show none of their spans.</summary>
    public bool IsFolded { get; }

    public int? Visit { get; }

    /// <summary>How many of the visit's spans come before those that are shown.</summary>
    public int From { get; }

    /// <summary>How many spans the visit has.</summary>
    public int InVisit { get; }

    public static TimelineRows Of(IReadOnlyList<RunSpan> spans, int? visit, int from)
    {
        var ids = spans.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        var children = spans.ToLookup(s => s.Parent is { } parent && parent != s.Id && ids.Contains(parent) ? parent : "", StringComparer.Ordinal);
        var all = new List<TimelineRow>(spans.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var path = new Stack<(RunSpan Span, int Depth)>(children[""].Reverse().Select(s => (s, 0)));
        while (path.TryPop(out var at))
        {
            if (!seen.Add(at.Span.Id))
            {
                continue;
            }

            all.Add(new(at.Span, at.Depth, children[at.Span.Id].Count()));
            foreach (var child in children[at.Span.Id].Reverse())
            {
                path.Push((child, at.Depth + 1));
            }
        }

        if (all.Count <= AllMax)
        {
            return new(all, isFolded: false, visit, 0, 0);
        }

        visit ??= all.Select(r => r.Span.Visit).DefaultIfEmpty(0).Max();
        var inVisit = all.Where(r => r.Span.Type is not (RunSpanType.Run or RunSpanType.Visit) && r.Span.Visit == visit).ToArray();
        from = Math.Clamp(from, 0, Math.Max(0, inVisit.Length - 1));
        var counts = all.Where(r => r.Span.Type is not (RunSpanType.Run or RunSpanType.Visit)).GroupBy(r => r.Span.Visit).ToDictionary(g => g.Key, g => g.Count());
        var frames = all.Where(r => r.Span.Type is RunSpanType.Run or RunSpanType.Visit).ToArray();
        var shown = frames.Length <= VisitsMax
            ? frames
            : [.. frames.Where((r, i) => i < VisitsMax / 2 || i >= frames.Length - (VisitsMax / 2) || r.Span.Visit == visit)];
        var rows = new List<TimelineRow>();
        var isOpened = false; // a visit that was opened again may have two spans; what happened in it is shown once
        foreach (var frame in shown)
        {
            rows.Add(frame with { Holds = frame.Span.Type == RunSpanType.Visit ? counts.GetValueOrDefault(frame.Span.Visit) : 0 });
            if (!isOpened && frame.Span.Type == RunSpanType.Visit && frame.Span.Visit == visit)
            {
                rows.AddRange(inVisit.Skip(from).Take(PageSize));
                isOpened = true;
            }
        }

        return new(rows, isFolded: true, visit, from, inVisit.Length);
    }
}
