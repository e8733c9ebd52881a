using static Signalbox.Testing.TargetBench;

namespace Signalbox.Testing;

/// <summary>What targets of all classes do.</summary>
internal static class EveryTarget
{
    public static async Task Executing_makes_the_effect(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await ExpectStandsAsync(subject, false, "before anything was done about it; the harness must give an action on an unused resource");
        var before = await bench.EffectsAsync(subject);
        await subject.ExecuteAsync(NewContext());
        await ExpectStandsAsync(subject, true, "after ExecuteAsync came back without an error");
        await bench.ExpectEffectsAsync(subject, before, 1, "one call");
    }

    public static async Task Actions_on_two_resources_do_not_touch_each_other(TargetBench bench)
    {
        var (one, other) = (bench.NewSubject(), bench.NewSubject());
        var before = await bench.EffectsAsync(other);
        await one.ExecuteAsync(NewContext());
        await ExpectStandsAsync(other, false, "after an action on another resource");
        await bench.ExpectEffectsAsync(other, before, 0, "an action on another resource");
        await other.ExecuteAsync(NewContext());
        await ExpectStandsAsync(one, true, "after an action on another resource");
        if (bench.Has(TargetFeatures.Undo))
        {
            await other.UndoAsync(NewContext());
            await ExpectStandsAsync(one, true, "after an action on another resource was undone");
        }
    }

    public static async Task Actions_on_many_resources_at_once_all_have_their_effect(TargetBench bench)
    {
        var subjects = Enumerable.Range(0, Racers).Select(_ => bench.NewSubject()).ToArray();
        var errors = await RaceAsync(i => subjects[i].TryExecuteAsync(NewContext()));
        foreach (var (subject, error) in subjects.Zip(errors))
        {
            Expect.That(error is null, $"One of {Racers} actions on as many resources failed: {(error is null ? "" : TargetSubject.Text(error))}");
            await ExpectStandsAsync(subject, true, $"after it was one of {Racers} actions at once");
        }
    }

    public static async Task A_call_that_is_canceled_before_it_begins_and_throws_has_changed_nothing(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        var error = await subject.TryExecuteAsync(context, new CancellationToken(canceled: true));
        await ExpectStandsAsync(subject, error is null, error is null ? "though a canceled call came back without an error" : $"though the canceled call threw {error.GetType().Name}");
        if (error is not null)
        {
            await subject.ExecuteAsync(context with { Attempt = 2 });
            await ExpectStandsAsync(subject, true, "after an attempt that follows a canceled one");
        }
    }

    public static async Task Claims_are_the_same_whenever_and_by_whomever_they_are_asked_for(TargetBench bench)
    {
        // After a crash another process asks for them again, and frees what it is told.
        var subject = bench.NewSubject();
        var before = subject.Claims();
        await subject.ExecuteAsync(NewContext());
        Expect.Sequence(before, subject.Claims(), "The claims after the action was carried out");
        Expect.Sequence(before, subject.ByAnother().Claims(), "The claims that another handler gives");
    }

    public static Task Whether_it_can_be_undone_is_declared_as_it_is(TargetBench bench)
    {
        var declared = bench.NewSubject().Reversibility;
        Expect.That(
            declared == Reversibility.Irreversible != bench.Has(TargetFeatures.Undo),
            $"The handler declares {declared}, and the features {(bench.Has(TargetFeatures.Undo) ? "have" : "lack")} {nameof(TargetFeatures.Undo)}.");
        return Task.CompletedTask;
    }

    [WithoutFeature(TargetFeatures.Undo)]
    public static async Task What_cannot_be_undone_says_so_and_changes_nothing(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext());
        var error = await subject.TryUndoAsync(NewContext());
        Expect.That(error is NotSupportedException, $"UndoAsync of an action that cannot be undone: expected NotSupportedException, got {error?.GetType().Name ?? "no error"}.");
        await ExpectStandsAsync(subject, true, "after an undo that is not supported");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task Undoing_takes_the_effect_away(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext());
        await subject.UndoAsync(NewContext());
        await ExpectStandsAsync(subject, false, "after UndoAsync came back without an error");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task Undoing_under_the_id_of_the_action_itself_takes_the_effect_away(TargetBench bench)
    {
        // An operator's release --undo comes under the action's own id.
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.ByAnother().UndoAsync(context with { Attempt = 2 });
        await ExpectStandsAsync(subject, false, "after it was undone under the id that made it");
    }

    [NeedsFeature(TargetFeatures.Failures)]
    public static async Task A_call_that_fails_before_its_effect_does_not_look_like_a_success(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.PlantAsync(TargetFault.ThrowsBeforeEffect);
        var error = await subject.TryExecuteAsync(NewContext());
        await ExpectStandsAsync(subject, error is null, error is null ? "though ExecuteAsync came back without an error" : "though the target refused the call");
    }

    [NeedsFeature(TargetFeatures.LostAnswers | TargetFeatures.EffectLog)]
    public static async Task A_call_whose_answer_is_lost_is_no_second_call(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        await subject.PlantAsync(TargetFault.ThrowsAfterEffect);
        var error = await subject.TryExecuteAsync(NewContext());
        await ExpectStandsAsync(subject, true, $"after a call whose answer was lost ({error?.GetType().Name ?? "no error"})");
        await bench.ExpectEffectsAsync(subject, before, 1, "a call whose answer was lost");
    }

    [NeedsFeature(TargetFeatures.Silence)]
    public static async Task A_call_that_is_never_answered_ends_when_it_is_canceled(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        await subject.PlantAsync(TargetFault.HangsAfterEffect);
        using var patience = Patience();
        var error = await subject.TryExecuteAsync(NewContext(), patience.Token);
        Expect.That(error is not null, "ExecuteAsync came back without an error from a target that never answered.");
        await bench.ExpectEffectsAsync(subject, before, 1, "a call that was never answered");
    }
}
