namespace Signalbox.Testing;

/// <summary>One action, one handler of it, and the way past the handler. Each call has the time limit of the handler's own policy.</summary>
internal abstract class TargetSubject
{
    /// <summary>Longer texts do not belong into a journal's entry.</summary>
    private const int TextCharactersMax = 4_000;

    public abstract TargetClass TargetClass { get; }

    public abstract Reversibility Reversibility { get; }

    public abstract ActionPolicy Policy { get; }

    /// <summary>What the action claims, in words that can be compared.</summary>
    public abstract IReadOnlyList<string> Claims();

    /// <summary>The same action in the hands of another process.</summary>
    public abstract TargetSubject ByAnother();

    public abstract ValueTask<bool> StandsAsync();

    public abstract ValueTask PutAsync();

    public abstract ValueTask TakeAsync();

    public abstract ValueTask<int> EffectsAsync();

    public abstract ValueTask PlantAsync(TargetFault fault);

    protected abstract Task<Observation> ProbeRawAsync(ActionContext context, CancellationToken cancellationToken);

    protected abstract Task<Observation> VerifyRawAsync(ActionContext context, CancellationToken cancellationToken);

    protected abstract Task<string?> ExecuteRawAsync(ActionContext context, CancellationToken cancellationToken);

    protected abstract Task<string?> UndoRawAsync(ActionContext context, CancellationToken cancellationToken);

    public Task<Observation> ProbeAsync(ActionContext context) => LookAsync("ProbeAsync", ProbeRawAsync, context);

    public Task<Observation> VerifyAsync(ActionContext context) => LookAsync("VerifyAsync", VerifyRawAsync, context);

    public Task ExpectProbeAsync(ObservationKind expected, ActionContext context, string when) => ExpectAsync(expected, ProbeAsync, context, when);

    public Task ExpectVerifyAsync(ObservationKind expected, ActionContext context, string when) => ExpectAsync(expected, VerifyAsync, context, when);

    /// <summary>Calls that must go well.</summary>
    public async Task ExecuteAsync(ActionContext context)
    {
        if (await TryExecuteAsync(context) is { } error)
        {
            throw new ContractViolationException($"ExecuteAsync failed, and nothing speaks against it: {Text(error)}", error);
        }
    }

    /// <inheritdoc cref="ExecuteAsync"/>
    public async Task UndoAsync(ActionContext context)
    {
        if (await TryUndoAsync(context) is { } error)
        {
            throw new ContractViolationException($"UndoAsync failed, and nothing speaks against it: {Text(error)}", error);
        }
    }

    /// <summary>Calls that the target may refuse; gives what was thrown.</summary>
    public Task<Exception?> TryExecuteAsync(ActionContext context, CancellationToken cancellationToken = default) => TryAsync("ExecuteAsync", ExecuteRawAsync, context, cancellationToken);

    /// <inheritdoc cref="TryExecuteAsync"/>
    public Task<Exception?> TryUndoAsync(ActionContext context) => TryAsync("UndoAsync", UndoRawAsync, context, CancellationToken.None);

    public static string Text(Exception error) => $"{error.GetType().Name}: {error.Message}";

    /// <summary>Looks as often as the target may need to show it by the handler's own policy; by default once.</summary>
    private async Task ExpectAsync(ObservationKind expected, Func<ActionContext, Task<Observation>> look, ActionContext context, string when)
    {
        var begun = TimeProvider.System.GetTimestamp();
        for (var looks = 1; ; looks++)
        {
            var seen = await look(context);
            if (seen.Kind == expected)
            {
                return;
            }

            Expect.That(
                TimeProvider.System.GetElapsedTime(begun) < Policy.Verification.Within,
                $"A look {when}: expected {expected}, got {seen.Kind} ('{seen.Proof}'){(looks > 1 ? $" after {looks} looks within {Policy.Verification.Within}" : "")}.");
            await Task.Delay(Policy.Verification.Every ?? Policy.Pause, TimeProvider.System);
        }
    }

    private async Task<Observation> LookAsync(string method, Func<ActionContext, CancellationToken, Task<Observation>> look, ActionContext context)
    {
        Observation? seen;
        try
        {
            seen = await WithinAsync(method, cancellationToken => look(context, cancellationToken), Policy.ProbeWithin, CancellationToken.None);
        }
        catch (Exception e) when (e is not ContractViolationException)
        {
            throw new ContractViolationException($"{method} failed, and nothing speaks against it: {Text(e)}", e);
        }

        Expect.That(seen is not null, $"{method} gave nothing, which is no observation.");
        Expect.That(Enum.IsDefined(seen.Kind), $"{method} gave the kind {(int)seen.Kind}, which is none.");
        Expect.That(!string.IsNullOrWhiteSpace(seen.Proof), $"{method} says {seen.Kind} and not what it saw: its proof is empty.");
        Expect.That(seen.Proof.Length <= TextCharactersMax, $"The proof of {method} has {seen.Proof.Length} characters; at most {TextCharactersMax} are fit to be kept with each look.");
        return seen;
    }

    private async Task<Exception?> TryAsync(string method, Func<ActionContext, CancellationToken, Task<string?>> call, ActionContext context, CancellationToken cancellationToken)
    {
        try
        {
            var receipt = await WithinAsync(method, token => call(context, token), Policy.ExecuteWithin, cancellationToken);
            Expect.That(receipt is null || receipt.Length <= TextCharactersMax, $"The receipt of {method} has {receipt?.Length} characters; at most {TextCharactersMax} are fit to be kept.");
            return null;
        }
        catch (Exception e) when (e is not ContractViolationException)
        {
            return e;
        }
    }

    /// <summary>The token is canceled at the limit, as the engine does; the engine waits no longer, and a test a little.</summary>
    private static async Task<T> WithinAsync<T>(string method, Func<CancellationToken, Task<T>> call, TimeSpan limit, CancellationToken canceled)
    {
        using var source = new CancellationTokenSource(limit, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(source.Token, canceled);
        var calling = call(both.Token);
        try
        {
            return await calling.WaitAsync(limit * 2, TimeProvider.System, CancellationToken.None);
        }
        catch (TimeoutException) when (!calling.IsCompleted)
        {
            throw new ContractViolationException($"{method} did not come back within the {limit} of its policy, nor when it was canceled.");
        }
    }
}
