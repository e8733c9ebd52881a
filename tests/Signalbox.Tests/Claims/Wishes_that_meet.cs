using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Claims;

/// <summary>What seeded histories of opposite wishes and abused approvals found, one at a time.</summary>
public sealed class Wishes_that_meet
{
    /// <summary>These act on a wall of their own, and a blind target has no log to be checked by.</summary>
    private static readonly FaultyTarget s_unused = new(TargetClass.T4);

    private readonly Wall _wall = new();

    [Fact]
    public async Task Of_which_others_want_a_part_are_not_undone_at_all()
    {
        await using var bench = await StartAsync(new Flow(async visit =>
        {
            await visit.Act(new Urge("block", visit.Case.Lines!));
            if (visit.Case.Text == "undo")
            {
                await visit.WaitFor<string>("now");
                var undone = await visit.Undo(new Urge("block", visit.Case.Lines!));
                return visit.GoTo(Step.Done, visit.Case with { Text = $"{undone.Status}: {undone.Reason}" });
            }

            return visit.GoTo(Step.Done);
        }));
        var first = await bench.StartRunAsync(new Note("undo", Lines: ["10.0.0.5", "web"]));
        await bench.IdleAsync();
        var other = await bench.StartRunAsync(new Note(Lines: ["web"]));
        await bench.IdleAsync();
        await bench.Harness.Client().SignalAsync(first, "now", "now");
        await bench.IdleAsync();

        Assert.Equal($"Refused: others still want part of it (run {other}); it is left as it is", (await bench.Harness.CaseAsync<Note>(first)).Text);
        Assert.True(_wall.Stands("block", "ip/10.0.0.5") && _wall.Stands("block", "host/web"));
    }

    [Fact]
    public async Task Are_joined_by_a_look_that_nobody_can_come_between()
    {
        await using var bench = await StartAsync(new Flow(async visit =>
        {
            await visit.Act(new Urge("block", ["web"]));
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();
        await bench.RunAsync();

        Assert.Equal("run.started state.entered run.leased claim.queued claim.freed action.verified state.entered run.completed", await bench.KindsAsync());
    }

    [Fact]
    public async Task Must_not_be_too_many()
    {
        await using var bench = await StartAsync(new Flow(async visit =>
        {
            var outcome = await visit.Act(new Urge("block", [.. Enumerable.Range(0, 101).Select(i => $"host-{i}")]));
            return visit.GoTo(Step.Done, new Note($"{outcome.Status}: {outcome.Reason}"));
        }));
        await bench.RunAsync();

        Assert.StartsWith("Refused: ", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.Contains("Action 'wish' claims 101 resources; the limit is 100.", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.Empty(_wall.Strokes);
    }

    [Fact]
    public async Task Are_not_approved_by_who_started_the_run_that_started_the_run()
    {
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(_wall);
            signalbox.AddWishes();
            signalbox.Add(new Flow(async visit =>
            {
                await visit.ChildEnd(await visit.StartChild("child", visit.Case));
                return visit.GoTo(Step.Done);
            })).Add(new Flow(async visit =>
            {
                await visit.Act(new GraveUrge("block", ["web"]));
                return visit.GoTo(Step.Done);
            })
            { Name = "child" });
        }, s_unused);
        await bench.StartRunAsync(by: "person:anna");
        await bench.UntilAskedAsync();
        var child = (await bench.Harness.RunsAsync())[^1].Row.Run;

        Assert.Equal("approval_self", (await bench.Harness.Client("person:anna").AnswerAsync(child, "approve")).Code);
        Assert.Equal("ok", (await bench.Harness.Client("person:vera").AnswerAsync(child, "approve")).Code);
        await bench.IdleAsync();
        Assert.True(_wall.Stands("block", "host/web"));
    }

    [Fact]
    public async Task Are_all_settled_by_one_word_of_an_operator_when_several_are_in_doubt()
    {
        await using var bench = await StartAsync(new Flow(async visit =>
        {
            await Task.WhenAll(visit.Branch("a", scope => scope.Act(new Urge("block", ["web"]))), visit.Branch("b", scope => scope.Act(new Urge("block", ["db"]))));
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        while (_wall.Strokes.Count < 2)
        {
            await bench.Harness.SettleAsync(1);
        }

        _wall.UnclearLooks = int.MaxValue;
        await bench.Harness.CrashAndRestartAsync();
        var held = await bench.IdleAsync();
        Assert.Equal(RunStatus.Held, held.Status);
        Assert.Equal(["a", "b"], Body.Read<Trouble>((await bench.EntriesAsync(EntryKinds.RunHeld))[^1]).Steps!.Select(s => s.Scope).Order());

        await bench.ReleaseAsync(ReleaseVerb.Accept);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.All(await bench.EntriesAsync(EntryKinds.ActionVerified), e => Assert.Equal("accepted by person:otto", Body.Read<ActionObserved>(e).Proof));
    }

    [Fact]
    public async Task Come_to_a_new_conflict_when_what_was_only_wanted_stands_after_a_person_has_approved()
    {
        await using var bench = await StartAsync(new Flow(async visit =>
        {
            var outcome = await visit.Act(new GraveUrge(visit.Case.Text, ["web"]));
            return visit.GoTo(Step.Done, visit.Case with { Lines = [$"{outcome.Status}: {outcome.Reason}"] });
        }));
        var block = await bench.StartRunAsync(new Note("block"));
        var allow = await bench.StartRunAsync(new Note("allow"));
        await bench.UntilAskedAsync();
        await bench.Harness.Client("person:vera").AnswerAsync(block, "approve");
        await bench.UntilAskedAsync();
        await bench.Harness.Client("person:vera").AnswerAsync(allow, "approve"); // who was not asked whether the block is to be overruled
        await bench.IdleAsync();

        Assert.Equal(
            $"Refused: since a person was asked, another conflict has come up: 'block' on host/web of run {block} stands", Assert.Single((await bench.Harness.CaseAsync<Note>(allow)).Lines!));
        Assert.True(_wall.Stands("block", "host/web"));
    }

    private Task<Bench> StartAsync(Flow flow) => Bench.StartAsync(signalbox =>
    {
        signalbox.Services.AddSingleton(_wall);
        signalbox.AddWishes().Add(flow);
    }, s_unused);
}

file static class Asking
{
    /// <summary>Drives for a while, and not until nobody has answered in time.</summary>
    public static Task UntilAskedAsync(this Bench bench) => bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));
}
