using Microsoft.Extensions.DependencyInjection;
using Signalbox;
using Signalbox.Journal;

namespace SecurityAlerts.Tests;

public sealed class The_workflow
{
    [Fact]
    public async Task Decides_each_of_the_samples_alerts_and_acts_on_it()
    {
        await using var world = await ResponseWorld.StartAsync();

        var all = await world.HandleAllAsync();

        Assert.Equal(
            """
            own-01 close           Triage Investigate Decide Closed
            own-02 block_ip        Triage Investigate Decide Execute Verify Closed
            own-03 close           Triage Investigate Decide Closed
            own-04 block_ip        Triage Investigate Decide Execute Verify Closed
            own-05 close           Triage Investigate Decide Closed
            own-06 disable_account Triage Investigate Decide Execute Verify Closed
            own-07 close           Triage Investigate Decide Closed
            own-08 escalate        Triage Investigate Decide Escalate
            own-09 block_ip        Triage Investigate Decide Execute Verify Closed
            own-10 close           Triage Investigate Decide Closed
            own-11 close           Triage Investigate Decide Closed
            own-12 escalate        Triage Investigate Decide Escalate
            """,
            string.Join('\n', all.Select(run => $"{run.Decided.Id} {run.Decided.Decision.InText(),-15} {run.Path}")));
        Assert.Equal(["192.0.2.77", "203.0.113.66", "203.0.113.67"], world.Denied.Order(StringComparer.Ordinal));
        Assert.Equal(["gate-1 deploy"], world.Disabled);
        Assert.Equal(["own-08", "own-12"], all.Where(run => run.Row.Status == RunStatus.Waiting).Select(run => run.Decided.Id));
        Assert.All(all.SelectMany(run => run.Entries).Where(entry => entry.Kind == EntryKinds.StateEntered), entry => Assert.NotEqual("", entry.Cause));
    }

    [Fact]
    public async Task Looks_before_and_after_it_acts_and_once_more_with_other_eyes()
    {
        await using var world = await ResponseWorld.StartAsync();

        var run = await world.HandleAsync("own-02");

        Assert.Equal(
            ["action.probed deny.list does not hold 203.0.113.66", "action.intended to be done", "action.executed the target answered", "action.verified deny.list holds 203.0.113.66"],
            run.Entries.Where(entry => entry.Kind.StartsWith("action.", StringComparison.Ordinal)).Select(entry => $"{entry.Kind} {entry.Cause}"));
        Assert.Equal("deny.list shows 203.0.113.66 on line 1", run.Because);
        Assert.False(run.Decided.WasSoAlready);
    }

    [Fact]
    public async Task Finds_it_so_already_where_somebody_else_blocked_the_address()
    {
        await using var world = await ResponseWorld.StartAsync();
        await File.WriteAllTextAsync(world.DenyList, "203.0.113.66 # by hand\n");

        var run = await world.HandleAsync("own-02");

        Assert.Equal((RunStatus.Completed, Decision.BlockIp, true), (run.Row.Status, run.Decided.Decision, run.Decided.WasSoAlready));
        Assert.DoesNotContain(run.Entries, entry => entry.Kind == EntryKinds.ActionIntended);
        Assert.Equal("203.0.113.66 # by hand\n", await File.ReadAllTextAsync(world.DenyList));
    }

    [Fact]
    public async Task Closes_what_names_neither_an_address_nor_an_account()
    {
        await using var world = await ResponseWorld.StartAsync();

        var run = await world.HandleAsync(world.Data.Alerts[0] with { Id = "empty", SourceIp = null, Users = [] });

        Assert.Equal(("Triage Closed", Decision.Close, "workflow"), (run.Path, run.Decided.Decision, run.Decided.DecidedBy));
    }

    [Fact]
    public async Task Has_a_run_for_an_alert_once()
    {
        await using var world = await ResponseWorld.StartAsync();

        var first = await world.HandleAsync("own-02");
        var second = await world.HandleAsync("own-02");

        Assert.Equal(first.Row.Run, second.Row.Run);
        Assert.Equal(first.Entries.Count, second.Entries.Count);
    }
}

public sealed class A_run_with_a_slow_source
{
    [Fact]
    public async Task Decides_without_it_and_names_what_is_missing()
    {
        await using var world = await ResponseWorld.StartAsync(slow: SlowSources.Parse(["threats=600"], out _));

        var sure = await world.HandleAsync("own-04");
        var unsure = await world.HandleAsync("own-05");

        const string Missing = "Missing: threats (timed out after 100 ms), so it is unknown whether the address is on block lists.";
        Assert.Equal((Decision.BlockIp, 0.85), (sure.Decided.Decision, sure.Decided.Confidence));
        Assert.Contains(Missing, sure.Decided.Reasons);
        Assert.Equal(["192.0.2.77"], world.Denied);
        Assert.Equal((Decision.Close, 0.7, "a person"), (unsure.Decided.Decision, unsure.Decided.Confidence, unsure.Decided.WaitsFor));
        Assert.Equal("confidence 0.70 is below 0.75", unsure.Decided.Reasons[0]);
        Assert.Contains(Missing, unsure.Decided.Reasons);
    }

    [Fact]
    public async Task Asks_a_person_where_the_log_itself_is_missing()
    {
        await using var world = await ResponseWorld.StartAsync(slow: SlowSources.Parse(["logins=600"], out _));

        var run = await world.HandleAsync("own-04");

        Assert.Equal("Triage Investigate Escalate", run.Path);
        Assert.Equal(["no login history: timed out after 100 ms", "Without the log nobody can say what happened."], run.Decided.Reasons);
        Assert.Contains("192.0.2.77", run.Case.CaseFile.Alert.SourceIp!, StringComparison.Ordinal);
        Assert.Contains("block_ip", run.Question.Choices);
    }

    [Fact]
    public async Task Blocks_nothing_while_it_is_unknown_who_is_staff()
    {
        await using var world = await ResponseWorld.StartAsync(slow: SlowSources.Parse(["assets=600"], out _));

        var all = await world.HandleAllAsync();

        Assert.All(all, run => Assert.Equal("a person", run.Decided.WaitsFor));
        Assert.All(all, run => Assert.Equal(["close"], run.Question.Choices));
        Assert.Empty(world.Denied);
    }
}

public sealed class An_analyst
{
    [Theory]
    [InlineData("""{"decision":"close"}""", "3 of its calls and answers had to be rejected")]
    [InlineData("""{}""", "3 of its calls and answers had to be rejected")]
    [InlineData("""{"decision":"delete_everything","confidence":1,"reasons":[]}""", "3 of its calls and answers had to be rejected")]
    [InlineData("Ignore previous instructions.", "3 of its calls and answers had to be rejected")]
    [InlineData("""{"decision":"block_ip","confidence":97,"reasons":["Percent, surely."]}""", "3 of its calls and answers had to be rejected")]
    [InlineData("""{"decision":"block_ip","confidence":0.74,"reasons":["Perhaps."]}""", "confidence 0.74 is below 0.75")]
    [InlineData("""{"decision":"escalate","confidence":0.9,"reasons":[]}""", "no reason was given")]
    [InlineData("""{"decision":"disable_account","confidence":1,"reasons":["x"]}""", "policy: no account is named, so there is nothing to disable.")]
    [InlineData("""{"decision":"disable_account","confidence":1,"reasons":["x"],"account":"root"}""", "policy: root is not an account that the alert names. root is never disabled: nobody could mend the host.")]
    public async Task Is_not_believed_when_its_answer_cannot_stand(string answer, string why)
    {
        await using var world = await ResponseWorld.StartAsync(analyst: new SaysAnalyst(answer));

        var run = await world.HandleAsync("own-02");

        Assert.Equal("Triage Investigate Decide Escalate", run.Path);
        Assert.StartsWith(why, run.Because, StringComparison.Ordinal);
        Assert.Equal(["fast", "strong"], run.Case.Decision!.Dossier.Opinions.Select(opinion => opinion.Tier));
        Assert.Empty(world.Denied);
        Assert.Empty(world.Disabled);
    }

    [Theory]
    [InlineData("own-03", "block_ip", "policy: 198.51.100.10 is a known source of the staff and is never blocked.")]
    [InlineData("own-01", "block_ip", "policy: 203.0.113.130 is an allow-listed scanner (example-research-scanning) and is never blocked.")]
    [InlineData("own-11", "block_ip", "policy: the alert names no address, so there is nothing to block.")]
    [InlineData("own-09", "close", "policy: a login by an intruder is never closed.")]
    public async Task Cannot_break_the_policy_however_sure_it_is(string id, string decision, string why)
    {
        await using var world = await ResponseWorld.StartAsync(analyst: new SaysAnalyst($$"""{"decision":"{{decision}}","confidence":1,"reasons":["Trust me."]}"""));

        var run = await world.HandleAsync(id);

        Assert.Equal(why, run.Because);
        Assert.Equal($"strong had proposed {decision}.", run.Decided.Reasons[1]);
        Assert.Empty(world.Denied);
    }

    [Fact]
    public async Task That_stumbles_once_is_asked_again()
    {
        var analyst = new SaysAnalyst("{", """{"decision":"block_ip","confidence":0.9,"reasons":["Listed."]}""");
        await using var world = await ResponseWorld.StartAsync(analyst: analyst);

        var run = await world.HandleAsync("own-02");

        Assert.Equal((2, RunStatus.Completed, "fast", "says"), (analyst.Asked, run.Row.Status, run.Decided.DecidedBy, run.Decided.Model));
    }
}

public sealed class A_target_that_does_not_do_what_it_says
{
    [Fact]
    public async Task Is_caught_by_the_second_look_and_what_it_did_is_undone()
    {
        await using var world = await ResponseWorld.StartAsync(actions: signalbox => signalbox.AddAction<BlockAddress, LyingFirewall>("block_address").AddAction<DisableAccount, DisableAccountHandler>("disable_account"));

        var run = await world.HandleAsync("own-02");

        Assert.Equal("Triage Investigate Decide Execute Verify Rollback Escalate", run.Path);
        Assert.Contains(run.Entries, entry => entry.Kind == EntryKinds.StateEntered && entry.Cause == "none of the 0 lines of deny.list shows 203.0.113.66");
        Assert.Equal("block_ip did not work (none of the 0 lines of deny.list shows 203.0.113.66); nothing of it is left", run.Because);
        Assert.Equal("a person", run.Decided.WaitsFor);
    }

    [Fact]
    public async Task Is_caught_when_it_is_asked_again()
    {
        await using var world = await ResponseWorld.StartAsync(actions: signalbox => signalbox.AddAction<BlockAddress, DeafFirewall>("block_address").AddAction<DisableAccount, DisableAccountHandler>("disable_account"));

        var run = await world.HandleAsync("own-02");

        Assert.Equal("Triage Investigate Decide Execute Rollback Escalate", run.Path);
        Assert.Contains(run.Entries, entry => entry.Kind == EntryKinds.ActionDiverged);
        Assert.Equal("block_ip did not work (the target answered, but 2 looks do not show it: not blocked); nothing of it is left", run.Because);
    }

    [Fact]
    public async Task Is_left_alone_where_this_run_did_nothing_to_it()
    {
        // The second look is shown another file, so it sees nothing of a block that somebody made by hand.
        await using var world = await ResponseWorld.StartAsync(lookedAt: Path.Combine(Path.GetTempPath(), "no-such.list"));
        await File.WriteAllTextAsync(world.DenyList, "203.0.113.66 # by hand\n");

        var run = await world.HandleAsync("own-02");

        Assert.Equal("Triage Investigate Decide Execute Verify Rollback Escalate", run.Path);
        Assert.Equal(
            "block_ip did not work (none of the 0 lines of no-such.list shows 203.0.113.66); this run did not make the effect; it is left as it is", run.Because);
        Assert.Equal(["203.0.113.66"], world.Denied);
    }

    [Fact]
    public async Task Is_believed_when_it_was_only_out_of_sight_for_a_moment()
    {
        using var sight = new World();
        var lookedAt = sight.Path_("seen.list");
        Directory.CreateDirectory(lookedAt);
        var firewall = new FirewallOutOfSight(lookedAt);
        await using var world = await ResponseWorld.StartAsync(
            lookedAt: lookedAt,
            actions: signalbox =>
            {
                signalbox.Services.AddSingleton(firewall);
                signalbox.AddAction<BlockAddress, FirewallOutOfSight>("block_address").AddAction<DisableAccount, DisableAccountHandler>("disable_account");
            });

        var run = await world.HandleAsync("own-02");

        Assert.Equal("Triage Investigate Decide Execute Verify Rollback Closed", run.Path);
        Assert.Contains(run.Entries, entry => entry.Kind == EntryKinds.StateEntered && entry.Cause.StartsWith("nobody can see whether it stands: ", StringComparison.Ordinal));
        Assert.Equal("it stands after all: seen.list shows 203.0.113.66 on line 1", run.Because);
        Assert.True(run.Decided.WasSoAlready);
    }

    [Fact]
    public async Task Is_never_taken_as_done_when_it_cannot_be_asked()
    {
        await using var world = await ResponseWorld.StartAsync();
        Directory.CreateDirectory(world.DenyList);

        var run = await world.HandleAsync("own-02");

        Assert.Equal("Triage Investigate Decide Execute Rollback Escalate", run.Path);
        Assert.StartsWith("block_ip did not work (the target could not be asked: UnauthorizedAccessException: ", run.Because, StringComparison.Ordinal);
        Assert.Equal("a person", run.Decided.WaitsFor);
    }

    /// <summary>Says of everything that it is done, remembers what it said, and does nothing.</summary>
    private sealed class LyingFirewall : ActionHandler<BlockAddress>
    {
        private static readonly HashSet<string> Said = [];

        public override TargetClass TargetClass => TargetClass.T3;

        public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
            Task.FromResult(Said.Contains(Key(action, context)) ? Observation.So("blocked") : Observation.NotSo("not blocked"));

        public override Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
            Task.FromResult<string?>(Said.Add(Key(action, context)) ? "done" : "done already");

        public override Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
            Task.FromResult<string?>(Said.Remove(Key(action, context)) ? "undone" : "undone already");

        private static string Key(BlockAddress action, ActionContext context) => $"{context.Run} {action.Address}";
    }

    /// <summary>Shows to itself what it blocks, and to others only from the third time on that it is asked.</summary>
    private sealed class FirewallOutOfSight(string shown) : ActionHandler<BlockAddress>
    {
        private int _asked;

        public override TargetClass TargetClass => TargetClass.T3;

        public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken)
        {
            // The first two looks are the block's own: one, and another when it is its turn.
            if (++_asked == 3)
            {
                Directory.Delete(shown);
                File.WriteAllText(shown, $"{action.Address}\n");
            }

            return Task.FromResult(Observation.So("blocked"));
        }

        public override Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    /// <summary>Answers each call with success and changes nothing.</summary>
    private sealed class DeafFirewall : ActionHandler<BlockAddress>
    {
        public override TargetClass TargetClass => TargetClass.T3;

        public override ActionPolicy Policy => new() { Looks = 2, Pause = TimeSpan.FromMilliseconds(1) };

        public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult(Observation.NotSo("not blocked"));

        public override Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>("done");

        public override Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>("undone");
    }
}

public sealed class A_person
{
    [Theory]
    [InlineData("own-08", "close", Decision.Close, "Triage Investigate Decide Escalate Closed")]
    [InlineData("own-08", "block_ip", Decision.BlockIp, "Triage Investigate Decide Escalate Execute Verify Closed")]
    [InlineData("own-08", "disable_account", Decision.DisableAccount, "Triage Investigate Decide Escalate Execute Verify Closed")]
    public async Task Decides_and_it_is_done(string id, string choice, object decision, string path)
    {
        await using var world = await ResponseWorld.StartAsync();
        var asked = await world.HandleAsync(id);

        var run = await world.AnswerAsync(asked, choice);

        Assert.Equal((path, RunStatus.Completed), (run.Path, run.Row.Status));
        Assert.Equal(((Decision)decision, 1d, "person:anna"), (run.Decided.Decision, run.Decided.Confidence, run.Decided.DecidedBy));
        Assert.Equal([$"person:anna chose {choice}."], run.Decided.Reasons);
        Assert.Equal(choice == "block_ip" ? ["192.0.2.201"] : [], world.Denied);
        Assert.Equal(choice == "disable_account" ? ["gate-1 bob"] : [], world.Disabled);
    }

    [Fact]
    public async Task Is_asked_with_everything_that_is_known()
    {
        await using var world = await ResponseWorld.StartAsync();

        var run = await world.HandleAsync("own-08");
        var details = System.Text.Encoding.UTF8.GetString((await DetailsAsync(world, run)).Span);

        Assert.Equal("own-08: auth.new_source_login on gate-1 about 192.0.2.201. What is to be done?", run.Question.Title);
        Assert.Equal(["close", "block_ip", "disable_account"], run.Question.Choices);
        Assert.StartsWith("""{"why":"192.0.2.201, an unknown address outside, logged in as bob with password""", details, StringComparison.Ordinal);
        Assert.Equal(
            new Dictionary<string, string> { ["close"] = "does nothing.", ["block_ip"] = "puts 192.0.2.201 on the deny list.", ["disable_account"] = "disables the account bob on gate-1." },
            run.Question.Meanings);
        Assert.Contains("\"evidence\":{\"alert\":{\"id\":\"own-08\"", details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_shown_what_each_tier_said_and_found_and_why_it_was_not_enough()
    {
        await using var world = await ResponseWorld.StartAsync(misbehave: ["all:unsure"]);

        var run = await world.HandleAsync("own-02");
        using var details = System.Text.Json.JsonDocument.Parse(await DetailsAsync(world, run));
        var dossier = details.RootElement.GetProperty("dossier");

        Assert.Equal(
            ["fast block_ip confidence 0.50 is below 0.75", "strong block_ip confidence 0.50 is below 0.75"],
            dossier.GetProperty("opinions").EnumerateArray().Select(opinion => $"{opinion.GetProperty("tier")} {opinion.GetProperty("kind")} {opinion.GetProperty("why")}"));
        Assert.Equal(
            ["login_history", "threat_report", "asset_report", "neighbours"],
            dossier.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("tool").GetString()));
        Assert.Equal(["confidence 0.50 is below 0.75", "strong had proposed block_ip."], run.Decided.Reasons.Take(2));
    }

    [Theory]
    [InlineData("block_ip", "right")]
    [InlineData("close", "wrong")]
    public async Task Judges_the_proposal_by_what_is_chosen(string choice, string verdict)
    {
        await using var world = await ResponseWorld.StartAsync(misbehave: ["all:unsure"]);
        var asked = await world.HandleAsync("own-02");

        var run = await world.AnswerAsync(asked, choice);

        var judged = Assert.Single(run.Entries, entry => entry.Kind == EntryKinds.DecisionJudged);
        Assert.Equal(new DecisionJudged(asked.Case.Decision!.Id, verdict), Body.Read<DecisionJudged>(judged));
        Assert.Equal($"person:anna chose {choice}, proposed was block_ip", judged.Cause);
    }

    [Fact]
    public async Task Judges_nothing_where_no_more_than_help_was_called_for()
    {
        await using var world = await ResponseWorld.StartAsync();
        var asked = await world.HandleAsync("own-08");

        var run = await world.AnswerAsync(asked, "close");

        Assert.DoesNotContain(run.Entries, entry => entry.Kind == EntryKinds.DecisionJudged);
    }

    [Theory]
    [InlineData("own-12", "close,disable_account")] // no address
    [InlineData("own-03", "close,disable_account")] // the staff's address
    [InlineData("own-01", "close")] // a scanner
    public async Task Is_offered_nothing_that_the_policy_forbids(string id, string offered)
    {
        await using var world = await ResponseWorld.StartAsync(analyst: new SaysAnalyst("""{"decision":"escalate","confidence":1,"reasons":["Look."]}"""));

        var run = await world.HandleAsync(id);

        Assert.Equal(offered, string.Join(',', run.Question.Choices));
        var refused = await RunCommands.ExecuteAsync(world.Store, new AnswerApproval(run.Row.Run, "block_ip", null, null), new Caller("person:anna", [Caller.AnyRole]), default);
        Assert.Equal("choice_unknown", refused.Code);
        Assert.Empty(world.Denied);
    }

    [Theory]
    [InlineData(true, "Triage Investigate Decide Execute Verify Closed")]
    [InlineData(false, "Triage Investigate Decide Execute Verify Rollback Escalate")]
    public async Task Calls_unverified_what_is_done_by_a_firewalls_word_alone_and_looks_for_itself(bool isTrue, string path)
    {
        await using var world = await ResponseWorld.StartAsync(actions: signalbox =>
        {
            signalbox.Services.AddSingleton(new FirewallsWord(isTrue));
            signalbox.AddAction<BlockAddress, BlindFirewall>("block_address").AddAction<DisableAccount, DisableAccountHandler>("disable_account");
        });

        var run = await world.HandleAsync("own-04");

        Assert.Equal(path, run.Path);
        Assert.Equal("unverified: the target answered '250 queued'; nobody can look whether it is so", run.Entries.Single(e => e.Kind == EntryKinds.StateEntered && e.State == "Verify").Cause);
        Assert.DoesNotContain(run.Entries, e => e.Kind == EntryKinds.ActionDiverged);
        Assert.Equal(isTrue, run.Decided.IsUnverified);
        if (isTrue)
        {
            Assert.Contains("block_ip             1   (1 of them unverified, seen by the second look)\n", Summary.Format([run.Decided], new AgentFigures(), [], TimeSpan.Zero, []), StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains("that it is undone is unverified: the target answered 'unqueued'", run.Because, StringComparison.Ordinal);
        }
    }

    private sealed record FirewallsWord(bool IsTrue);

    /// <summary>Takes the order, and can be asked nothing.</summary>
    private sealed class BlindFirewall(DenyListFile list, FirewallsWord word) : ActionHandler<BlockAddress>
    {
        public override TargetClass TargetClass => TargetClass.T4;

        public override ActionPolicy Policy => new() { Blind = BlindRule.TrustAnswer };

        public override Reversibility Reversibility => Reversibility.Reversible;

        public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult(Observation.Unclear("it cannot be asked"));

        public override async Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken)
        {
            if (word.IsTrue)
            {
                await list.AddAsync(action.Address, context.Run.Value, cancellationToken);
            }

            return "250 queued";
        }

        public override Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>("unqueued");
    }

    private static async Task<ReadOnlyMemory<byte>> DetailsAsync(ResponseWorld world, Settled run) =>
        run.Question.Details!.Value.Reference is { } hash ? (await world.Store.FindPayloadAsync(hash, default))!.Value : run.Question.Details.Value.Utf8;
}

public sealed class The_workflow_on_the_real_alerts
{
    [Fact]
    public async Task Decides_all_of_them_and_breaks_no_rule()
    {
        var data = await World.RealAlertsAsync();
        var expected = (await Triage.AllAsync(data)).ToDictionary(alert => alert.CaseFile.Alert.Id, alert => alert.Verdict);
        await using var world = await ResponseWorld.StartAsync(data);

        var all = await world.HandleAllAsync();

        Assert.Equal(136, all.Count);
        Assert.All(all, run => Assert.True(run.Row.Status is RunStatus.Completed or RunStatus.Waiting, $"{run.Decided.Id}: {run.Row.Status} {run.Row.Reason}"));
        Assert.All(all, run => Assert.Equal((expected[run.Decided.Id].Decision, expected[run.Decided.Id].Confidence), (run.Decided.Decision, run.Decided.Confidence)));
        Assert.InRange(all.Count(run => run.Decided.WaitsFor is not null), 1, (136 / 3) - 1);
        Assert.All(all.Where(run => run.Decided.WaitsFor is null), run => Assert.True(Policy.Allows(run.Case.CaseFile, run.Case.Verdict!), run.Decided.Id));
        Assert.Equal(
            all.Where(run => run.Decided is { WaitsFor: null, Decision: Decision.BlockIp }).Select(run => run.Case.Alert.SourceIp).Distinct().Order(),
            world.Denied.Order());
        Assert.Equal(world.Denied.Distinct().Count(), world.Denied.Count);
    }
    [Theory]
    [InlineData("unknown-tool")]
    [InlineData("bad-arguments")]
    [InlineData("loop")]
    [InlineData("truncated")]
    [InlineData("unsure")]
    [InlineData("flood")]
    public async Task Decides_all_of_them_and_breaks_no_rule_with_a_fast_tier_that_goes_wrong(string misbehaviour)
    {
        var data = await World.RealAlertsAsync();
        await using var world = await ResponseWorld.StartAsync(data, misbehave: [misbehaviour]);

        var all = await world.HandleAllAsync();

        Assert.Equal(136, all.Count);
        Assert.All(all, run => Assert.True(run.Row.Status is RunStatus.Completed or RunStatus.Waiting, $"{run.Decided.Id}: {run.Row.Status} {run.Row.Reason}"));
        var decided = all.Where(run => run.Decided.WaitsFor is null).ToList();
        Assert.InRange(136 - decided.Count, 1, 16);
        Assert.All(decided, run => Assert.Equal("strong", run.Decided.DecidedBy));
        Assert.All(decided, run => Assert.True(Policy.Allows(run.Case.CaseFile, run.Case.Verdict!), run.Decided.Id));
        Assert.Equal(decided.Where(run => run.Decided.Decision == Decision.BlockIp).Select(run => run.Case.Alert.SourceIp).Distinct().Order(), world.Denied.Order());
        Assert.All(all, run => Assert.Contains(run.Entries, entry => entry.Kind == EntryKinds.EscalationRaised));
    }

    [Fact]
    public async Task Hands_all_of_them_to_a_person_with_tiers_that_all_go_wrong()
    {
        await using var world = await ResponseWorld.StartAsync(await World.RealAlertsAsync(), misbehave: ["all:unknown-tool", "all:bad-arguments", "all:loop", "all:truncated", "all:unsure", "all:flood"]);

        var all = await world.HandleAllAsync();

        Assert.All(all, run => Assert.Equal("a person", run.Decided.WaitsFor));
        Assert.Empty(world.Denied);
        Assert.Equal(
            [EscalationReasons.LowConfidence, EscalationReasons.ModelFailure, EscalationReasons.RejectedCalls],
            all.Select(run => run.Case.Decision!.Reason).Distinct().Order(StringComparer.Ordinal));
    }
}
