using static Signalbox.Testing.TargetBench;

namespace Signalbox.Testing;

/// <summary>T1: the target remembers action ids, together with what it did for them, and refuses a second effect.</summary>
internal static class KeyedTargets
{
    public static async Task An_action_that_is_called_again_is_one_effect(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.TryExecuteAsync(context with { Attempt = 2 });
        await subject.ByAnother().TryExecuteAsync(context with { Attempt = 3, Epoch = 2 });
        await ExpectStandsAsync(subject, true, "after three calls of one action");
        await bench.ExpectEffectsAsync(subject, before, 1, "three calls of one action");
    }

    public static async Task Racing_calls_of_one_action_are_one_effect(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        var context = NewContext();
        await RaceAsync(i => subject.ByAnother().TryExecuteAsync(context with { Attempt = i + 1 }));
        await ExpectStandsAsync(subject, true, $"after {Racers} racing calls of one action");
        await bench.ExpectEffectsAsync(subject, before, 1, $"{Racers} racing calls of one action");
    }

    public static async Task A_late_call_does_not_do_again_what_somebody_took_away(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.TakeAsync();
        var before = await bench.EffectsAsync(subject);
        await subject.ByAnother().TryExecuteAsync(context with { Attempt = 2 });
        await ExpectStandsAsync(subject, false, "again: another hand had taken it away, and the id that made it was used up");
        await bench.ExpectEffectsAsync(subject, before, 0, "a call whose id was used up");
    }

    public static async Task Another_action_on_the_same_resource_is_another_effect(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext());
        await subject.TakeAsync();
        var before = await bench.EffectsAsync(subject);
        await subject.ExecuteAsync(NewContext());
        await ExpectStandsAsync(subject, true, "after another action than the one whose effect was taken away");
        await bench.ExpectEffectsAsync(subject, before, 1, "another action on the same resource");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task A_late_call_does_not_do_again_what_was_undone(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.UndoAsync(NewContext());
        await subject.ByAnother().TryExecuteAsync(context with { Attempt = 2 });
        await ExpectStandsAsync(subject, false, "again: it had been undone, and the id that made it was used up");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task A_late_undo_does_not_take_away_what_another_action_did_since(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext());
        var undo = NewContext();
        await subject.UndoAsync(undo);
        await subject.ExecuteAsync(NewContext());
        await subject.ByAnother().TryUndoAsync(undo with { Attempt = 2 });
        await ExpectStandsAsync(subject, true, "any more: an undo whose id was used up took away what another action had done since");
    }
}
