using Signalbox.Queries;
using Signalbox.Server.Dashboard.Runs;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_timeline_of_a_run
{
    private static readonly RunId s_run = new("r-1");

    [Fact]
    public void Is_to_scale_while_something_is_at_work()
    {
        var axis = TimeAxis.Of([Span("run", null, RunSpanType.Run, 0, 1000), Span("a", "run", RunSpanType.Read, 0, 500), Span("b", "run", RunSpanType.ModelCall, 500, 1000)], 1000);

        Assert.Empty(axis.Squeezed);
        Assert.Equal([0, 250, 500, 1000], new[] { axis.At(0), axis.At(250), axis.At(500), axis.At(1000) });
    }

    [Fact]
    public void Squeezes_the_night_in_which_nobody_answered()
    {
        const long Hour = 3_600_000_000;
        var axis = TimeAxis.Of(
            [
                Span("run", null, RunSpanType.Run, 0, (8 * Hour) + 3_000_000), Span("read", "run", RunSpanType.Read, 0, 2_000_000), Span("ask", "run", RunSpanType.Approval, 2_000_000, (8 * Hour) + 2_000_000),
                Span("act", "run", RunSpanType.Action, (8 * Hour) + 2_000_000, (8 * Hour) + 3_000_000),
            ],
            9 * Hour);

        var night = Assert.Single(axis.Squeezed);
        Assert.Equal(8 * Hour, night.Microseconds);
        Assert.InRange(night.Until - night.From, 1, 100);
        Assert.Equal(2.0, axis.At(2_000_000) / (1000 - axis.At((8 * Hour) + 2_000_000)), 0.01); // two seconds of reading beside one of acting
        var last = -1.0;
        for (long at = 0; at <= (8 * Hour) + 3_000_000; at += 10_000_000)
        {
            Assert.InRange(axis.At(at), last, 1000);
            last = axis.At(at);
        }
    }

    [Fact]
    public void Of_a_long_run_shows_its_visits_and_a_page_of_one()
    {
        var spans = new List<RunSpan> { Span("run", null, RunSpanType.Run, 0, 10_000) };
        for (var visit = 1; visit <= 5; visit++)
        {
            spans.Add(Span($"v{visit}", "run", RunSpanType.Visit, visit * 1000, (visit * 1000) + 999, visit));
            spans.AddRange(Enumerable.Range(0, 999).Select(i => Span($"v{visit}-{i}", $"v{visit}", RunSpanType.Read, (visit * 1000) + i, (visit * 1000) + i + 1, visit)));
        }

        var last = TimelineRows.Of(spans, null, 0);
        Assert.True(last.IsFolded);
        Assert.Equal((5, 999, 6 + TimelineRows.PageSize), (last.Visit, last.InVisit, last.Rows.Count));

        var second = TimelineRows.Of(spans, 2, 900);
        Assert.Equal(6 + 99, second.Rows.Count);
        Assert.Equal("v2-900", second.Rows[3].Span.Id);
        Assert.Equal("v3", second.Rows[3 + 99].Span.Id);
        Assert.Equal(999, second.Rows[3 + 99].Holds);
    }

    [Fact]
    public void Shows_every_span_once_whatever_parents_they_claim()
    {
        RunSpan[] spans = [Span("a", "b", RunSpanType.Read, 0, 1), Span("b", "a", RunSpanType.Read, 0, 1), Span("c", "gone", RunSpanType.Read, 0, 1), Span("d", "d", RunSpanType.Read, 0, 1), Span("e", "d", RunSpanType.Read, 0, 1)];

        var rows = TimelineRows.Of(spans, null, 0).Rows;

        Assert.Equal(["c", "d", "e"], rows.Select(r => r.Span.Id)); // a and b lie in each other: they lie nowhere
    }

    private static RunSpan Span(string id, string? parent, RunSpanType type, long from, long until, int visit = 0) =>
        new() { Id = id, Parent = parent, Run = s_run, Type = type, Name = id, StartedAt = from, EndedAt = until, FirstSeq = 1, LastSeq = 1, Visit = visit };
}
