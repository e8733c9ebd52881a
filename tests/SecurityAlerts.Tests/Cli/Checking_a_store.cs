using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Checking_a_store : IDisposable
{
    private static readonly Payload s_result = Payload.Of("""{"hinges":2}"""u8.ToArray());

    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Task<TestStore> TwoRunsAsync() => _store.WriteAsync(async journals =>
    {
        var first = await journals.StartAsync("r-one1", "front", ("floor", "1"));
        await journals.AppendAsync(first, EntryKinds.StepCompleted, new StepCompleted(null, RawJson.To(s_result.Hash), 5), step: "look/-/1", payloads: s_result);
        await journals.CompleteAsync(first);
        var second = await journals.StartAsync("r-two1");
        await journals.EnterAsync(second, "Start", "Ask", "nobody knows", 2);
        await journals.AskAsync(second);
    });

    private async Task<string[]> FaultsAsync(params string[] runs)
    {
        var outcome = await _store.RunAsync(["check", .. runs, "--json"]);
        Assert.Equal("", outcome.Error);
        var faults = outcome.Lines[..^1].Select(l =>
        {
            var f = JsonDocument.Parse(l).RootElement;
            return $"{f.GetProperty("fault")} {(f.TryGetProperty("run", out var run) ? run : "-")} {(f.TryGetProperty("seq", out var seq) ? seq : "-")}: {f.GetProperty("expected")} | {f.GetProperty("got")}";
        }).ToArray();
        Assert.Equal(faults.Length, JsonDocument.Parse(outcome.Lines[^1]).RootElement.GetProperty("faults").GetInt64());
        Assert.Equal(faults.Length == 0 ? 0 : 1, outcome.Exit);
        return faults;
    }

    [Fact]
    public async Task Says_what_was_checked()
    {
        await TwoRunsAsync();

        var outcome = await _store.RunAsync("check");

        Assert.Equal(
            """
            Checked 2 runs of the store 'FOLDER/signalbox.db':
              chains    ok: each entry hashes to what it says
              order     ok: no gap in seq or position, epochs and times do not fall; 12 positions
              rows      ok: each run's row is what its entries make
              claims    ok: each of 0 claims, and what is used of limits, is what the entries make
              payloads  ok: each of 2 payloads is present and whole
              moves     ok: each of 4 transitions is declared, in 1 stored definition
            No fault found. (Entries cut off at a run's end show only against a copy kept elsewhere.)

            """,
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        Assert.Equal("""{"faults":0,"runs":2,"payloads":2,"transitions":4,"definitions":1,"claims":0,"lastPosition":12}""", (await _store.RunAsync("check", "--json")).Lines[^1]);
    }

    [Fact]
    public async Task Finds_no_fault_in_what_the_engine_writes()
    {
        await using var host = await GateHost.StartAsync(_store.Path);
        await host.StartRunAsync();
        await host.StartRunAsync("fail");
        var ended = await host.StartRunAsync("192.0.2.8");
        await host.Client.AnswerAsync(ended, "block");
        await host.SettleAsync(ended);

        Assert.Empty(await FaultsAsync());
    }

    [Fact]
    public async Task Finds_an_altered_entry()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE entries SET cause = 'it was locked' WHERE cause = 'it was open'");

        Assert.Matches("^hash_wrong r-one1 4: [0-9a-f]{64} \\| [0-9a-f]{64}$", Assert.Single(await FaultsAsync()));
        Assert.Empty(await FaultsAsync("r-two1"));
    }

    [Fact]
    public async Task Finds_an_altered_body()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE entries SET body = replace(body, 'Open the door?', 'Open the safe?') WHERE kind = 'approval.requested'");

        Assert.StartsWith("hash_wrong r-two1 4: ", Assert.Single(await FaultsAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finds_an_altered_row()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE runs SET status = 'Failed', reason_code = 'x' WHERE run = 'r-one1'");
        _store.Tamper("UPDATE waits SET step = 'other/-/1'");

        Assert.Equal(
            [
                "row_differs r-two1 -: waits 'Approval  approval/-/1   entry 4' | waits 'Approval  other/-/1   entry 4'",
                "row_differs r-one1 -: status 'Completed' | status 'Failed'",
                "row_differs r-one1 -: reasonCode none | reasonCode 'x'",
            ],
            await FaultsAsync());
    }

    [Fact]
    public async Task Finds_an_altered_question()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-ask1");
            await journals.AppendAsync(
                run, EntryKinds.ApprovalRequested, new ApprovalRequested("Open?", ["approve", "reject"], null, null, null, new ApprovalTerms(["approver"], 2, ["approve", "reject"])), step: "act", cause: "it is locked");
        });
        _store.Tamper("UPDATE waits SET approval = replace(approval, '\"quorum\":2', '\"quorum\":1')");

        var fault = Assert.Single(await FaultsAsync());
        Assert.StartsWith("row_differs r-ask1 -: approvals ", fault, StringComparison.Ordinal);
        Assert.Matches("\"quorum\":2.* \\| .*\"quorum\":1", fault);
    }

    [Fact]
    public async Task Finds_no_fault_in_claims_and_limits_as_they_are()
    {
        await ClaimsAsync();

        Assert.Empty(await FaultsAsync());
        Assert.Contains("\"claims\":4,", (await _store.RunAsync("check", "--json")).Lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("\"claims\"", (await _store.RunAsync("check", "r-block1", "--json")).Lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DELETE FROM claims WHERE phase = 'Hold'", "r-block1: Hold block ip/192.0.2.8 against allow (PATH) by block ID run r-block1 at '' 'second' position 6 since 2026-MORE priority 0 | none")]
    [InlineData("UPDATE claims SET phase = 'Standing' WHERE phase = 'Hold'", "r-block1: Hold block ip/192.0.2.8 MORE | Standing block ip/192.0.2.8 MORE")]
    [InlineData("UPDATE claims SET until = until + 1 WHERE phase = 'Standing'", "r-block1: Standing block ip/192.0.2.7 MORE until 2026-MORE made | Standing block ip/192.0.2.7 MORE until 2026-MORE made")]
    [InlineData("UPDATE claims SET against = NULL WHERE phase = 'Standing'", "r-block1: Standing block ip/192.0.2.7 against allow MORE | Standing block ip/192.0.2.7 (MORE")]
    [InlineData("UPDATE claims SET made = 0 WHERE phase = 'Standing'", "r-block1: Standing MORE made | Standing MORE")]
    [InlineData("UPDATE claims SET told = 1 WHERE phase = 'Queued'", "r-wait1: Queued MORE | Queued MORE told")]
    [InlineData("UPDATE claims SET run = 'r-other' WHERE phase = 'Proposal'", "r-other: Proposal MORE run r-propose1 MORE | Proposal MORE run r-other MORE")]
    [InlineData("INSERT INTO claims SELECT path, 'forged', resource, intent, against, phase, action, run, scope, step, position, at, priority, until, made, undo, told FROM claims WHERE phase = 'Standing'", "r-block1: none | Standing block ip/192.0.2.7 MORE by block forged MORE")]
    [InlineData("UPDATE limits SET amount = 1", "-: limit blocks: 3 used | 1 used")]
    [InlineData("UPDATE limits SET at = at - 1", "-: limit blocks: 3 used since 2026-MORE | 0 used since 2026-MORE")]
    [InlineData("DELETE FROM limits", "-: limit blocks: 3 used | 0 used")]
    public async Task Finds_altered_claims_and_limits(string sql, string fault)
    {
        await ClaimsAsync();
        _store.Tamper(sql);

        var pattern = Regex.Escape(fault).Replace("MORE", ".*", StringComparison.Ordinal).Replace("PATH", "ip/4/[01]{32}", StringComparison.Ordinal).Replace("ID", "[0-9a-f]{32}", StringComparison.Ordinal);
        Assert.Matches($"^claim_differs {pattern}$", Assert.Single(await FaultsAsync()).Replace(" -: ", ": ", StringComparison.Ordinal));
    }

    /// <summary>A claim that stands for a while, one that is held, one that queues behind it and one that is proposed; and a limit of which something is used.</summary>
    private Task<TestStore> ClaimsAsync() => _store.WriteAsync(async journals =>
    {
        var block = await journals.StartAsync("r-block1");
        Claim[] first = [new(Resource.Address(IPAddress.Parse("192.0.2.7")), "block", ["allow"])];
        Claim[] second = [new(Resource.Address(IPAddress.Parse("192.0.2.8")), "block", ["allow"])];
        await IntendAsync(block, "first", first);
        var until = Microseconds.From(journals.Now.AddHours(1));
        await journals.AppendAsync(block, EntryKinds.ActionVerified, new ActionObserved(IdOf(block, "first"), "block", null, null, MadeByUs: true, StandsUntil: until), visit: 1, step: "first");
        await IntendAsync(block, "second", second, new LimitUse("blocks", 3, 5, 3_600_000_000));
        var wait = await journals.StartAsync("r-wait1");
        await journals.AppendAsync(wait, EntryKinds.ClaimQueued, new ClaimQueued(IdOf(wait, "act"), "block", second, []), visit: 1, step: "act");
        var propose = await journals.StartAsync("r-propose1");
        await journals.AppendAsync(
            propose, EntryKinds.ActionProposed, new ActionProposed(IdOf(propose, "act"), "allow", Journals.Json("{}"), "", "Keyed", "door", 2, "", "workflow:door", Claims: [new(second[0].Resource, "allow")]), visit: 1, step: "act");

        Task IntendAsync(RunId run, string step, Claim[] claims, LimitUse? limit = null) => journals.AppendAsync(
            run, EntryKinds.ActionIntended, new ActionIntended(IdOf(run, step), "block", Journals.Json("{}"), "", "Keyed", Claims: claims, Limits: limit is null ? null : [limit]), visit: 1, step: step);

        static string IdOf(RunId run, string step) => PayloadHash.Of(System.Text.Encoding.UTF8.GetBytes($"{run} {step}")).Value[..32];
    });

    [Theory]
    [InlineData("DELETE FROM payloads WHERE hash = x'{0}'")]
    [InlineData("UPDATE payloads SET bytes = x'7b7d' WHERE hash = x'{0}'")]
    public async Task Finds_a_payload_that_is_missing_or_altered(string sql)
    {
        await TwoRunsAsync();
        _store.Tamper(sql.Replace("{0}", s_result.Hash.Value, StringComparison.Ordinal));

        Assert.Equal([$"payload_missing r-one1 3: payload {s_result.Hash} | nothing, or something altered"], await FaultsAsync());
    }

    [Fact]
    public async Task Finds_a_definition_that_is_missing()
    {
        await TwoRunsAsync();
        _store.Tamper($"DELETE FROM payloads WHERE hash = x'{Journals.Door.Fingerprint}'");

        var faults = await FaultsAsync();

        Assert.Equal(["definition_missing", "payload_missing"], faults.Select(f => f.Split(' ')[0]).Order());
        Assert.StartsWith($"definition_missing: The stored definition of door v2 (payload {Journals.Door.Fingerprint}) is missing or altered.", (await _store.RunAsync("definition", "door")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finds_an_entry_that_was_taken_out()
    {
        await TwoRunsAsync();
        _store.Tamper("DELETE FROM entries WHERE run = (SELECT id FROM runs WHERE run = 'r-one1') AND seq = 3");

        var faults = await FaultsAsync();

        Assert.Contains("seq_gap r-one1 4: 3 | 4", faults);
        Assert.Contains("position_gap r-one1 4: 4 | 5", faults);
        Assert.Contains(faults, f => f.StartsWith("hash_wrong r-one1 4:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Finds_the_end_cut_off_by_the_row_that_it_leaves()
    {
        await TwoRunsAsync();
        _store.Tamper("DELETE FROM entries WHERE kind = 'run.completed'");

        Assert.Contains("row_differs r-one1 -: status 'Running' | status 'Completed'", await FaultsAsync());
    }

    [Fact]
    public async Task Finds_epochs_and_times_that_fall()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE entries SET epoch = 0, at = at - 60000000 WHERE kind = 'approval.requested'");

        var faults = await FaultsAsync("r-two1");

        Assert.Contains("epoch_fell r-two1 4: epoch 1 or higher | 0", faults);
        Assert.Contains(faults, f => f.StartsWith("time_fell r-two1 4:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Finds_transitions_that_nobody_declared()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-jump1");
            await journals.EnterAsync(run, "Start", "Nowhere", "why not", 2);
            await journals.EnterAsync(run, "Ask", "Done", "why not", 3);
            await journals.EnterAsync(run, "Done", "Start", "why not", 4);
            await journals.AppendAsync(run, EntryKinds.RunCompleted);
        });

        Assert.Equal(
            [
                "transition_undeclared r-jump1 3: 'Start' to one of: Ask, Done | 'Start' to 'Nowhere'",
                "transition_undeclared r-jump1 4: a transition from 'Nowhere' | one from 'Ask' to 'Done'",
                "transition_undeclared r-jump1 5: 'Done' to one of:  | 'Done' to 'Start'",
                "end_undeclared r-jump1 6: a completed run in a state that is declared a success | one in 'Start'",
            ],
            await FaultsAsync());
    }

    [Fact]
    public async Task Goes_on_after_a_body_that_cannot_be_read()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE entries SET body = '{' WHERE kind = 'state.entered' AND seq = 1");

        var faults = await FaultsAsync();

        Assert.Equal(["body_unreadable r-one1 1", "body_unreadable r-two1 1", "hash_wrong r-one1 1", "hash_wrong r-two1 1"], faults.Select(f => f.Split(':')[0]).Order());
    }

    [Fact]
    public async Task Shows_people_each_fault_and_where_it_is()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE runs SET state = 'Start' WHERE run = 'r-one1'");

        var outcome = await _store.RunAsync("check", "one1");

        Assert.Equal(
            """
            row_differs run r-one1
              expected  state 'Done'
              got       state 'Start'
            Checked 1 run of the store 'FOLDER/signalbox.db':
              chains    ok: each entry hashes to what it says
              order     ok: no gap in seq or position, epochs and times do not fall
              rows      1 FAULT against: each run's row is what its entries make
              payloads  ok: each of 2 payloads is present and whole
              moves     ok: each of 2 transitions is declared, in 1 stored definition
            1 fault found. Nothing was changed. Keep a copy of the store, and compare with the last backup.

            """,
            outcome.Output);
        Assert.Equal(1, outcome.Exit);
    }
}
