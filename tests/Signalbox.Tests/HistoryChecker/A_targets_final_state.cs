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
