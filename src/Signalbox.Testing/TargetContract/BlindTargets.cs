using static Signalbox.Testing.TargetBench;

namespace Signalbox.Testing;

/// <summary>T4: the target cannot be asked. The engine calls it once, so a handler must not call it twice, nor say that it knows.</summary>
internal static class BlindTargets
{
    public static async Task A_look_is_unclear_before_and_after_the_call_and_does_nothing(TargetBench bench)
    {
        var subject = bench.NewSubject();
        var context = NewContext();
        var before = await bench.EffectsAsync(subject);
        await subject.ExpectProbeAsync(ObservationKind.Unclear, context, "before the call");
        await ExpectStandsAsync(subject, false, "after a look alone");
        await bench.ExpectEffectsAsync(subject, before, 0, "a look");
        await subject.ExecuteAsync(context);
        before = await bench.EffectsAsync(subject);
        await subject.ExpectProbeAsync(ObservationKind.Unclear, context, "after the call");
        await subject.ExpectVerifyAsync(ObservationKind.Unclear, context, "after the call, to verify");
        await bench.ExpectEffectsAsync(subject, before, 0, "two looks");
    }

    public static Task An_answer_is_trusted_only_where_it_is_shown_that_what_fails_is_no_answer(TargetBench bench)
    {
        // The engine takes whatever ExecuteAsync returns for done; the facts below are what speaks for that.
        const TargetFeatures Needed = TargetFeatures.Failures | TargetFeatures.LostAnswers;
        Expect.That(
            bench.NewSubject().Policy.Blind == BlindRule.Hold || bench.Has(Needed),
            $"The policy says {nameof(BlindRule.TrustAnswer)}, and the features lack {nameof(TargetFeatures.Failures)} or {nameof(TargetFeatures.LostAnswers)}: plant both, so that the contract sees that neither looks like an answer.");
        return Task.CompletedTask;
    }

    [NeedsFeature(TargetFeatures.LostAnswers)]
    public static async Task A_call_whose_answer_is_lost_is_an_error(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.PlantAsync(TargetFault.ThrowsAfterEffect);
        Expect.That(
            await subject.TryExecuteAsync(NewContext()) is not null,
            "ExecuteAsync came back without an error, and its answer was lost: either the loss is hidden, or the target was called again.");
    }

    [NeedsFeature(TargetFeatures.Failures)]
    public static async Task A_call_that_fails_is_not_made_again_by_the_handler(TargetBench bench)
    {
        var subject = bench.NewSubject();
        await subject.PlantAsync(TargetFault.ThrowsBeforeEffect);
        Expect.That(await subject.TryExecuteAsync(NewContext()) is not null, "ExecuteAsync came back without an error from a call that the target refused: only the engine tries again.");
        await ExpectStandsAsync(subject, false, "after a call that the target refused");
    }
}
