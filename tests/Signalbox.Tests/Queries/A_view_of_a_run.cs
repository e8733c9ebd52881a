using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Queries;

public sealed class A_view_of_a_run
{
    [Fact]
    public async Task Has_the_path_with_causes_and_times_also_through_a_failure_and_a_retry()
    {
        await using var bench = await ViewWorld.RetriedAsync();
        var view = await bench.ViewAsync();

        Assert.Equal(
            ["1  > One: the run starts (client:test)", "2 One > Two: threats: timed out after 2 s (workflow:flow)", "3 Two > Done: the child is Completed (workflow:flow)"],
            view.Visits.Select(v => $"{v.Number} {v.From} > {v.State}: {v.Cause} ({v.Actor})"));
        Assert.Equal([1, view.Visits[1].Seq, view.Visits[2].Seq], view.Visits.Select(v => v.Seq));
        Assert.Equal(view.Visits[1].EnteredAt, view.Visits[0].LeftAt);
        Assert.InRange((view.Visits[1].LeftAt - view.Visits[1].EnteredAt)!.Value, 300_000_000, 301_000_000);
        Assert.Equal(view.Visits[2].EnteredAt, view.Visits[2].LeftAt);
        Assert.Equal((RunStatus.Completed, "flow", 1), (view.Head.Row.Status, view.Definition!.Name, view.Definition.Version));
        Assert.Empty(view.Unreadable);
    }

    [Fact]
    public async Task Has_a_visit_open_again_after_a_retry_and_closed_by_the_failure_before()
    {
        await using var bench = await ViewWorld.RetriedAsync();
        var journal = await bench.JournalAsync();
        var failed = journal.Single(e => e.Kind == EntryKinds.RunFailed).Seq;
        var retried = journal.Single(e => e.Kind == EntryKinds.RunRetried).Seq;

        Assert.Equal(journal[(int)failed].At, Assert.Single(ViewWorld.View([.. journal.Take((int)failed + 1)]).Visits).LeftAt);
        Assert.Null(Assert.Single(ViewWorld.View([.. journal.Take((int)retried + 1)]).Visits).LeftAt);
    }

    [Fact]
    public async Task Has_what_sources_answered_and_what_is_missing_each_time_it_was_asked()
    {
        await using var bench = await ViewWorld.RetriedAsync();
        var view = await bench.ViewAsync();

        Assert.Equal(
            ["logins \"192.0.2.7\" = 9, 1 of One", "threats \"192.0.2.7\" timed_out: timed out after 2 s, 1 of One", "threats \"192.0.2.7\" timed_out: timed out after 2 s, 1 of One"],
            view.Evidence.Select(e => ViewWorld.Text($"{e.Source} {e.Arguments} {(e.Missing is null ? $"= {e.Result}" : $"{e.Missing}: {e.Reason}")}, {e.Attempts} of {e.State}")));
        Assert.All(view.Evidence.Skip(1), e => Assert.InRange(e.Microseconds, 2_000_000, 2_100_000));
        Assert.Null(view.Evidence[0].CachedMicroseconds);
    }

    [Fact]
    public async Task Has_the_children_that_it_started()
    {
        await using var bench = await ViewWorld.RetriedAsync();
        var child = Assert.Single((await bench.ViewAsync()).Children);

        Assert.Equal("child", child.Workflow);
        Assert.Equal(bench.Run, (await bench.Harness.GetAsync(child.Run)).Parent);
    }

    [Fact]
    public async Task Has_every_tool_call_also_the_one_that_does_not_exist_and_the_one_that_timed_out()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var view = await bench.ViewAsync();

        Assert.Equal(
            [
                "whois {\"address\":\"192.0.2.7\"} of judge/fast turn 1 c1: rejected unknown_tool",
                "threats {\"address\":\"192.0.2.7\"} of judge/fast turn 2 c2: timed_out, tried again",
                "threats {\"address\":\"192.0.2.7\"} of judge/fast turn 2 c2: timed_out",
                "logins {\"address\":\"192.0.2.7\"} of judge/fast turn 2 c3: \"1 logins from 192.0.2.7\"",
            ],
            view.ToolCalls.OrderBy(c => c.CallId, StringComparer.Ordinal).ThenBy(c => c.Seq).Select(c => ViewWorld.Text(
                $"{c.Tool} {c.Arguments} of {c.Scope} turn {c.Turn} {c.CallId}: {(c.Rejected is { } code ? "rejected " + code : c.Error is { } error ? error + (c.IsFinal ? "" : ", tried again") : c.Result.ToString())}")));
        var rejected = view.ToolCalls.Single(c => c.Rejected is not null);
        Assert.StartsWith("There is no tool 'whois' here.", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(("judge", "fast", "One"), (rejected.Agent, rejected.Tier, rejected.State));
        var final = view.ToolCalls.Single(c => c is { Error: not null, IsFinal: true });
        Assert.Equal(("timed out after 2 s", 2), (final.Reason, final.Attempts));
    }

    [Fact]
    public async Task Has_every_model_call_also_the_one_that_failed_and_what_it_may_have_cost()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var calls = (await bench.ViewAsync()).ModelCalls;

        Assert.Equal(
            ["fast 1 scripted-1 tool_calls", "fast 2 scripted-1 tool_calls", "fast 3 scripted-1 stop", "fast 4 scripted-1 stop", "strong 1 strong-1 overloaded: it said 529", "strong 1 scripted-1 stop"],
            calls.Select(c => ViewWorld.Text($"{c.Tier} {c.Turn} {c.Model} {(c.Error is null ? c.FinishReason : $"{c.Error}: {c.Reason}")}")));
        Assert.All(calls, c => Assert.Equal(("judge", $"judge/{c.Tier}", "One", 1), (c.Agent, c.Scope, c.State, c.Visit)));
        Assert.All(calls.Where(c => c.Error is null), c => Assert.True(c is { IsFinal: true, InputTokens: > 0, OutputTokens: not null, Micros: > 0 }));
        var failed = calls.Single(c => c.Error is not null);
        Assert.Equal((false, null, 1), (failed.IsFinal, failed.InputTokens, failed.Attempts));
    }

    [Fact]
    public async Task Has_the_decisions_with_what_became_of_them_and_why_they_climbed()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var view = await bench.ViewAsync();

        Assert.Equal(
            ["fast block 0.6 does not stand", "strong block 0.7 does not stand, wrong says person:anna"],
            view.Decisions.Select(d => ViewWorld.Text($"{d.Tier} {d.Kind} {d.Confidence} {(d.Stands ? "stands" : "does not stand")}{(d.Outcome is null ? "" : $", {d.Outcome} says {d.JudgedBy}")}")));
        Assert.Equal(("judge", "scripted-1", "judge/fast", "One"), (view.Decisions[0].Agent, view.Decisions[0].Model, view.Decisions[0].Scope, view.Decisions[0].State));
        Assert.Equal(["because"], view.Decisions[0].Reasons);
        Assert.Equal(0.6, view.Decisions[0].Signals["self_report"]);
        Assert.Equal(["threats"], view.Decisions[0].Missing.Keys);
        Assert.True(view.Decisions[0].Micros > 0);
        Assert.Equal("""{"decision":"block","confidence":0.6,"reasons":["because"]}""", view.Decisions[0].Answer.ToString());
        Assert.Equal(
            [
                "judge fast > strong low_confidence: confidence 0.60 is below 0.80",
                "judge strong > person missing_evidence: confidence 0.90 is capped at 0.70, for threats is missing; 0.80 is needed",
            ],
            view.Escalations.Select(e => $"{e.Agent} {e.From} > {e.To} {e.Reason}: {e.Why}"));
        Assert.Equal(view.Decisions.Select(d => d.Decision), view.Escalations.Select(e => e.Decision));
    }

    [Fact]
    public async Task Has_costs_that_come_to_what_the_run_has_spent()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var view = await bench.ViewAsync();

        Assert.Equal(["judge fast fast-1", "judge strong strong-1"], view.Costs.Select(c => $"{c.Agent} {c.Tier} {c.Model}").Order(StringComparer.Ordinal));
        Assert.Equal(view.Head.Row.Spent, view.Costs.Aggregate(Spending.None, (sum, c) => sum + c.Spent));
        Assert.Equal(2, view.Costs.Single(c => c.Tier == "fast").Spent.Rejections);
        Assert.Equal(view.Costs, await bench.Queries().CostsAsync(bench.Run, default));
        Assert.Equal(view.Costs.Select(c => c.Spent + c.Spent), RunQueries.Sum([.. view.Costs, .. view.Costs]).Select(c => c.Spent));
    }

    [Fact]
    public async Task Has_who_approved_and_every_answer_in_vain_with_why()
    {
        await using var bench = await ViewWorld.ApprovedAsync();
        var approval = Assert.Single((await bench.ViewAsync()).Approvals);

        Assert.Equal(
            [
                "person:anna approve \"I looked\" counted",
                "person:anna approve  person:anna has answered already; 2 different persons are needed.",
                "person:bob approve  person:bob has none of the roles that may answer this (approver).",
                "person:carl approve  What was answered for (0000",
                "person:dora approve  counted",
                $"person:emil reject \"too late\" Run '{bench.Run}' is Completed and has no open question",
            ],
            approval.Answers.Select((a, i) => $"{a.Actor} {a.Choice} {(a.Comment is null ? "" : $"\"{a.Comment}\"")} {(a.Counted ? "counted" : Begin(a.Ignored!, i))}"));
        Assert.Equal(("approve", 2, "reject"), (approval.Outcome, approval.Quorum, approval.Safe));
        Assert.Equal(approval.Answers[4].At, approval.EndedAt);
        Assert.Equal(["approver"], approval.Roles);
        Assert.Equal(["cleaner"], approval.Answers[2].Roles);
        Assert.Contains("approve", approval.Choices);
        var action = Assert.Single((await bench.ViewAsync()).Actions);
        Assert.Equal((action.Id, action.Hash), (approval.ActionId, approval.Hash));

        static string Begin(string why, int answer) => answer switch
        {
            3 => why[..27],
            5 => why[..why.IndexOf(';', StringComparison.Ordinal)],
            _ => why.Replace(" The answer is recorded and changed nothing.", "", StringComparison.Ordinal),
        };
    }

    [Fact]
    public async Task Has_its_actions_with_proof_claims_and_who_answered_for_them()
    {
        await using var bench = await ViewWorld.ApprovedAsync();
        var view = await bench.ViewAsync();
        var action = Assert.Single(view.Actions);

        Assert.Equal(("wish", "verified", "One", 1, "T3", 1, 2, true, false), (action.Name, action.Status, action.State, action.Visit, action.TargetClass, action.Attempts, action.Quorum, action.MadeByUs, action.IsUndo));
        Assert.Equal("""{"network":"192.0.2.7/32","intent":"block"}""", action.Arguments.ToString());
        Assert.Equal("'block 192.0.2.7/32' is in the set", action.Proof);
        Assert.Equal("workflow:flow", action.Proposer);
        Assert.Equal("block ip/192.0.2.7", string.Join(' ', action.Claims.Select(c => $"{c.Intent} {c.Resource}")));
        Assert.Equal(["person:anna", "person:dora"], action.Answers.Select(a => a.Actor));
        Assert.Equal(64, action.Hash!.Length);
        var journal = await bench.JournalAsync();
        Assert.Equal((journal.First(e => e.Kind.StartsWith("action.", StringComparison.Ordinal)).Seq, journal.Single(e => e.Kind == EntryKinds.ActionVerified).Seq), (action.FirstSeq, action.LastSeq));
        Assert.Equal(journal[(int)action.LastSeq].At, action.At);
        Assert.Equivalent(view.Actions, await bench.Queries().ActionsAsync(bench.Run, default));
    }

    [Fact]
    public async Task Says_of_an_action_at_each_entry_how_far_it_has_come()
    {
        await using var bench = await ViewWorld.ApprovedAsync();
        var journal = await bench.JournalAsync();
        var statuses = Enumerable.Range(1, journal.Count).Select(n => ViewWorld.View([.. journal.Take(n)]).Actions.SingleOrDefault()?.Status).OfType<string>();

        Assert.Equal(["probed", "proposed", "asks", "approved", "intended", "executed", "verified"], Changes(statuses));
    }

    [Fact]
    public async Task Has_conflicts_from_both_sides_with_their_rulings_and_what_was_undone()
    {
        var (bench, blocks, allows) = await ViewWorld.OpposedAsync();
        await using var _ = bench;
        var first = (await bench.Queries().ViewAsync(blocks, default))!;
        var second = (await bench.Queries().ViewAsync(allows, default))!;

        var blocked = first.Actions[0];
        var gaveWay = Assert.Single(second.Actions);
        var ours = Assert.Single(gaveWay.Conflicts);
        var theirs = Assert.Single(blocked.Conflicts);
        Assert.Equal(("refused", "yields", "yield"), (gaveWay.Status, ours.Ruled!.Outcome, ours.Ruled.By));
        Assert.Equal(("stands", blocked.Id, gaveWay.Id), (theirs.Ruled!.Outcome, theirs.Raised.ActionId, theirs.Raised.OtherActionId));
        Assert.Equal((blocks, allows), (ours.Raised.OtherRun, theirs.Raised.OtherRun));
        Assert.True(ours.RuledAt >= ours.At && ours.Seq > 0);
        Assert.Equal("undone", first.Actions[^1].Status);
        Assert.True(first.Actions[^1].IsUndo);
    }

    [Fact]
    public async Task Of_no_run_is_none()
    {
        await using var bench = await ViewWorld.RetriedAsync();
        var queries = bench.Queries();

        Assert.Null(await queries.ViewAsync(new RunId("r-none"), default));
        Assert.Null(await queries.FindAsync(new RunId("r-none"), default));
        Assert.Null(await queries.EntryAsync(new RunId("r-none"), 0, default));
        Assert.Empty(await queries.ActionsAsync(new RunId("r-none"), default));
        Assert.Empty(await queries.CostsAsync(new RunId("r-none"), default));
        Assert.Empty(await queries.ConversationsAsync(new RunId("r-none"), null, default));
        Assert.Empty(await queries.EntriesAsync(new RunId("r-none"), 0, 10, default));
    }

    [Fact]
    public async Task Is_not_to_be_had_of_a_text_where_there_is_no_index()
    {
        await using var bench = await ViewWorld.RetriedAsync();

        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => bench.Queries().SearchAsync(new Search.SearchQuery { Text = "x" }, default));

        Assert.Equal("search_unavailable", refused.Code);
    }

    private static IEnumerable<string> Changes(IEnumerable<string> statuses)
    {
        string? before = null;
        foreach (var status in statuses.Where(s => s != before))
        {
            yield return before = status;
        }
    }
}
