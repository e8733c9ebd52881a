using static Signalbox.Testing.TargetBench;

namespace Signalbox.Testing;

/// <summary>T3, and T2 as well: an effect is a state of its resource, the same whoever makes it and however often.</summary>
internal static class StateLikeTargets
{
    public static async Task A_look_shows_what_others_made_so(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExpectProbeAsync(ObservationKind.NotSo, context, "before anybody did anything");
        await subject.PutAsync();
        await subject.ExpectProbeAsync(ObservationKind.So, context, "after another hand did it");
        await subject.ExpectVerifyAsync(ObservationKind.So, NewContext(), "for another run, to verify");
        await subject.TakeAsync();
        await subject.ExpectProbeAsync(ObservationKind.NotSo, context, "after another hand took it away");
    }

    public static async Task Doing_it_where_it_is_so_already_changes_nothing(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.PutAsync();
        var before = await bench.EffectsAsync(subject);
        await subject.TryExecuteAsync(NewContext());
        await ExpectStandsAsync(subject, true, "after it was done where it was so already");
        await bench.ExpectEffectsAsync(subject, before, 0, "a call where it was so already");
    }

    public static async Task Doing_it_twice_leaves_the_state_of_doing_it_once(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.TryExecuteAsync(context with { Attempt = 2 });
        await ExpectStandsAsync(subject, true, "after it was done twice");
        await subject.ExpectVerifyAsync(ObservationKind.So, context, "after it was done twice");
        await subject.TakeAsync();
        await ExpectStandsAsync(subject, false, "after it was done twice and another hand took it away once");
    }

    public static async Task Doing_it_many_times_at_once_leaves_the_state_of_doing_it_once(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await RaceAsync(i => subject.ByAnother().TryExecuteAsync(context with { Attempt = i + 1 }));
        await ExpectStandsAsync(subject, true, $"after {Racers} racing calls");
        await subject.ExpectVerifyAsync(ObservationKind.So, context, $"after {Racers} racing calls");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task What_was_done_twice_is_undone_by_one_undo(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        await subject.TryExecuteAsync(context with { Attempt = 2 });
        await subject.UndoAsync(NewContext());
        await ExpectStandsAsync(subject, false, "after it was done twice and undone once");
    }
}
