using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker;

/// <summary>What a run's agents have used up: model calls, tokens, millionths of money, microseconds at work, rejected calls and answers.</summary>
public readonly record struct Usage(long Calls, long InputTokens, long OutputTokens, long Micros, long Microseconds, long Rejections)
{
    /// <summary>Both together.</summary>
    public static Usage operator +(Usage a, Usage b) =>
        new(a.Calls + b.Calls, a.InputTokens + b.InputTokens, a.OutputTokens + b.OutputTokens, a.Micros + b.Micros, a.Microseconds + b.Microseconds, a.Rejections + b.Rejections);

    /// <summary>The first without the second.</summary>
    public static Usage operator -(Usage a, Usage b) =>
        new(a.Calls - b.Calls, a.InputTokens - b.InputTokens, a.OutputTokens - b.OutputTokens, a.Micros - b.Micros, a.Microseconds - b.Microseconds, a.Rejections - b.Rejections);

    /// <summary>Both together.</summary>
    public static Usage Add(Usage left, Usage right) => left + right;

    /// <summary>The first without the second.</summary>
    public static Usage Subtract(Usage left, Usage right) => left - right;

    internal long Tokens => InputTokens + OutputTokens;

    /// <summary>What a budget has too little of after this: nothing below zero, and tokens as one sum.</summary>
    internal Usage Excess => new(Math.Max(0, Calls), Math.Max(0, Tokens), 0, Math.Max(0, Micros), 0, Math.Max(0, Rejections));

    internal static Usage Read(Body body)
    {
        return new(Of("calls"), Of("inputTokens"), Of("outputTokens"), Of("micros"), Of("microseconds"), Of("rejections"));

        long Of(string member) => body.OptionalNumber(member) ?? 0;
    }

    /// <inheritdoc />
    public override string ToString() => $"{Calls} calls, {InputTokens}+{OutputTokens} tokens, {Micros} micros, {Microseconds} µs, {Rejections} rejections";
}
