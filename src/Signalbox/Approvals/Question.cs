using Signalbox.Journal;

namespace Signalbox;

/// <summary>A question to a person, answered by one of its choices.</summary>
public sealed record Question(string Title, params IReadOnlyList<string> Choices)
{
    /// <summary>The longest text that says what a choice does, in characters.</summary>
    public const int MeaningMax = 300;

    /// <summary>What each choice does, in a few words, by choice: shown beside it to whoever answers. A choice may have none.</summary>
    public IReadOnlyDictionary<string, string>? Meanings { get; init; }

    /// <summary>What tells it apart from other questions of the visit.</summary>
    public string Name { get; init; } = "approval";

    /// <summary>What the person should know, written as JSON and shown as data.</summary>
    public object? Details { get; init; }

    /// <summary>How long an answer is awaited; null: for ever.</summary>
    public TimeSpan? Within { get; init; }

    /// <summary>The choice that counts when nobody answers in time; one of <see cref="Choices"/>.</summary>
    public string? Safe { get; init; }

    internal void ThrowIfUnfit()
    {
        StepKey.ThrowIfUnfit(Name);
        if (Choices.Count == 0 || Choices.Any(string.IsNullOrWhiteSpace) || Choices.Distinct().Count() != Choices.Count)
        {
            throw new ArgumentException($"Question '{Name}' needs choices that differ and are not empty; got: {string.Join(", ", Choices)}.");
        }

        if (Meanings?.FirstOrDefault(m => !Choices.Contains(m.Key) || string.IsNullOrWhiteSpace(m.Value) || m.Value.Length > MeaningMax) is { Key: { } unfit } wrong)
        {
            throw new ArgumentException(
                $"Question '{Name}' says what its choices do ({nameof(Meanings)}): each of them one of {string.Join(", ", Choices)}, with 1 to {MeaningMax} characters; got '{unfit}' with {wrong.Value?.Length ?? 0}.");
        }

        if (Within is not null && (Safe is null || !Choices.Contains(Safe)))
        {
            throw new ArgumentException($"Question '{Name}' has a time limit and so needs a safe choice, one of: {string.Join(", ", Choices)}; got '{Safe}'.");
        }
    }
}

/// <summary>A person's answer. <paramref name="By"/> is who gave it, as authenticated; null if nobody did in time and the safe choice counts.</summary>
public sealed record Answer(string Choice, string? By, string? Comment, DateTimeOffset At)
{
    /// <summary>Whether nobody answered in time.</summary>
    public bool IsExpired => By is null;
}
