using System.Text.Json;
using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>The run's entries: proposed (4), asked (5), answered by one (6) and by the other of two (7), intended (8), verified (9).</summary>
public sealed class An_approval_of_an_action
{
    private const long ValidFor = 1000;

    private readonly JournalWriter _journal = With("r-1").Add(
        Propose("a"), Ask("a"), Answer("a", "person:bob"), Answer("a", "person:carl"), Intend("r-1", "a", approval: 5), Verdict("r-1", "a"));

    [Fact]
    public void Is_consumed_by_its_intent() => Assert.Empty(_journal.Check());

    [Fact]
    public void Is_not_left_out_of_the_intent()
    {
        _journal.Change("r-1", 8, _ => Intend("r-1", "a"));
        Assert.Equal(["I8 r-1 seq 8: expected an intent of 'a' with the approval that was asked for at seq 5; got one without, and that is approved at seq 7"], _journal.Check());
    }

    [Fact]
    public void Is_waited_for()
    {
        _journal.Remove("r-1", 6, 2).Change("r-1", 6, _ => Intend("r-1", "a"));
        Assert.Equal(["I8 r-1 seq 6: expected an intent of 'a' with the approval that was asked for at seq 5; got one without, and that is open with 0 of 2 answers"], _journal.Check());
    }

    [Fact]
    public void Needs_as_many_persons_as_its_terms_say()
    {
        _journal.Remove("r-1", 7).Change("r-1", 7, _ => Intend("r-1", "a", approval: 5));
        Assert.Equal([Consumes("one that is open with 1 of 2 answers", 7)], _journal.Check());
    }

    [Fact]
    public void Is_consumed_once()
    {
        _journal.Insert(9, Verdict("r-1", "a", "action.not_applied", madeByUs: null)).Insert(10, Intend("r-1", "a", attempt: 2, approval: 5));
        Assert.Equal([Consumes("one that is consumed at seq 8", 10)], _journal.Check());
    }

    [Fact]
    public void Is_needed_for_each_intent()
    {
        _journal.Insert(9, Verdict("r-1", "a", "action.not_applied", madeByUs: null)).Insert(10, Intend("r-1", "a", attempt: 2));
        Assert.Equal(["I8 r-1 seq 10: expected an intent of 'a' with the approval that was asked for at seq 5; got one without, and that is consumed at seq 8"], _journal.Check());
    }

    [Theory]
    [InlineData("person:bob", "who has answered already")]
    [InlineData("person:anna", "who has proposed it or asked for it")]
    [InlineData("person:dora", "who has proposed it or asked for it")]
    [InlineData("person:eve", "who has proposed it or asked for it")]
    [InlineData("agent:judge", "who is no person")]
    public void Does_not_count_by(string who, string why)
    {
        // anna started the run, dora is the proposer, eve is barred.
        _journal.Change("r-1", 7, _ => Answer("a", who));
        Assert.Equal([$"I8 r-1 seq 7: expected an approval.ignored where an answer to 'a/-/1' does not count; got one by '{who}', {why}"], _journal.Check());
        _journal.Change("r-1", 7, e => e with { Kind = "approval.ignored" }).Insert(8, Answer("a", "person:frank"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Counts_by_who_has_a_role()
    {
        _journal.Change("r-1", 7, _ => Answer("a", "person:carl", roles: ["reader"]));
        Assert.Equal(["I8 r-1 seq 7: expected an approval.ignored where an answer to 'a/-/1' does not count; got one by 'person:carl', who has none of the roles (approver, chief)"], _journal.Check());
        _journal.Change("r-1", 7, _ => Answer("a", "person:carl", roles: ["reader", "chief"]));
        Assert.Empty(_journal.Check());
        _journal.Change("r-1", 7, _ => Answer("a", "person:carl", roles: ["*"]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Counts_for_what_was_shown()
    {
        _journal.Change("r-1", 7, _ => Answer("a", "person:carl", hash: new string('0', 64)));
        Assert.Equal([$"I8 r-1 seq 7: expected an approval.ignored where an answer to 'a/-/1' does not count; got one by 'person:carl', for the arguments {new string('0', 64)}"], _journal.Check());
    }

    [Fact]
    public void Is_given_in_time()
    {
        _journal.Change("r-1", 5, _ => Ask("a", due: JournalWriter.Start + 80)); // the eighth entry is the last answer
        Assert.Equal([$"I3 r-1 seq 7: expected an answer in time; got approval.answered at {JournalWriter.Start + 80} with the limit {JournalWriter.Start + 80}"], _journal.Check());
    }

    [Fact]
    public void Is_consumed_in_time()
    {
        _journal.Change("r-1", 5, _ => Ask("a", validFor: 10)); // the intent comes ten microseconds after the last answer
        Assert.Equal([Consumes($"one that was good until {JournalWriter.Start + 90}, at {JournalWriter.Start + 90}")], _journal.Check());
        _journal.Change("r-1", 5, _ => Ask("a", validFor: 11));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Ends_with_one_rejection()
    {
        _journal.Change("r-1", 7, _ => Answer("a", "person:carl", "reject"));
        Assert.Equal([Consumes("one that is refused at seq 7")], _journal.Check());
        _journal.Change("r-1", 8, _ => Intend("r-1", "a"));
        Assert.Equal(["I8 r-1 seq 8: expected an intent of 'a' with the approval that was asked for at seq 5; got one without, and that is refused at seq 7"], _journal.Check());
        _journal.Remove("r-1", 8).Change("r-1", 8, _ => Verdict("r-1", "a", "action.refused", madeByUs: null));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Takes_no_answer_once_it_is_whole()
    {
        _journal.Insert(8, Answer("a", "person:frank", "reject"));
        Assert.Equal(["I3 r-1 seq 8: expected an open question 'a/-/1'; got approval.answered after the approval.answered of seq 7"], _journal.Check());
    }

    [Theory]
    [InlineData("approval.expired", "expired")]
    [InlineData("approval.withdrawn", "withdrawn")]
    public void Is_not_consumed_after(string kind, string state)
    {
        _journal.Change("r-1", 5, _ => Ask("a", due: JournalWriter.Start + 75)).Change("r-1", 7, _ => Of("r-1", kind, "a", kind == "approval.expired" ? new { choice = "reject" } : null));
        Assert.Equal([Consumes($"one that is {state} at seq 7")], _journal.Check());
    }

    [Fact]
    public void Is_of_the_question_that_the_intent_names()
    {
        _journal.Change("r-1", 8, _ => Intend("r-1", "a", approval: 4));
        Assert.Equal([Consumes("no question about an action", seq: 8, approval: 4)], _journal.Check());
    }

    [Fact]
    public void Is_of_that_action()
    {
        _journal.Change("r-1", 8, _ => Intend("r-1", "b", approval: 5)).Change("r-1", 9, _ => Verdict("r-1", "b"));
        Assert.Equal(["I8 r-1 seq 8: expected an approval of 'b' with these arguments at seq 5, whole, in time and not consumed; got one of 'block' (a)"], _journal.Check());
    }

    [Fact]
    public void Is_of_these_arguments()
    {
        var other = """{"address":"192.0.2.0/24"}""";
        _journal.Change("r-1", 8, _ => Intend("r-1", "a", approval: 5, arguments: other));
        Assert.Equal(
            [$"I4 r-1 seq 8: expected action 'a' to keep the arguments {GoodHistory.ArgumentsHash}; got {JournalWriter.Sha256(other)}", Consumes($"one of the arguments {GoodHistory.ArgumentsHash}")],
            _journal.Check());
    }

    [Fact]
    public void Is_of_that_visit()
    {
        _journal.Insert(8, GoodHistory.Enter("r-1", "Ask", 3, "Act", "workflow:alert", "{}")).Change("r-1", 9, e => e with { State = "Ask", Visit = 3 }).Change("r-1", 10, e => e with { State = "Ask", Visit = 3 });
        Assert.Contains(Consumes("one of 'a/-/1' in visit 2", 9), _journal.Check());
    }

    [Fact]
    public void Hashes_every_argument()
    {
        var part = JournalWriter.Sha256("""{"address":"192.0.2.7"}""");
        foreach (var seq in new[] { 4, 5, 8 })
        {
            _journal.Change("r-1", seq, e => e with { Body = e.Body.Replace(GoodHistory.ArgumentsHash, part, StringComparison.Ordinal) });
        }

        Assert.Equal(
            [$"I4 r-1 seq 4: expected argumentsHash {GoodHistory.ArgumentsHash}; got {part}", $"I4 r-1 seq 8: expected argumentsHash {GoodHistory.ArgumentsHash}; got {part}"],
            _journal.Check());
    }

    [Fact]
    public void Is_asked_for_what_was_proposed()
    {
        _journal.Change("r-1", 4, _ => Propose("a", proposer: "agent:judge"));
        Assert.Equal(["I8 r-1 seq 5: expected an action.proposed of exactly what is asked about 'a'; got another one"], _journal.Check());
        _journal.Remove("r-1", 4).Change("r-1", 7, _ => Intend("r-1", "a", approval: 4));
        Assert.Equal(["I8 r-1 seq 4: expected an action.proposed of exactly what is asked about 'a'; got none"], _journal.Check());
    }

    [Fact]
    public void Has_the_terms_of_its_action()
    {
        _journal.Change("r-1", 5, e => e with { Body = e.Body.Replace("\"quorum\":2", "\"quorum\":2,\"actionId\":\"b\"", StringComparison.Ordinal) });
        Assert.Equal([$"I8 r-1 seq 5: expected terms for 'a' with the arguments {GoodHistory.ArgumentsHash}; got terms for 'b' with "], _journal.Check());
    }

    [Fact]
    public void Is_for_the_definition_that_the_run_works_under()
    {
        _journal.Change("r-1", 4, _ => Propose("a", definition: "0")).Change("r-1", 5, _ => Ask("a", definition: "0"));
        var expected = $"expected 'a' to be of 'alert' version 1 with the definition {DefinitionHash}; got 'alert' version 1 with 0";
        Assert.Equal([$"I8 r-1 seq 4: {expected}", $"I8 r-1 seq 5: {expected}"], _journal.Check());
    }

    [Fact]
    public void Does_not_pass_to_arguments_that_were_edited()
    {
        var edited = """{"address":"192.0.2.8"}""";
        _journal.Change("r-1", 7, _ => Answer("a", "person:carl", "edit", edited: edited)).Change("r-1", 8, _ => Verdict("r-1", "a", "action.refused", madeByUs: null));
        _journal.Change("r-1", 9, _ => In(Propose("b", proposer: "person:carl", arguments: edited))).Add(In(Ask("b", proposer: "person:carl", arguments: edited, quorum: 1)), In(Answer("b", "person:bob")));
        _journal.Add(In(Intend("r-1", "b", approval: 10, arguments: edited)), In(Verdict("r-1", "b")));
        Assert.Empty(_journal.Check());

        // Who edited does not approve, and is not left out as the proposer.
        _journal.Change("r-1", 11, _ => In(Answer("b", "person:carl")));
        Assert.Equal(["I8 r-1 seq 11: expected an approval.ignored where an answer to 'b/-/1' does not count; got one by 'person:carl', who has proposed it or asked for it"], _journal.Check());
        _journal.Change("r-1", 9, _ => In(Propose("b", arguments: edited))).Change("r-1", 10, _ => In(Ask("b", arguments: edited, quorum: 1)));
        Assert.Equal(["I8 r-1 seq 9: expected 'person:carl', who edited the arguments at seq 7, to be the proposer of 'b'; got 'person:dora'"], _journal.Check());

        static WrittenEntry In(WrittenEntry entry) => entry with { Scope = "edit-a" };
    }

    [Fact]
    public void Waits_as_an_open_question_until_it_is_whole()
    {
        _journal.Insert(6, new("r-1", "run.waiting") { State = "Act", Visit = 2 }).Insert(9, GoodHistory.Lease("r-1", "w-1", "Act", 2));
        Assert.Empty(_journal.Check());
        _journal.Remove("r-1", 8).Change("r-1", 9, _ => Verdict("r-1", "a", "action.refused", madeByUs: null)).Remove("r-1", 10);
        Assert.Equal(["I3 r-1 seq 8: expected a waiting run to be leased when its time has come; got 1763800000000090, and its first time is 1763800000001000"], _journal.Check());
    }

    [Fact]
    public void Does_not_outlive_its_visit()
    {
        _journal.Remove("r-1", 8, 2).Add(GoodHistory.Enter("r-1", "Ask", 3, "Act", "workflow:alert", "{}"));
        Assert.Equal(["I3 r-1 seq 8: expected no open wait at 'state.entered'; got 'a/-/1', open since seq 5"], _journal.Check());
    }

    [Fact]
    public void Lets_an_action_pass_the_limits_that_it_names()
    {
        _journal.Change("r-1", 8, _ => Intend("r-1", "a", approval: 5, limits: [new { name = "blocks", amount = 9, max = long.MaxValue, window = 1000 }]));
        Assert.Equal(["I16 r-1 seq 8: expected an approval of 'a' that lets it pass the limit 'blocks'; got none"], _journal.Check());
        _journal.Change("r-1", 5, e => e with { Body = $"{e.Body[..^1]},\"passes\":[\"blocks\"]}}" });
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Is_judged_like_any_answer_that_has_terms()
    {
        _journal.Add(
            Of("r-1", "approval.requested", "may", new { title = "May I?", choices = new[] { "yes", "no" }, terms = new { roles = new[] { "approver" }, quorum = 2, choices = new[] { "yes", "no" } } }),
            Of("r-1", "approval.answered", "may", new { choice = "yes", roles = new[] { "approver" } }) with { Actor = "person:bob" },
            Of("r-1", "approval.answered", "may", new { choice = "yes", roles = new[] { "approver" } }) with { Actor = "person:bob" });
        Assert.Equal(["I8 r-1 seq 12: expected an approval.ignored where an answer to 'may/-/1' does not count; got one by 'person:bob', who has answered already"], _journal.Check());
    }

    private static string Consumes(string got, int seq = 8, int approval = 5) => $"I8 r-1 seq {seq}: expected an approval of 'a' with these arguments at seq {approval}, whole, in time and not consumed; got {got}";

    private static object Proposal(string id, string proposer, string? definition, string? arguments) => new
    {
        actionId = id,
        action = "block",
        arguments = JsonDocument.Parse(arguments ?? Arguments).RootElement,
        argumentsHash = JournalWriter.Sha256(arguments ?? Arguments),
        targetClass = "T1",
        workflow = "alert",
        version = 1,
        definition = definition ?? DefinitionHash,
        proposer,
        requester = Starter,
    };

    private static WrittenEntry Propose(string id, string proposer = "person:dora", string? definition = null, string? arguments = null) => Of("r-1", "action.proposed", id, Proposal(id, proposer, definition, arguments));

    private static WrittenEntry Ask(
        string id, string proposer = "person:dora", string? definition = null, string? arguments = null, long due = JournalWriter.Start + 1000, long validFor = ValidFor, int quorum = 2) => Of("r-1", "approval.requested", id, new
        {
            title = "May it?",
            choices = new[] { "approve", "reject", "edit" },
            due,
            safe = "reject",
            terms = new { roles = new[] { "approver", "chief" }, quorum, choices = new[] { "approve", "reject", "edit" }, barred = new[] { "person:eve" }, validFor },
            action = Proposal(id, proposer, definition, arguments),
        });

    private static WrittenEntry Answer(string id, string who, string choice = "approve", string[]? roles = null, string? hash = null, string? edited = null) => Of("r-1", "approval.answered", id, new
    {
        choice,
        roles = roles ?? ["approver"],
        hash,
        edited = edited is null ? (JsonElement?)null : JsonDocument.Parse(edited).RootElement,
    }) with
    { Actor = who };
}
