using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_targets_final_state
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Has_what_was_verified()
    {
        Assert.Empty(Check("192.0.2.7"));
        Assert.Equal(["I10 r-a seq 11: expected '192.0.2.7' in the target's state after 'a-1' was verified; got it is not there"], Check("# nothing"));
    }

    [Fact]
    public void Has_nothing_else()
    {
        Assert.Equal(["I10 -: expected a verified 'block' of '192.0.2.9'; got it is there without one (target state:2)"], Check("192.0.2.7", "192.0.2.9"));
    }

    [Fact]
    public void Has_what_stood_before_and_was_verified()
    {
        _journal.Remove("r-a", 9, 2).Change("r-a", 9, _ => GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: false));
        Assert.Empty(Check("192.0.2.7"));
        Assert.Single(Check());
    }

    [Fact]
    public void Has_not_what_was_undone()
    {
        Undo();
        Assert.Empty(Check());
        Assert.Equal(["I10 r-a seq 11: expected '192.0.2.7' not in the target's state after 'a-1' was verified as undone; got it is there (target state:1)"], Check("192.0.2.7"));
    }

    [Fact]
    public void Has_not_what_was_undone_under_an_id_of_its_own()
    {
        _journal.Insert(12, GoodHistory.Intend("r-a", "a-1-undo", undo: true)).Insert(13, GoodHistory.Verdict("r-a", "action.verified", "a-1-undo", madeByUs: true, undo: true));
        Assert.Empty(Check());
    }

    [Fact]
    public void Keeps_what_another_run_holds_too()
    {
        Undo();
        Assert.Empty(Check());

        // Run b blocked the address first, run a joined; a's undo leaves b's block.
        var journal = new JournalWriter();
        journal.Payload(GoodHistory.Definition);
        journal.Payload("""{"alert":"ssh-1","text":"Grüße, 火"}""");
        journal.Add([.. _journal.Entries.Where(e => e.Run == "r-b"), .. _journal.Entries.Where(e => e.Run == "r-a")]);
        journal.Insert(8, GoodHistory.Intend("r-b", "b-1") with { State = "Triage", Visit = 1 });
        journal.Insert(9, GoodHistory.Verdict("r-b", "action.verified", "b-1", madeByUs: true) with { State = "Triage", Visit = 1 });
        journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: false));
        Assert.Empty(journal.Check(Options("192.0.2.7")));
        Assert.Equal(["I10 r-a seq 11: expected '192.0.2.7' in the target's state after 'a-1' was verified as undone; got it is not there"], journal.Check(Options()));
    }

    [Fact]
    public void Is_left_open_where_nobody_knows_how_an_action_ended()
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.diverged", "a-1", madeByUs: false));
        Assert.Empty(Check());
        Assert.Empty(Check("192.0.2.7"));
    }

    [Fact]
    public void Needs_the_arguments_of_what_was_verified()
    {
        _journal.Remove("r-a", 9, 2).Change("r-a", 9, e => e with { Body = """{"actionId":"a-1","action":"block","madeByUs":false}""" });
        Assert.Equal(["I10 r-a seq 9: expected arguments with the text 'address' in the intent or the verdict of 'block'; got none"], Check());
    }

    [Fact]
    public void Compares_addresses_and_not_their_spelling()
    {
        _journal.Change("r-a", 9, e => e with
        {
            Body = e.Body.Replace("192.0.2.7", "2001:DB8::1", StringComparison.Ordinal).Replace(GoodHistory.ArgumentsHash, JournalWriter.Sha256("""{"address":"2001:DB8::1","minutes":60}"""), StringComparison.Ordinal),
        });
        Assert.Empty(Check("2001:db8:0:0::1"));
    }

    [Theory]
    [InlineData("::ffff:192.0.2.7")]
    [InlineData("192.0.2.7/32")]
    [InlineData("::ffff:192.0.2.7/128")]
    public void Knows_an_address_by_its_other_names(string name) => Assert.Empty(Check(name));

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.77/24", true)]
    [InlineData("192.0.2.0/24", "::ffff:192.0.2.0/120", true)]
    [InlineData("192.0.2.0/24", "192.0.2.0/25", false)]
    [InlineData("192.0.2.0/24", "192.0.2.0", false)]
    public void Knows_a_network_by_its_other_names(string intended, string stated, bool same)
    {
        foreach (var seq in new[] { 9, 11 })
        {
            _journal.Change("r-a", seq, e => e with
            {
                Body = e.Body.Replace("192.0.2.7", intended, StringComparison.Ordinal)
                    .Replace(GoodHistory.ArgumentsHash, JournalWriter.Sha256($$"""{"address":"{{intended}}","minutes":60}"""), StringComparison.Ordinal),
            });
        }

        Assert.Equal(same, !Check(stated).Any());
    }

    [Fact]
    public void Has_not_what_an_undo_of_another_action_released()
    {
        const string Arguments = """{"address":"192.0.2.7"}""";
        _journal.Insert(12, Acting.Intend("r-a", "u-1", undo: true, releases: ["a-1"], arguments: Arguments)).Insert(13, Acting.Verdict("r-a", "u-1", undo: true, releases: ["a-1"]));
        Assert.Empty(Check());
        Assert.Single(Check("192.0.2.7"));
    }

    [Fact]
    public void Is_as_ruled()
    {
        var journal = Ruled("host/192.0.2.7");
        Assert.Empty(journal.Check(Options() with { Against = "allow" }));
        Assert.Equal(
            ["I10 r-2 seq 7: expected '192.0.2.7' not in the target's state after 'b' was verified; got it is there (target state:1)"],
            journal.Check(Options("192.0.2.7") with { Against = "allow" }));
    }

    [Fact]
    public void Is_left_open_where_a_ruling_was_about_another_resource()
    {
        Assert.Empty(Ruled("host").Check(Options("192.0.2.7")));
        Assert.Empty(Ruled("host").Check(Options()));
    }

    /// <summary>Run 1 blocks an address, and run 2 allows it, as a ruling lets it.</summary>
    private static JournalWriter Ruled(string resource)
    {
        var journal = Acting.With("r-1", "r-2").Add(Acting.Intend("r-1", "a", [Acting.Block("host/192.0.2.7")]), Acting.Verdict("r-1", "a"));
        journal.Add([
            .. Acting.Raise("r-2", "b", "r-1", "a"), .. Acting.Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled"),
            Allows(Acting.Intend("r-2", "b", [Acting.Allow(resource)], overrules: ["a"], priority: 1)), Allows(Acting.Verdict("r-2", "b"))]);
        return journal;

        static WrittenEntry Allows(WrittenEntry entry) => entry with { Body = entry.Body.Replace("\"action\":\"block\"", "\"action\":\"allow\"", StringComparison.Ordinal) };
    }

    [Fact]
    public void Needs_to_know_the_action()
    {
        var e = Assert.Throws<ArgumentException>(() => HistoryCheck.Run(_journal.Seal(), new HistoryOptions { TargetState = [] }));
        Assert.Equal("A target's state needs the name of the action that makes it, and the member of its arguments that is the resource. (Parameter 'options')", e.Message);
    }

    private void Undo() =>
        _journal.Insert(12, GoodHistory.Intend("r-a", "a-1", undo: true)).Insert(13, GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: true, undo: true));

    private IEnumerable<string> Check(params string[] state) => _journal.Check(Options(state));

    private static HistoryOptions Options(params string[] state) => new() { TargetState = state, Action = "block", Resource = "address" };
}
