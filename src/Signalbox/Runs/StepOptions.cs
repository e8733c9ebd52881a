using Signalbox.Journal;

namespace Signalbox;

/// <summary>How long a step may take and how often it is tried. A step is a read: trying it again does no harm.</summary>
public sealed record StepOptions
{
    /// <summary>One minute an attempt; three attempts, 200 ms and then 400 ms apart.</summary>
    public static StepOptions Default { get; } = new();

    /// <summary>One attempt.</summary>
    public static StepOptions Once { get; } = new() { Attempts = 1 };

    /// <summary>The time limit of one attempt. What ignores its cancellation is left behind, and its answer is never used.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often it is tried in all, from 1.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>The pause after the first failure; each further pause is twice as long, up to <see cref="BackoffMax"/>.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a failure is worth another attempt; null: every failure is.</summary>
    public Func<Exception, bool>? RetryOn { get; init; }

    /// <summary>What tells apart two steps of one name and equal arguments that are at work at once.</summary>
    public string? Key { get; init; }

    /// <summary>What kind of step it is, as recorded; null for a plain read.</summary>
    internal string? Type { get; init; }

    /// <summary>Which tool call it is.</summary>
    internal ToolCalled? Tool { get; init; }

    /// <summary>How long a failure itself asks to be waited after; a pause longer than <see cref="BackoffMax"/> is not waited for, and the step has failed.</summary>
    internal Func<Exception, TimeSpan?>? AsksToWait { get; init; }

    internal TimeSpan PauseAfter(int attempt) =>
        TimeSpan.FromTicks((long)Math.Min(BackoffMax.Ticks, Backoff.Ticks * Math.Pow(2, attempt - 1)));

    internal bool IsWorthAnother(Exception fault) => RetryOn?.Invoke(fault) != false && !(AsksToWait?.Invoke(fault) > BackoffMax);
}

/// <summary>
/// A step failed for good; the failure is recorded and is what the step answers from now on, until the run is retried. <see cref="Code"/> is
/// <c>failed</c>, <c>timed_out</c>, <c>too_large</c>, <c>invalid_answer</c>, or a <see cref="ModelTrouble"/> in snake case.
/// </summary>
public sealed class StepFailedException(RunId run, string step, string code, string reason, int attempts)
    : Exception($"Step '{step}' of run '{run}' failed after {attempts} {(attempts == 1 ? "attempt" : "attempts")}: {reason}")
{
    /// <summary>The run.</summary>
    public RunId Run { get; } = run;

    /// <summary>The step's key.</summary>
    public string Step { get; } = step;

    /// <summary>The stable code.</summary>
    public string Code { get; } = code;

    /// <summary>Why, in words; text from outside.</summary>
    public string Reason { get; } = reason;

    /// <summary>How often it was tried.</summary>
    public int Attempts { get; } = attempts;
}

/// <summary>An attempt failed in a way that has a code of its own.</summary>
internal sealed class StepFaultException(string code, string reason, Exception? inner = null, Settlement? settlement = null) : Exception(reason, inner)
{
    public string Code { get; } = code;

    public Settlement? Settlement { get; } = settlement;
}
