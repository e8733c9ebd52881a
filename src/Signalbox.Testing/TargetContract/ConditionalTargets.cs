using static Signalbox.Testing.TargetBench;

namespace Signalbox.Testing;

/// <summary>
/// T2: the target keeps, for each resource, the newest epoch of each run that it has been shown, and compares it and the state in one step with what it sets. Comparing the state alone is not enough: a late
/// call finds the state that it wants to find as soon as somebody has taken the effect away.
/// </summary>
internal static class ConditionalTargets
{
    public static async Task Racing_calls_are_one_effect(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var before = await bench.EffectsAsync(subject);
        var context = NewContext();
        await RaceAsync(i => subject.ByAnother().TryExecuteAsync(context with { Attempt = i + 1 }));
        await ExpectStandsAsync(subject, true, $"after {Racers} racing calls");
        await bench.ExpectEffectsAsync(subject, before, 1, $"{Racers} racing calls");
    }

    public static async Task A_call_of_an_older_epoch_is_refused_after_one_of_a_newer(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var old = NewContext(epoch: 1);
        await subject.ExecuteAsync(old with { Epoch = 2 });
        await subject.TakeAsync();
        var before = await bench.EffectsAsync(subject);
        await subject.ByAnother().TryExecuteAsync(old);
        await ExpectStandsAsync(subject, false, "again: a call of epoch 1 was taken after one of epoch 2");
        await bench.ExpectEffectsAsync(subject, before, 0, "a call of epoch 1 after one of epoch 2");
    }

    public static async Task A_call_of_an_older_epoch_is_refused_after_a_look_of_a_newer(TargetBench bench)
    {
        // The worker that takes a run over may find it not so, and end it without a call. What its predecessor sent must not arrive after that.
        var subject = bench.NewSubject();
        var old = NewContext(epoch: 1);
        var before = await bench.EffectsAsync(subject);
        await subject.ExpectVerifyAsync(ObservationKind.NotSo, old with { Epoch = 2 }, "of epoch 2, at what nobody has done");
        await subject.ByAnother().TryExecuteAsync(old);
        await ExpectStandsAsync(subject, false, "though a call of epoch 1 came after a look of epoch 2: a look is to raise the fence");
        await bench.ExpectEffectsAsync(subject, before, 0, "a call of epoch 1 after a look of epoch 2");
    }

    public static async Task What_was_refused_to_an_older_epoch_is_not_refused_to_a_newer(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var old = NewContext(epoch: 1);
        await subject.ProbeAsync(old with { Epoch = 2 });
        await subject.TryExecuteAsync(old);
        await subject.ExecuteAsync(old with { Epoch = 2 });
        await ExpectStandsAsync(subject, true, "after a call of epoch 2");
        await subject.TakeAsync();
        await subject.ExecuteAsync(old with { Epoch = 3 });
        await ExpectStandsAsync(subject, true, "after a call of epoch 3");
    }

    public static async Task The_epochs_of_one_run_refuse_nothing_to_another(TargetBench bench)
    {
        // Epochs count the owners of one run; those of two runs have no order.
        var subject = bench.NewSubject();
        await subject.ExecuteAsync(NewContext(epoch: 7));
        await subject.TakeAsync();
        await subject.ExecuteAsync(NewContext(epoch: 1));
        await ExpectStandsAsync(subject, true, "after a call of another run's first epoch");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task An_undo_of_an_older_epoch_is_refused_after_a_look_of_a_newer(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var old = NewContext(epoch: 1);
        await subject.ExecuteAsync(old);
        await subject.ProbeAsync(old with { Epoch = 2 });
        await subject.ByAnother().TryUndoAsync(old);
        await ExpectStandsAsync(subject, true, "any more: an undo of epoch 1 was taken after a look of epoch 2");
    }

    [NeedsFeature(TargetFeatures.Undo)]
    public static async Task Racing_undos_are_one_effect(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        await subject.ExecuteAsync(context);
        var before = await bench.EffectsAsync(subject);
        await RaceAsync(i => subject.ByAnother().TryUndoAsync(context with { Attempt = i + 2 }));
        await ExpectStandsAsync(subject, false, $"after {Racers} racing undos");
        await bench.ExpectEffectsAsync(subject, before, 1, $"{Racers} racing undos");
    }
}
