using Signalbox.HistoryChecker;
using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_target_with_fences
{
    private readonly JournalWriter _journal = With("r-1").Add(T2("a"), Verdict("r-1", "a"), T2("b"), Verdict("r-1", "b"));

    [Fact]
    public void Lets_the_newer_owner_pass() => Assert.Empty(Check(Line("a", 1), Line("b", 1), Line("c", 2, applied: false)));

    [Fact]
    public void Lets_nobody_pass_who_was_overtaken()
    {
        Assert.Equal(
            ["I7 r-1: expected a fence of 2 or more on '192.0.2.7' after that of 'a' (target log:1); got an effect 'block' of 'b' (target log:3) with 1"],
            Check(Line("a", 2), Line("b", 1, applied: false), Line("b", 1)));
    }

    [Fact]
    public void Has_a_fence_for_each_resource() => Assert.Empty(Check(Line("a", 2), Line("b", 1, resource: "192.0.2.8")));

    [Fact]
    public void Knows_a_resource_by_other_names() => Assert.Single(Check(Line("a", 2), Line("b", 1, resource: "::ffff:192.0.2.7/128")));

    [Fact]
    public void Promises_nothing_where_it_is_of_another_class()
    {
        _journal.Change("r-1", 6, e => e with { Body = e.Body.Replace("T2", "T3", StringComparison.Ordinal) });
        Assert.Empty(Check(Line("a", 2), Line("b", 1)));
    }

    [Fact]
    public void Does_nothing_after_a_tombstone()
    {
        const string Tombstone = """{"tombstone":true,"actionId":"a"}""";
        Assert.Empty(Check(Line("a", 1), Tombstone, Line("b", 1), Line("a", 1, applied: false)));
        Assert.Equal(["I7 r-1: expected no effect of 'a' after its tombstone (target log:1); got an effect 'block' of 'a' (target log:2)"], Check(Tombstone, Line("a", 1), Line("b", 1)));
    }

    private IEnumerable<string> Check(params string[] log) => _journal.Check(new HistoryOptions { TargetLog = log });

    private static WrittenEntry T2(string id) => Intend("r-1", id) is var intent ? intent with { Body = intent.Body.Replace("T1", "T2", StringComparison.Ordinal) } : null!;

    private static string Line(string id, int fence, bool applied = true, string resource = "192.0.2.7") =>
        $$"""{"actionId":"{{id}}","op":"block","resource":"{{resource}}","applied":{{(applied ? "true" : "false")}},"fence":{{fence}}}""";
}
