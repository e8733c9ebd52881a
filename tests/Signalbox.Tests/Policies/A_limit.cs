using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class A_limit
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Of_actions_in_a_window_refuses_the_next_one_until_the_window_has_passed()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new RateLimit<Fence>("hourly", 2, s_hour)));
        await bench.DriveAsync(Fences.Of("192.0.2.1", "192.0.2.2", "192.0.2.3"));

        Assert.Equal(["Verified", "Verified", "Refused: the limit 'hourly' is reached: 2 of 2 are used up in the last 60 min"], (await bench.NoteAsync()).Lines!);
        Assert.Equal(["allow", "allow", "allow", "refuse"], (await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(e => Body.Read<PolicyJudged>(e).Verdict));
        Assert.Equal(2, bench.Target.Log.Count);

        await bench.Harness.AdvanceAsync(s_hour);
        await bench.DriveAsync(Fences.Of("192.0.2.3"));
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);
    }

    [Theory]
    [InlineData(LimitPer.Run, "VerifiedRefused VerifiedRefused VerifiedRefused")]
    [InlineData(LimitPer.Workflow, "VerifiedRefused RefusedRefused VerifiedRefused")]
    [InlineData(LimitPer.Store, "VerifiedRefused RefusedRefused RefusedRefused")]
    public async Task Is_shared_by_the_run_the_workflow_or_all(LimitPer per, string expected)
    {
        Flow other = new(async visit =>
        {
            var (one, two) = (await visit.Act(new Fence("198.51.100.1")), await visit.Act(new Fence("198.51.100.2")));
            return visit.GoTo(Step.Done, new Note("", 0, [$"{one.Status}", $"{two.Status}"]));
        })
        { Name = "other" };
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new RateLimit<Fence>("rate", 1, s_hour) { Per = per }).Add(other));
        var got = new List<string>();
        foreach (var (workflow, number) in new[] { ("flow", 1), ("flow", 2), ("other", 3) })
        {
            await bench.StartRunAsync(Fences.Of($"192.0.2.{number}", $"203.0.113.{number}"), workflow);
            await bench.DriveAsync();
            got.Add(string.Concat((await bench.NoteAsync()).Lines!.Select(l => l.Split(':')[0])));
        }

        Assert.Equal(expected, string.Join(' ', got));
    }

    [Fact]
    public async Task Of_units_counts_what_an_action_touches()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new BlastRadius<Fence>("radius", (_, proposed) => proposed.Addresses, 300, s_hour)));
        await bench.DriveAsync(Fences.Of("192.0.2.0/24", "198.51.100.0/26", "203.0.113.0/27", "10.0.0.0/8", "192.0.2.0/24"));

        Assert.Equal(
            [
                "Verified",
                "Refused: the limit 'radius' is reached: 256 of 300 are used up in the last 60 min, and this one counts 64",
                "Verified",
                "Refused: radius: it alone counts 16,777,216, and at most 300 are allowed in 60 min",
                "Verified",
            ],
            (await bench.NoteAsync()).Lines!);
    }

    [Fact]
    public async Task Is_not_used_by_what_is_refused_or_there_already_or_undone_and_once_by_what_is_tried_three_times()
    {
        await using var bench = await Fences.StartAsync(box => box
            .AddPolicy(new RateLimit<Fence>("hourly", 2, s_hour))
            .AddPolicy(new Never<Fence>("never", "ours") { Networks = ["192.0.2.7"] }));
        bench.Target.Put("192.0.2.99");
        bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        await bench.DriveAsync(Fences.Of("192.0.2.7", "192.0.2.99", "192.0.2.1", "undo 192.0.2.1", "192.0.2.2", "192.0.2.3"));

        Assert.Equal(["Refused", "Verified", "Verified", "Verified", "Verified", "Refused"], (await bench.NoteAsync()).Lines!.Select(l => l.Split(':')[0]));
        Assert.Equal(["execute", "undo", "execute"], bench.Target.Effects.Select(c => c.Operation));
        Assert.Equal([1, 2, 3, 1, 1], (await bench.EntriesAsync(EntryKinds.ActionExecuted)).Select(e => Body.Read<ActionExecuted>(e).Attempt));
    }

    [Fact]
    public async Task May_be_passed_by_a_person_who_is_told_that_it_is_reached()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new RateLimit<Fence>("hourly", 1, s_hour) { WhenReached = PolicyVerdictKind.Ask }));
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync(Fences.Of("192.0.2.1", "192.0.2.2", "192.0.2.3"))).Status);

        var request = await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested);
        Assert.Equal(["the limit 'hourly' is reached: 1 of 1 are used up in the last 60 min"], request.Why!);
        Assert.Equal(["hourly"], request.Passes!);
        await bench.AnswerAsync("approve");
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync()).Status); // the third is asked about too
        await bench.AnswerAsync("reject");
        await bench.DriveAsync();

        Assert.Equal(["Verified", "Verified", "Refused: rejected by person:anna"], (await bench.NoteAsync()).Lines!);
        Assert.Equal("the limit 'hourly' is reached: 2 of 1 are used up in the last 60 min", Body.Read<ApprovalRequested>((await bench.EntriesAsync(EntryKinds.ApprovalRequested))[1]).Why![0]);
    }

    [Fact]
    public async Task That_is_reached_while_a_person_thinks_about_something_else_asks_again()
    {
        await using var bench = await Fences.StartAsync(box => box
            .AddPolicy(new RateLimit<Fence>("hourly", 1, s_hour) { WhenReached = PolicyVerdictKind.Ask })
            .AddPolicy(new BlastRadius<Fence>("radius", (_, p) => p.Addresses, 1, s_hour) { WhenReached = PolicyVerdictKind.Ask })
            .AddPolicy(ActionPolicies.For<Fence>("wide", (fence, _) => fence.Network.StartsWith("192", StringComparison.Ordinal) ? PolicyVerdict.Ask("it is near") : null)));
        await bench.DriveAsync(Fences.Of("192.0.2.1"));
        var first = bench.Run;
        await bench.DriveAsync(Fences.Of("198.51.100.1"));
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(RunStatus.Waiting, (await bench.Harness.GetAsync(first)).Status);
            Assert.True((await bench.Harness.Client("person:anna").AnswerAsync(first, "approve")).IsAccepted);
            await bench.Harness.RunUntilAsync(first, RunStatus.Waiting, RunStatus.Completed);
        }

        Assert.Equal(["Verified"], (await bench.Harness.CaseAsync<Note>(first)).Lines!);
        var asked = (await bench.Harness.JournalAsync(first)).Where(e => e.Kind == EntryKinds.ApprovalRequested).Select(Body.Read<ApprovalRequested>).ToList();
        Assert.Equal([null, "hourly", "hourly,radius"], asked.Select(a => a.Passes is { } p ? string.Join(',', p) : null));
        Assert.Equal(
            ["wide: it is near", "the limit 'radius' is reached: 1 of 1 are used up in the last 60 min", "the limit 'hourly' was reached before, which was approved"],
            asked[2].Why!);
    }

    [Fact]
    public async Task Counts_what_a_person_let_pass_although_it_alone_is_too_much()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new BlastRadius<Fence>("radius", (_, p) => p.Addresses, 100, s_hour) { WhenReached = PolicyVerdictKind.Ask }));
        await bench.DriveAsync(Fences.Of("::/0", "192.0.2.1"));
        Assert.Equal(["radius: it alone counts 1,000,000,000,000, and at most 100 are allowed in 60 min"], (await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested)).Why!);
        await bench.AnswerAsync("approve");
        await bench.DriveAsync();

        Assert.Equal("the limit 'radius' is reached: 1000000000000 of 100 are used up in the last 60 min", Body.Read<ApprovalRequested>((await bench.EntriesAsync(EntryKinds.ApprovalRequested))[1]).Why![0]);
    }

    [Fact]
    public async Task Whose_units_are_negative_or_cannot_be_told_refuses()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new BlastRadius<Fence>("radius", (fence, _) => fence.Network == "192.0.2.1" ? -1 : throw new FormatException("no number"), 100, s_hour)));
        await bench.DriveAsync(Fences.Of("192.0.2.1", "192.0.2.2"));

        Assert.StartsWith("Refused: radius: the policy failed (ArgumentOutOfRangeException: ", (await bench.NoteAsync()).Lines![0], StringComparison.Ordinal);
        Assert.Equal("Refused: radius: the policy failed (FormatException: no number), and what cannot be judged is not done", (await bench.NoteAsync()).Lines![1]);
    }

    /// <summary>Eight runs want what three may have. Whatever crashes and whoever comes first: three have it, and nothing is counted twice.</summary>
    private static CrashScenario Race()
    {
        var target = new FaultyTarget();
        return new CrashScenario
        {
            Configure = Bench.Configured(Fences.With(box => box.AddPolicy(new RateLimit<Fence>("hourly", 3, s_hour))), target),
            Drive = async harness =>
            {
                for (var i = 0; i < 8; i++)
                {
                    await harness.StartRunAsync("flow", Fences.Of($"192.0.2.{i}"), $"k-{i}");
                }

                await harness.RunUntilIdleAsync();
            },
            Effects = () => [$"{target.Effects.Count} effects"],
            Check = async harness =>
            {
                await Bench.CheckAsync(harness, target);
                var journals = await Task.WhenAll((await harness.RunsAsync()).Select(r => harness.JournalAsync(r.Row.Run)));
                Assert.Equal(3, journals.SelectMany(j => j).Count(e => e.Kind == EntryKinds.ActionIntended));
                Assert.All(journals, j => Assert.Equal(j.Any(e => e.Kind == EntryKinds.ActionRefused) ? 2 : 1, j.Count(e => e.Kind == EntryKinds.PolicyJudged)));
            },
        };
    }

    [Fact]
    public async Task That_runs_race_for_is_passed_by_nobody()
    {
        // Which three it is differs with the order of things; how many does not.
        for (var seed = 1ul; seed <= 60; seed++)
        {
            var scenario = Race();
            var random = new SeededEntropy(seed);
            CrashPoint[] points = [.. Enumerable.Range(0, random.Below(4)).Select(_ => new CrashPoint((CrashKind)random.Below(4), 1 + random.Below(60)))];
            await using var harness = await WorkflowHarness.StartAsync(scenario.Configure, new HarnessOptions { Seed = seed }, points);
            await scenario.Drive(harness);
            await scenario.Check(harness);
            Assert.Equal(["3 effects"], scenario.Effects());
        }
    }

    /// <summary>One run after another, so that who comes first is settled: crashed at every point.</summary>
    [Fact]
    public async Task Counts_an_action_once_wherever_its_run_crashes()
    {
        CrashScenario Scenario()
        {
            var target = new FaultyTarget();
            return new CrashScenario
            {
                Configure = Bench.Configured(Fences.With(box => box.AddPolicy(new RateLimit<Fence>("hourly", 2, s_hour)).AddPolicy(new BlastRadius<Fence>("radius", (_, p) => p.Addresses, 10, s_hour))), target),
                Drive = async harness =>
                {
                    await harness.StartRunAsync("flow", Fences.Of("192.0.2.0/29", "198.51.100.0/30", "192.0.2.9", "192.0.2.10"), "k");
                    await harness.RunUntilIdleAsync();
                },
                Effects = target.Tell,
                Check = async harness =>
                {
                    await Bench.CheckAsync(harness, target);
                    var lines = (await harness.CaseAsync<Note>((await harness.RunsAsync())[0].Row.Run)).Lines!;
                    Assert.Equal(["Verified", "Refused", "Verified", "Refused"], lines.Select(l => l.Split(':')[0]));
                },
            };
        }

        Assert.True((await CrashTest.RunAsync(Scenario)).Crashes > 50);
    }
}
