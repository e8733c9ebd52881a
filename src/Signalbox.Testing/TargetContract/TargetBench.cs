namespace Signalbox.Testing;

/// <summary>What the facts have in common: contexts, races, comparisons.</summary>
internal sealed class TargetBench(TargetHarness harness, TargetClass targetClass, TargetFeatures features)
{
    public const int Racers = 20;

    /// <summary>How long a call that hangs is left alone before it is canceled.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(300);

    public TargetClass TargetClass => targetClass;

    public bool Has(TargetFeatures wanted) => features.HasFlag(wanted);

    public TargetSubject NewSubject() => harness.NewSubject();

    /// <summary>An attempt of an action that there was none of before.</summary>
    public static ActionContext NewContext(int epoch = 1)
    {
        Span<byte> id = stackalloc byte[16];
        Entropy.System.Fill(id);
        return new ActionContext(Convert.ToHexStringLower(id), RunId.New(Entropy.System), epoch, 1, TimeProvider.System.GetUtcNow());
    }

    /// <summary>A source that is canceled once a call has hung for a while.</summary>
    public static CancellationTokenSource Patience() => new(s_patience, TimeProvider.System);

    /// <summary>All calls at once; gives what each threw.</summary>
    public static async Task<Exception?[]> RaceAsync(Func<int, Task<Exception?>> call)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var racing = Enumerable.Range(0, Racers).Select(i => Task.Run(async () =>
        {
            await start.Task;
            return await call(i);
        })).ToArray();
        start.SetResult();
        return await Task.WhenAll(racing);
    }

    public async Task<int> EffectsAsync(TargetSubject subject) => Has(TargetFeatures.EffectLog) ? await subject.EffectsAsync() : 0;

    /// <summary>Expects so many effects since <paramref name="before"/>; without a log nothing is expected.</summary>
    public async Task ExpectEffectsAsync(TargetSubject subject, int before, int expected, string what)
    {
        if (Has(TargetFeatures.EffectLog))
        {
            Expect.Equal(expected, await subject.EffectsAsync() - before, $"Effects in the target's log of {what}");
        }
    }

    public static async Task ExpectStandsAsync(TargetSubject subject, bool expected, string when) =>
        Expect.That(await subject.StandsAsync() == expected, expected ? $"The effect does not stand {when}." : $"The effect stands {when}.");
}
