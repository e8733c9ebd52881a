using static Signalbox.Testing.TargetBench;

namespace Signalbox.Testing;

/// <summary>What targets do that can be asked: T1, T2, T3.</summary>
internal static class AskedTargets
{
    private const int Looks = 5;

    public static async Task What_nobody_has_done_is_not_so_and_looking_does_not_do_it(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        await subject.ExpectProbeAsync(ObservationKind.NotSo, NewContext(), "at what nobody has done");
        await subject.ExpectVerifyAsync(ObservationKind.NotSo, NewContext(), "at what nobody has done, to verify");
        await ExpectStandsAsync(subject, false, "after looks alone");
        await bench.ExpectEffectsAsync(subject, before, 0, "two looks");
    }

    public static async Task What_was_done_is_so(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExpectProbeAsync(ObservationKind.NotSo, context, "before the call");
        await subject.ExecuteAsync(context);
        await subject.ExpectVerifyAsync(ObservationKind.So, context, "after the call, to verify");
        await subject.ExpectProbeAsync(ObservationKind.So, context, "after the call");
    }

    public static async Task What_was_done_is_so_for_another_process(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.ByAnother().ExpectVerifyAsync(ObservationKind.So, context with { Epoch = 2 }, "by a handler that did not make the call, to verify");
        await subject.ByAnother().ExpectProbeAsync(ObservationKind.So, context with { Epoch = 2 }, "by a handler that did not make the call");
    }

    public static async Task Looking_again_shows_the_same(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        for (var i = 0; i < Looks; i++)
        {
            await subject.ExpectProbeAsync(ObservationKind.NotSo, context, $"number {i + 1} at what nobody has done");
        }

        await subject.ExecuteAsync(context);
        var before = await bench.EffectsAsync(subject);
        for (var i = 0; i < Looks; i++)
        {
            await subject.ExpectProbeAsync(ObservationKind.So, context, $"number {i + 1} at what was done");
        }

        await ExpectStandsAsync(subject, true, "after looks alone");
        await bench.ExpectEffectsAsync(subject, before, 0, $"{Looks} looks");
    }

    public static async Task A_look_shows_what_another_process_did_since_the_last_one(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExpectProbeAsync(ObservationKind.NotSo, context, "before anybody did anything");
        await subject.ByAnother().ExecuteAsync(context);
        await subject.ExpectProbeAsync(ObservationKind.So, context, "after another process did it");
    }

    public static async Task A_look_shows_that_others_took_away_what_this_very_handler_did(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.TakeAsync();
        await subject.ExpectVerifyAsync(ObservationKind.NotSo, context, "after another hand took away what was done, to verify");
        await subject.ExpectProbeAsync(ObservationKind.NotSo, context, "after another hand took away what was done");
    }

    public static async Task A_canceled_call_leaves_what_a_look_can_tell(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.TryExecuteAsync(context, new CancellationToken(canceled: true));
        await subject.ExpectVerifyAsync(await subject.StandsAsync() ? ObservationKind.So : ObservationKind.NotSo, context, "after a canceled call");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task What_was_undone_is_not_so(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext());
        var undo = NewContext();
        await subject.UndoAsync(undo);
        await subject.ExpectVerifyAsync(ObservationKind.NotSo, undo, "after the undo, to verify");
        await subject.ExpectProbeAsync(ObservationKind.NotSo, undo, "after the undo");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task Undoing_twice_changes_nothing_more(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext());
        var before = await bench.EffectsAsync(subject);
        var undo = NewContext();
        await subject.UndoAsync(undo);
        await subject.TryUndoAsync(undo with { Attempt = 2 });
        await subject.TryUndoAsync(NewContext());
        await ExpectStandsAsync(subject, false, "after three undos");
        await bench.ExpectEffectsAsync(subject, before, 1, "three undos");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task Undoing_what_was_never_done_changes_nothing(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        await subject.TryUndoAsync(NewContext());
        await subject.ExpectProbeAsync(ObservationKind.NotSo, NewContext(), "after an undo of what was never done");
        await bench.ExpectEffectsAsync(subject, before, 0, "an undo of what was never done");
    }

    [NeedsFeature(TargetFeatures.LostAnswers)]
    public static async Task What_was_done_though_its_answer_was_lost_is_so(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.PlantAsync(TargetFault.ThrowsAfterEffect);
        await subject.TryExecuteAsync(context);
        await subject.ExpectVerifyAsync(ObservationKind.So, context, "after a call whose answer was lost");
    }

    [NeedsFeature(TargetFeatures.Failures)]
    public static async Task What_failed_can_be_tried_again_under_the_same_id(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.PlantAsync(TargetFault.ThrowsBeforeEffect);
        if (await subject.TryExecuteAsync(context) is not null)
        {
            await subject.ExpectVerifyAsync(ObservationKind.NotSo, context, "after a call that the target refused");
            await subject.ExecuteAsync(context with { Attempt = 2 });
        }

        await subject.ExpectVerifyAsync(ObservationKind.So, context, "after the second attempt");
    }
}
