namespace Signalbox.Testing;

/// <summary>Calls to a target of a test's own that go wrong as they are told. In a simulation others may go first, and a crash may come, before and after the effect.</summary>
public static class FaultyCall
{
    /// <summary>A call that changes something: goes wrong as the next of <paramref name="faults"/> says, if there is one.</summary>
    public static async Task<string?> RunAsync(Queue<TargetFault> faults, Action effect)
    {
        ArgumentNullException.ThrowIfNull(faults);
        ArgumentNullException.ThrowIfNull(effect);
        await SomeTimeAsync();
        var fault = faults.Count > 0 ? faults.Dequeue() : TargetFault.None;
        if (Acts(fault))
        {
            effect();
        }

        return await AnswerAsync(fault);
    }

    /// <summary>A point at which others of the simulation may go first, and at which a crash may come.</summary>
    public static Task SomeTimeAsync() => SimulatedProcess.OfThisCode?.YieldAsync() ?? Task.CompletedTask;

    internal static bool Acts(TargetFault fault) => fault is TargetFault.None or TargetFault.ThrowsAfterEffect or TargetFault.HangsAfterEffect;

    internal static async Task<string?> AnswerAsync(TargetFault fault)
    {
        await SomeTimeAsync();
        switch (fault)
        {
            case TargetFault.ThrowsBeforeEffect:
                throw new IOException("The target refused the connection.");
            case TargetFault.ThrowsAfterEffect:
                throw new IOException("The connection was lost before the target's answer.");
            case TargetFault.HangsBeforeEffect or TargetFault.HangsAfterEffect:
                await SimulatedProcess.NeverAsync();
                break;
        }

        return "ok";
    }
}
