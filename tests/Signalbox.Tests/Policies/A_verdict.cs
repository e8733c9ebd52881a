using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class A_verdict
{
    private static IActionPolicy Says(string name, Func<PolicyVerdict?> verdict) => ActionPolicies.For<Fence>(name, (_, _) => verdict());

    private static async Task<IReadOnlyList<string>> VerdictsAsync(Bench bench) =>
        [.. (await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(e => (Entry: e, Body: Body.Read<PolicyJudged>(e))).Select(j => $"{j.Entry.Actor} {j.Body.Verdict}: {j.Body.Reason}{(j.Body.FailedTier is { } t ? $" ({t} fails)" : "")}")];

    [Fact]
    public async Task Is_an_entry_before_the_intent_with_who_says_it_and_why()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(Says("one", () => PolicyVerdict.Allow("it is fine"))).AddPolicy(Says("two", () => null)));
        await bench.DriveAsync(Fences.Of("192.0.2.7"));

        Assert.Equal("run.started state.entered run.leased policy.judged action.probed action.intended action.executed action.verified state.entered run.completed", await bench.KindsAsync());
        Assert.Equal(["policy:one allow: it is fine"], await VerdictsAsync(bench));
    }

    [Fact]
    public async Task Of_several_the_strictest_counts_and_all_are_recorded()
    {
        await using var bench = await Fences.StartAsync(box => box
            .AddPolicy(Says("a", () => PolicyVerdict.Ask("a person")))
            .AddPolicy(Says("b", () => PolicyVerdict.Refuse("no")))
            .AddPolicy(Says("c", () => PolicyVerdict.Allow("yes"))));
        await bench.DriveAsync(Fences.Of("192.0.2.7"));

        Assert.Equal(["Refused: b: no"], (await bench.NoteAsync()).Lines!);
        Assert.Equal(["policy:a ask: a person", "policy:b refuse: no", "policy:c allow: yes"], await VerdictsAsync(bench));
        Assert.Empty(await bench.EntriesAsync(EntryKinds.ApprovalRequested));
    }

    [Fact]
    public async Task Of_a_policy_that_throws_is_a_refusal()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(Says("broken", () => throw new InvalidOperationException("no such thing"))).AddPolicy(Says("fine", () => PolicyVerdict.Allow("yes"))));
        await bench.DriveAsync(Fences.Of("192.0.2.7"));

        Assert.Equal(["Refused: broken: the policy failed (InvalidOperationException: no such thing), and what cannot be judged is not done"], (await bench.NoteAsync()).Lines!);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Is_recorded_once_however_often_the_run_is_entered_anew_and_again_if_it_is_another()
    {
        var now = PolicyVerdict.Ask("a person looks");
        var asked = 0;
        Flow ticking = new(async visit =>
        {
            var acting = visit.Branch("a", scope => scope.Act(new Fence("192.0.2.7")));
            await visit.Branch("b", async scope => (await scope.WaitFor<int>("tick"), await scope.WaitFor<int>("tick")));
            return visit.GoTo(Step.Done, new Note("", 0, [(await acting).Reason!]));
        })
        { Name = "ticking" };
        await using var bench = await Fences.StartAsync(box => box.Add(ticking).AddPolicy(Says("asks", () =>
        {
            asked++;
            return now;
        })));
        await bench.StartRunAsync(workflow: "ticking");
        await bench.DriveAsync();
        await bench.SignalAsync("tick", 1);
        await bench.DriveAsync();
        await bench.Harness.CrashAndRestartAsync();
        await bench.SignalAsync("tick", 2);
        await bench.DriveAsync();
        Assert.Equal(3, asked);
        Assert.Equal(["policy:asks ask: a person looks"], await VerdictsAsync(bench));

        now = PolicyVerdict.Refuse("no longer");
        await bench.AnswerAsync("approve");
        await bench.DriveAsync();
        Assert.Equal(["policy:asks ask: a person looks", "policy:asks refuse: no longer"], await VerdictsAsync(bench));
        Assert.Equal(["asks: no longer"], (await bench.NoteAsync()).Lines!);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task That_has_become_stricter_while_a_person_was_thinking_asks_those_who_must_approve_now()
    {
        var rule = ApprovalRule.Default;
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(Says("asks", () => PolicyVerdict.Ask("a person looks", rule))));
        await bench.DriveAsync(Fences.Of("192.0.2.7"));
        rule = rule with { Quorum = 2 };
        await bench.AnswerAsync("approve");
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync()).Status);
        Assert.Empty(bench.Target.Log);
        Assert.Equal([1, 2], (await bench.EntriesAsync(EntryKinds.ApprovalRequested)).Select(e => Body.Read<ApprovalRequested>(e).Terms!.Quorum));

        await bench.AnswerAsync("approve", by: "person:anna");
        await bench.DriveAsync();
        Assert.Empty(bench.Target.Log); // anna's first answer was to another question: one of two
        await bench.AnswerAsync("approve", by: "person:bert");
        await bench.DriveAsync();
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task May_be_limited_to_where_it_matters()
    {
        await using var bench = await Fences.StartAsync(box => box
            .AddPolicy(new Never<Fence>("never", "ours") { Networks = ["0.0.0.0/0"] }.When(p => p.Workflow == "other"))
            .AddPolicy(ActionPolicies.For<Fence>("case", (fence, p) => p.Case is Note { Lines.Count: > 1 } ? PolicyVerdict.Refuse($"{fence.Network} of {p.State} for {p.Proposer} at {p.At:u}") : null)));
        await bench.DriveAsync(Fences.Of("192.0.2.7"));
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);

        await bench.DriveAsync(Fences.Of("192.0.2.8", "192.0.2.9"));
        Assert.Matches("^Refused: case: 192\\.0\\.2\\.8 of One for workflow:flow at 2026-01-01 00:00:0[0-9]Z$", (await bench.NoteAsync()).Lines![0]);
    }

    [Fact]
    public async Task On_an_undo_is_asked_of_functions_and_not_of_lists_and_limits()
    {
        var no = false;
        await using var bench = await Fences.StartAsync(box => box
            .AddPolicy(new RateLimit<Fence>("rate", 1, TimeSpan.FromHours(1)))
            .AddPolicy(ActionPolicies.For<Fence>("undos", (_, p) => p.Undo && no ? PolicyVerdict.Refuse("it stays") : null)));
        await bench.DriveAsync(Fences.Of("192.0.2.7", "undo 192.0.2.7"));
        Assert.Equal(["Verified", "Verified"], (await bench.NoteAsync()).Lines!);
        no = true;
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(2));
        await bench.DriveAsync(Fences.Of("192.0.2.7", "undo 192.0.2.7"));
        Assert.Equal(["Verified", "Refused: undos: it stays"], (await bench.NoteAsync()).Lines!);
    }

    [Fact]
    public async Task Is_not_even_needed_where_the_arguments_are_no_action()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new Never<Fence>("never", "ours")));
        await bench.DriveAsync(Fences.Of("010.0.0.1", "192.0.2.7"));

        Assert.Equal(
            ["Refused: what it touches, or who must approve it, cannot be told (FormatException: '010.0.0.1' is no IP address and no network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48.)", "Verified"],
            (await bench.NoteAsync()).Lines!);
    }

    [Fact]
    public async Task Comes_only_from_policies_without_faults_and_all_faults_are_named_at_once()
    {
        var thrown = await Assert.ThrowsAsync<WorkflowFaultsException>(() => Fences.StartAsync(box => box
            .AddPolicy(new Never<Fence>("never", "ours") { Networks = ["10.1", "192.0.2.0/24"] })
            .AddPolicy(new RateLimit<Fence>("never", -1, TimeSpan.Zero) { WhenReached = PolicyVerdictKind.Allow })
            .AddPolicy(new WidestNetwork<Fence>("wide", 33, -1))
            .AddPolicy(new WorkingHours<Fence>("hours", "Mars/Olympus") { Days = [] }.When(_ => true))
            .AddPolicy(new Risk<Note>("risk"))
            .AddPolicy(Says("a/b", () => null))
            .UseBudget(new Budget { Calls = -1 })));

        Assert.Equal(
            [
                "The budget of all workflows has a negative Calls: -1.",
                "Policy 'never' is added 2 times; each needs a name of its own.",
                "Policy 'never': '10.1' is no IP address and no network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48.",
                "Policy 'never': the limit is 0 to 1,000,000,000,000; got -1.",
                "Policy 'never': the window of a limit is longer than zero and at most ten years; got 00:00:00.",
                "Policy 'never': WhenReached must be Ask, Raise or Refuse; got Allow.",
                "Policy 'wide': an IPv4 prefix has 0 to 32 bits; got 33.",
                "Policy 'wide': an IPv6 prefix has 0 to 128 bits; got -1.",
                "Policy 'hours': there is no time zone 'Mars/Olympus' here; it takes an IANA name such as Europe/Berlin, and the machine's time zone data.",
                "Policy 'hours': working hours need a day.",
                "Policy 'risk' is about Note, and no registered action is one. Register it: AddAction<Note, NoteHandler>(\"stable_name\").",
                "A policy is named 'a/b'; a name has 1 to 100 characters, no '/' and no control character.",
            ],
            thrown.Faults);
    }
}
