using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Approving : IDisposable
{
    private readonly TestStore _store = new();

    private static string Me => Environment.UserName is { Length: > 0 } name ? "person:" + name : "person:";

    public void Dispose() => _store.Dispose();

    private async Task<(RunId Run, ActionProposed Action)> AskingAsync(string arguments = """{"ip":"192.0.2.7"}""", ApprovalTerms? terms = null, bool mayEdit = false)
    {
        var run = new RunId("r-ask1");
        ActionProposed? action = null;
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync(run.Value);
            await journals.EnterAsync(run, "Start", "Ask", "the model says: harmless", 2);
            action = await journals.AskForAsync(run, arguments, terms, Due(TimeSpan.FromHours(2)), mayEdit: mayEdit);
        });
        return (run, action!);
    }

    private long Due(TimeSpan after) => Microseconds.From(_store.Clock.GetUtcNow() + after);

    private async Task<IReadOnlyList<Entry>> EntriesAsync(RunId run)
    {
        await using var access = await Sqlite.SqliteRunAccess.OpenAsync(_store.Path);
        return await access.Reader.ReadAsync(run, 0, 1000, default);
    }

    [Fact]
    public async Task Begins_with_a_list_of_all_that_waits_for_a_person_those_that_are_due_first()
    {
        await _store.WriteAsync(async journals =>
        {
            var (later, sooner, never) = (await journals.StartAsync("r-later"), await journals.StartAsync("r-sooner"), await journals.StartAsync("r-never"));
            await journals.AskForAsync(later, due: Due(TimeSpan.FromHours(5)));
            await journals.AskForAsync(sooner, """{"ip":"p\u0430ypal\u202E"}""", new ApprovalTerms(["approver", "lead"], 2, []), Due(TimeSpan.FromHours(1)));
            await journals.AskAsync(never);
        });

        var listed = await _store.RunAsync("approvals");
        var json = await _store.RunAsync("approvals", "--json", "--limit", "2");

        Assert.Equal(
            """
            RUN       DUE     WHAT                              NEEDS                 SO FAR
            r-sooner  in 59m  block {"ip":"p\u0430ypal\u202e"}  2 x approver or lead  
            r-later   in 4h   block {"ip":"192.0.2.7"}          approver              
            r-never   never   Open the door?                    anybody               

              See what exactly: signalbox approvals RUN --store FOLDER/signalbox.db

            """,
            listed.Output);
        Assert.Equal(["r-sooner", "r-later"], json.Lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("run").GetString()));
        Assert.Equal("There are 1 more. See them with --limit.\n", json.Error);
    }

    [Fact]
    public async Task Shows_exactly_what_would_be_done_and_the_commands_that_name_it()
    {
        var (run, action) = await AskingAsync();

        var shown = await _store.RunAsync("approvals", "ask1");

        Assert.StartsWith(
            $$"""
            To be done, if it is approved
              action    block
              arguments {"ip":"192.0.2.7"}
              hash      {{action.ArgumentsHash}}
              target    T3, which can be asked whether it is so; it can be undone
              claims    'block' on ip/192.0.2.7
              action id {{action.ActionId}}
              run       r-ask1, door v2 (definition 0123456789ab), state Ask
              why       hours: it is night
              policy    hours says ask: it is night
              proposer  workflow:door; the run was started by person:carl
              needs     one person in the role approver, but not person:carl
              choices   approve | reject

            """,
            shown.Output,
            StringComparison.Ordinal);
        Assert.EndsWith(
            $"""
            Told by the agent or the workflow, and checked by nobody
              | why the run came to this state: the model says: harmless

              signalbox approve r-ask1 --hash {action.ArgumentsHash[..16]} --store FOLDER/signalbox.db
              signalbox reject r-ask1 --reason TEXT --store FOLDER/signalbox.db

            """,
            shown.Output,
            StringComparison.Ordinal);
        Assert.Equal(action.ArgumentsHash, JsonDocument.Parse((await _store.RunAsync("approvals", "ask1", "--json")).Output).RootElement.GetProperty("action").GetProperty("hash").GetString());
        Assert.Equal(RunStatus.Waiting, (await _store.FindAsync(run)).Row.Status);
    }

    [Fact]
    public async Task Says_what_it_approves_and_has_its_hash_on_record()
    {
        var (run, action) = await AskingAsync();

        var outcome = await _store.RunAsync("approve", "r-ask1", "--comment", "I looked");

        Assert.Contains("  arguments {\"ip\":\"192.0.2.7\"}\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"\n'approve' is recorded as the answer of {Me}.\nRun r-ask1 is Pending in state Ask, visit 2.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        var answered = Body.Read<ApprovalAnswered>((await EntriesAsync(run)).Single(e => e.Kind == EntryKinds.ApprovalAnswered));
        Assert.Equal(("approve", "I looked", action.ArgumentsHash), (answered.Choice, answered.Comment, answered.Hash));
        Assert.Equal([Caller.AnyRole], answered.Roles!);
    }

    [Theory]
    [InlineData(16, 0)]
    [InlineData(64, 0)]
    [InlineData(11, 1)]
    public async Task Takes_the_hash_of_what_was_seen_or_enough_of_it(int length, int exit)
    {
        var (_, action) = await AskingAsync();

        var outcome = await _store.RunAsync("approve", "r-ask1", "--hash", action.ArgumentsHash[..length]);

        Assert.Equal(exit, outcome.Exit);
        Assert.DoesNotContain("arguments", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(exit == 0, outcome.Error.Length == 0);
    }

    [Fact]
    public async Task Of_something_else_than_is_asked_now_changes_nothing()
    {
        var (run, action) = await AskingAsync();

        var outcome = await _store.RunAsync("approve", "r-ask1", "--hash", new string('0', 64));

        Assert.Equal(
            $"""
            approval_stale: What was answered for ({new string('0', 64)}) is not what is asked about ({action.ArgumentsHash}): look at it again; the answer is recorded and changed nothing.
            Run r-ask1 is Waiting in state Ask, visit 2.
              It asks: Do 'block'? [approve | reject]
              signalbox approvals r-ask1 --store FOLDER/signalbox.db
              signalbox approve r-ask1 --store FOLDER/signalbox.db
              signalbox reject r-ask1 --reason TEXT --store FOLDER/signalbox.db

            """,
            outcome.Error);
        Assert.Equal(1, outcome.Exit);
        Assert.Contains((await EntriesAsync(run)), e => e.Kind == EntryKinds.ApprovalIgnored);
    }

    [Fact]
    public async Task Of_what_is_too_long_to_be_shown_wants_it_shown_or_its_hash()
    {
        var (run, action) = await AskingAsync($$"""{"ip":"192.0.2.7","note":"{{new string('x', 20_000)}}"}""");

        var cut = await _store.RunAsync("approve", "r-ask1");
        var card = await _store.RunAsync("approvals", "r-ask1");
        var whole = await _store.RunAsync("approvals", "r-ask1", "--full");

        Assert.Equal(
            (2, "", "The arguments are too long to be shown at once, and what was not shown is not approved. Nothing was answered. Show all with --full, or give the --hash of what you have seen.\n"), (cut.Exit, cut.Output, cut.Error));
        Assert.Contains("  ! NOT ALL OF IT IS SHOWN: the arguments take 20,028 characters.", card.Output, StringComparison.Ordinal);
        Assert.Contains(new string('x', 20_000), whole.Output, StringComparison.Ordinal);
        Assert.DoesNotContain((await EntriesAsync(run)), e => e.Kind is EntryKinds.ApprovalAnswered or EntryKinds.ApprovalIgnored);
        Assert.Equal(0, (await _store.RunAsync("check")).Exit);
        Assert.Equal(0, (await _store.RunAsync("export")).Exit);
        Assert.Equal(0, (await _store.RunAsync("approve", "r-ask1", "--hash", action.ArgumentsHash)).Exit);
    }

    [Theory]
    [InlineData("yes", 0)]
    [InlineData("y", 0)]
    [InlineData("no", 1)]
    [InlineData("", 1)]
    [InlineData(null, 1)]
    public async Task Asks_a_person_at_a_terminal_before_it_says_so(string? said, int exit)
    {
        var (run, _) = await AskingAsync();

        var outcome = await _store.RunAsync(new Surface { Clock = _store.Clock, Input = new StringReader(said is null ? "" : said + "\n") }, "approve", "r-ask1");

        Assert.Contains("\nApprove exactly this? Type yes: ", outcome.Output, StringComparison.Ordinal);
        Assert.Equal((exit, exit == 0 ? "" : "not_confirmed: You did not say yes. Nothing was answered.\n"), (outcome.Exit, outcome.Error));
        Assert.Equal(exit == 0 ? RunStatus.Pending : RunStatus.Waiting, (await _store.FindAsync(run)).Row.Status);
    }

    [Fact]
    public async Task Is_rejecting_where_somebody_says_why()
    {
        var (run, action) = await AskingAsync();

        var without = await _store.RunAsync("reject", "r-ask1");
        var outcome = await _store.RunAsync("reject", "r-ask1", "--reason", "our own proxy");

        Assert.Equal((2, 0), (without.Exit, outcome.Exit));
        Assert.StartsWith($"'reject' is recorded as the answer of {Me}.\n", outcome.Output, StringComparison.Ordinal);
        var answered = Body.Read<ApprovalAnswered>((await EntriesAsync(run)).Single(e => e.Kind == EntryKinds.ApprovalAnswered));
        Assert.Equal(("reject", "our own proxy", action.ArgumentsHash), (answered.Choice, answered.Comment, answered.Hash));
    }

    [Fact]
    public async Task Is_proposing_other_arguments_where_that_is_allowed()
    {
        var (run, _) = await AskingAsync(mayEdit: true);

        var nonsense = await _store.RunAsync("approve", "r-ask1", "--edit", "[1]");
        var same = await _store.RunAsync("approve", "r-ask1", "--edit", """{"ip":"192.0.2.7"}""");
        var edited = await _store.RunAsync("approve", "r-ask1", "--edit", """{ "ip": "192.0.2.8" }""");

        Assert.Equal((2, "--edit wants a JSON object, the arguments that you propose instead. Nothing was answered.\n"), (nonsense.Exit, nonsense.Error));
        Assert.StartsWith("edit_not_allowed: The edited arguments are those that are proposed already; the answer is recorded and changed nothing.\n", same.Error, StringComparison.Ordinal);
        Assert.Equal((1, 0), (same.Exit, edited.Exit));
        Assert.Equal("""{"ip":"192.0.2.8"}""", Body.Read<ApprovalAnswered>((await EntriesAsync(run)).Single(e => e.Kind == EntryKinds.ApprovalAnswered)).Edited.ToString());
        Assert.Contains("proposes instead: {\"ip\":\"192.0.2.8\"}", (await _store.RunAsync("show", "r-ask1")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_it_is_not_allowed_edits_nothing()
    {
        await AskingAsync();

        Assert.StartsWith(
            "edit_not_allowed: The arguments of this action may not be edited, only approve or reject; the answer is recorded and changed nothing.\n",
            (await _store.RunAsync("approve", "r-ask1", "--edit", "{}")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_not_done_by_answering_nor_answering_by_it()
    {
        await AskingAsync();
        await _store.WriteAsync(async journals => await journals.AskAsync(await journals.StartAsync("r-plain")));

        var answered = await _store.RunAsync("answer", "r-ask1", "approve");
        var approved = await _store.RunAsync("approve", "r-plain");

        Assert.Equal(
            """
            Run r-ask1 asks about an action; look at it and say so by the commands for that. Nothing was answered.
              signalbox approvals r-ask1 --store FOLDER/signalbox.db
              signalbox approve r-ask1 --store FOLDER/signalbox.db
              signalbox reject r-ask1 --reason TEXT --store FOLDER/signalbox.db

            """,
            answered.Error);
        Assert.StartsWith("What run r-plain asks is about no action, and 'approve' may mean nothing there. Nothing was answered. Its choices:\n  signalbox answer r-plain yes --store", approved.Error, StringComparison.Ordinal);
        Assert.Equal((2, 2), (answered.Exit, approved.Exit));
    }

    [Fact]
    public async Task Too_late_or_twice_is_on_record_and_changes_nothing()
    {
        var (run, _) = await AskingAsync();
        await _store.RunAsync("approve", "r-ask1");

        var twice = await _store.RunAsync("approve", "r-ask1");

        Assert.StartsWith("approval_not_open: Run 'r-ask1' is Pending and has no open question; the answer is recorded and changed nothing.\n", twice.Error, StringComparison.Ordinal);
        Assert.Single((await EntriesAsync(run)), e => e.Kind == EntryKinds.ApprovalIgnored);
        Assert.Equal(1, (await _store.RunAsync("approvals", "r-ask1")).Exit);
    }

    [Fact]
    public async Task Of_arguments_that_somebody_has_altered_is_refused()
    {
        var (run, _) = await AskingAsync();
        _store.Tamper("UPDATE entries SET body = replace(CAST(body AS TEXT), '\"arguments\":{\"ip\":\"192.0.2.7\"}', '\"arguments\":{\"ip\":\"192.0.2.8\"}') WHERE kind = 'approval.requested'");

        var outcome = await _store.RunAsync("approve", "r-ask1");

        Assert.StartsWith("journal_damaged: The arguments have the hash ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Exit);
        Assert.DoesNotContain((await EntriesAsync(run)), e => e.Kind is EntryKinds.ApprovalAnswered or EntryKinds.ApprovalIgnored);
        Assert.Contains("  ! The arguments have the hash ", (await _store.RunAsync("approvals", "r-ask1")).Output, StringComparison.Ordinal);
    }
}
