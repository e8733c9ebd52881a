using Signalbox.Journal;
using Signalbox.Queries;
using Xunit;

namespace Signalbox.Tests.Queries;

/// <summary>What must hold of the spans of any journal, and of any beginning of one.</summary>
internal static class SpanTree
{
    // Each is checked whole: of all the simulated runs together the short prefixes are many, and the long ones are covered by every twentieth.
    private const int PrefixesMax = 30;
    private const int ThenEvery = 20;

    /// <summary>All spans of a journal: those that ended, then those that are open.</summary>
    public static IReadOnlyList<RunSpan> Of(IEnumerable<Entry> entries)
    {
        var fold = new SpanFold();
        var closed = entries.SelectMany(fold.Add).ToList();
        return [.. closed, .. fold.Open()];
    }

    public static void Check(IReadOnlyList<Entry> entries)
    {
        var fold = new SpanFold();
        var closed = new Dictionary<string, RunSpan>();
        for (var i = 0; i < entries.Count; i++)
        {
            foreach (var span in fold.Add(entries[i]))
            {
                Assert.True(closed.TryAdd(span.Id, span), $"Span {span} ended twice.");
                Assert.Equal(entries[i].At, span.EndedAt);
                Assert.Equal(entries[i].Seq, span.LastSeq);
            }

            if (i < PrefixesMax || i % ThenEvery == 0 || i == entries.Count - 1)
            {
                Check(closed, fold.Open(), entries[i]);
            }
        }

        if (entries.Count > 0 && entries[^1].Kind is EntryKinds.RunCompleted)
        {
            Assert.Empty(fold.Open());
            Assert.True(fold.IsOver);
        }
    }

    private static void Check(Dictionary<string, RunSpan> closed, IReadOnlyList<RunSpan> open, Entry at)
    {
        var all = new Dictionary<string, RunSpan>(closed);
        foreach (var span in open)
        {
            Assert.True(all.TryAdd(span.Id, span), $"Span {span} has ended and is open.");
            Assert.Null(span.EndedAt);
            Assert.True(span.Parent is null || all.ContainsKey(span.Parent), $"Span {span} stands before the one that it lies in.");
        }

        var before = new HashSet<string>();
        Assert.All(SpanFold.InOrder(all.Values), span => Assert.True(before.Add(span.Id) && (span.Parent is null || before.Contains(span.Parent))));
        Assert.Equal(SpanIds.Root(at.Run), Assert.Single(all.Values, s => s.Parent is null).Id);
        foreach (var span in all.Values)
        {
            Assert.Matches("^[0-9a-f]{16}$", span.Id);
            Assert.Equal(at.Run, span.Run);
            Assert.InRange(span.StartedAt, 0, span.EndedAt ?? at.At);
            Assert.InRange(span.FirstSeq, 0, span.LastSeq);
            Assert.InRange(span.LastSeq, span.FirstSeq, at.Seq);
            Assert.False(string.IsNullOrEmpty(span.Name), $"Span {span} has no name.");
            if (span.Parent is null)
            {
                continue;
            }

            Assert.True(all.TryGetValue(span.Parent, out var parent), $"Span {span} lies in none that is there.");
            Assert.True(span.StartedAt >= parent.StartedAt, $"{span} begins before {parent}.");

            // A run that is tried again lies in its first span, as does what comes of it after its end; a child's end is its own.
            if (span.Type is not (RunSpanType.Run or RunSpanType.Child) && parent.EndedAt >= span.StartedAt && !(parent.Type == RunSpanType.Run && span.FirstSeq > parent.LastSeq))
            {
                Assert.True(parent.EndedAt is null || span.EndedAt <= parent.EndedAt, $"{span} outlives {parent}.");
            }
        }
    }
}
