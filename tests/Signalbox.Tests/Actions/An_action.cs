using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Actions;

public sealed class An_action
{
    private static readonly Block s_block = new("192.0.2.7");

    /// <summary>Acts once and goes on with the outcome in its case; ends in a success only if it was verified.</summary>
    private static Flow Acting() => new(async visit =>
    {
        var outcome = await visit.Act(s_block);
        var note = new Note($"{outcome.Status}: {outcome.Reason}", outcome.MadeByUs ? 1 : 0);
        return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, note);
    });

    [Fact]
    public async Task Is_probed_intended_executed_and_verified()
    {
        await using var bench = await Bench.OfAsync(Acting());

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);

        Assert.Equal("run.started state.entered run.leased action.probed action.intended action.executed action.verified state.entered run.completed", await bench.KindsAsync());
        Assert.Equal(("Verified: ", 1), ((await bench.NoteAsync()).Text, (await bench.NoteAsync()).Number));
        var call = Assert.Single(bench.Target.Log);
        var intended = await bench.BodyAsync<ActionIntended>(EntryKinds.ActionIntended);
        Assert.Equal((call.ActionId, call.Attempt), (intended.ActionId, intended.Attempt));
        Assert.Equal("""{"address":"192.0.2.7"}""", intended.Arguments.ToString());
        Assert.Equal("'192.0.2.7' is in the set", (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionVerified)).Proof);
    }

    [Fact]
    public async Task That_is_so_already_is_verified_and_nothing_is_done()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.Put("192.0.2.7");
        await bench.RunAsync();

        Assert.Empty(bench.Target.Log);
        Assert.Equal("Verified: it is so already", (await bench.NoteAsync()).Text);
        Assert.Equal(0, (await bench.NoteAsync()).Number); // not made by us
        Assert.Empty(await bench.EntriesAsync(EntryKinds.ActionIntended));
    }

    [Fact]
    public async Task That_throws_before_its_effect_is_tried_again_under_the_same_id()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        await bench.RunAsync();

        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Effects);
        Assert.Equal(
            ["IOException: The target refused the connection.", "IOException: The target refused the connection.", null],
            (await bench.EntriesAsync(EntryKinds.ActionExecuted)).Select(e => Body.Read<ActionExecuted>(e).Error));
        Assert.Single((await bench.JournalAsync()).Where(e => e.Kind.StartsWith("action.", StringComparison.Ordinal)).Select(Id).Distinct());
    }

    [Fact]
    public async Task Whose_answer_is_lost_is_not_done_again_when_the_target_shows_it()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.Faults.Enqueue(TargetFault.ThrowsAfterEffect);
        await bench.RunAsync();

        Assert.Equal(("Verified: found so when the target was asked", 1), ((await bench.NoteAsync()).Text, (await bench.NoteAsync()).Number));
        Assert.Single(bench.Target.Log);
    }

    [Theory]
    [InlineData(TargetFault.HangsBeforeEffect, 2)]
    [InlineData(TargetFault.HangsAfterEffect, 1)]
    public async Task That_hangs_is_in_doubt_after_its_time_limit_and_the_target_is_asked(TargetFault fault, int calls)
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.Faults.Enqueue(fault);
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.RunAsync();

        Assert.StartsWith("Verified", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.Single(bench.Target.Effects);
        Assert.Equal(calls, (await bench.EntriesAsync(EntryKinds.ActionExecuted)).Count);
        Assert.Equal("no answer within 30 s", Body.Read<ActionExecuted>((await bench.EntriesAsync(EntryKinds.ActionExecuted))[0]).Error);
        Assert.InRange((bench.Harness.Clock.GetUtcNow() - begun).TotalSeconds, 30, 35);
    }

    [Fact]
    public async Task That_never_has_an_effect_is_not_applied_after_its_attempts()
    {
        await using var bench = await Bench.OfAsync(Acting());
        for (var i = 0; i < 10; i++)
        {
            bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        }

        Assert.Equal(RunStatus.Failed, (await bench.RunAsync()).Status);
        Assert.Equal("NotApplied: 3 attempts had no effect: IOException: The target refused the connection.", (await bench.NoteAsync()).Text);
        Assert.Equal(3, (await bench.EntriesAsync(EntryKinds.ActionExecuted)).Count);
    }

    [Fact]
    public async Task Of_which_the_target_says_that_it_went_well_and_does_not_show_it_has_diverged()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.Faults.Enqueue(TargetFault.Lies);
        await bench.RunAsync();

        Assert.Equal("Diverged: the target answered, but 4 looks do not show it: '192.0.2.7' is not in the set", (await bench.NoteAsync()).Text);
        Assert.Equal(4, (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionDiverged)).Probes);
    }

    [Fact]
    public async Task Whose_target_is_slow_to_show_it_is_verified_when_it_does()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.LateLooks = 3;
        await bench.RunAsync();

        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Effects);
    }

    [Fact]
    public async Task Whose_target_cannot_be_asked_at_first_is_looked_at_again()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.UnclearLooks = 1;
        bench.Target.ThrowingLooks = 1;
        bench.Target.HangingLooks = 1;
        await bench.RunAsync();

        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
        Assert.Equal(4, (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionProbed)).Probes);
    }

    [Fact]
    public async Task Whose_target_cannot_be_asked_before_anything_was_done_is_not_applied()
    {
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.UnclearLooks = int.MaxValue;
        await bench.RunAsync();

        Assert.Equal("NotApplied: the target could not be asked: the target cannot tell", (await bench.NoteAsync()).Text);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Asked_again_by_the_same_handler_is_another_action()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var first = await visit.Act(s_block);
            var second = await visit.Act(s_block);
            return visit.GoTo(Step.Done, new Note($"{first.MadeByUs} {second.MadeByUs} {first.ActionId == second.ActionId}"));
        }));
        await bench.RunAsync();

        Assert.Equal("True False False", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task That_nobody_registered_fails_the_run_and_says_what_to_write()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Note());
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal("No handler is registered for the action Note. Register one: AddAction<Note, NoteHandler>(\"stable_name\").", (await bench.RunAsync()).Reason);
    }

    [Fact]
    public async Task Is_undone_only_if_this_run_made_the_effect()
    {
        Flow undoing = new(async visit =>
        {
            await visit.Act(s_block);
            var undone = await visit.Undo(s_block);
            return visit.GoTo(Step.Done, new Note($"{undone.Status}: {undone.Reason}"));
        });
        await using var ours = await Bench.OfAsync(undoing);
        await ours.RunAsync();
        Assert.Equal("Verified: ", (await ours.NoteAsync()).Text);
        Assert.Empty(ours.Target.Resources);

        await using var others = await Bench.OfAsync(undoing);
        others.Target.Put("192.0.2.7");
        await others.RunAsync();
        Assert.Equal("Refused: this run did not make the effect; it is left as it is", (await others.NoteAsync()).Text);
        Assert.Equal(["192.0.2.7"], others.Target.Resources);
    }

    [Fact]
    public async Task Whose_undo_was_undone_already_is_not_undone_twice()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            await visit.Undo(s_block);
            var again = await visit.Undo(s_block);
            return visit.GoTo(Step.Done, new Note($"{again.Status}: {again.Reason}"));
        }));
        await bench.RunAsync();

        Assert.Equal("Verified: it is so already", (await bench.NoteAsync()).Text);
        Assert.Equal(["execute", "undo"], bench.Target.Log.Select(c => c.Operation));
    }

    [Fact]
    public async Task Is_in_doubt_after_the_intent_and_keeps_a_success_from_its_run()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            _ = visit.Act(s_block); // not awaited: the handler does not care
            await visit.Read("something", async _ =>
            {
                for (var i = 0; i < 20; i++)
                {
                    await Task.Yield();
                }

                return 1;
            });
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();

        var kinds = await bench.KindsAsync();
        Assert.True(kinds.IndexOf("action.verified", StringComparison.Ordinal) is var verified && (verified < 0 || verified < kinds.IndexOf("run.completed", StringComparison.Ordinal)), kinds);
        Assert.Equal(kinds.Contains("action.intended", StringComparison.Ordinal), kinds.Contains("action.verified", StringComparison.Ordinal));
    }

    private static string Id(Entry entry) => System.Text.Json.JsonDocument.Parse(entry.Body).RootElement.GetProperty("actionId").GetString()!;

    [Fact]
    public async Task That_is_another_one_when_it_is_read_again_is_not_done()
    {
        await using var bench = await Bench.StartAsync(signalbox => signalbox.AddAction<Odd, OddHandler>("odd").Add(new Flow(async visit =>
        {
            await visit.Act(new Odd { Place = { Number = 7 } });
            return visit.GoTo(Step.Done);
        })));
        var row = await bench.RunAsync();

        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.StartsWith("Action 'odd' cannot be recorded: a Odd is another one after it was written and read again ({\"place\":{\"number\":7}} becomes {\"place\":{\"number\":0}})", row.Reason, StringComparison.Ordinal);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Whose_handler_could_not_be_made_can_be_asked_for_again()
    {
        var door = new Door();
        var told = "";
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(door);
            signalbox.AddAction<Knock, DoorHandler>("knock").Add(new Flow(async visit =>
            {
                door.IsShut = true;
                told = (await Assert.ThrowsAsync<InvalidOperationException>(() => visit.Act(new Knock("a")))).Message;
                door.IsShut = false;
                return visit.GoTo((await visit.Act(new Knock("a"))).IsVerified ? Step.Done : Step.Bad);
            }));
        });

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
        Assert.Equal("The door is shut.", told);
    }

    public sealed record Knock(string At);

    public sealed class Door
    {
        public bool IsShut { get; set; }
    }

    public sealed class DoorHandler : FaultyHandler<Knock>
    {
        public DoorHandler(Door door, FaultyTarget target)
            : base(target)
        {
            if (door.IsShut)
            {
                throw new InvalidOperationException("The door is shut.");
            }
        }
    }

    /// <summary>Its member is written, and never read.</summary>
    public sealed record Odd
    {
        public Spot Place { get; } = new();
    }

    public sealed class Spot
    {
        public int Number { get; set; }
    }

    public sealed class OddHandler(FaultyTarget target) : FaultyHandler<Odd>(target);
}
