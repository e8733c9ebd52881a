using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>An entry whose body several folds read, and that is parsed once.</summary>
internal sealed class EntryReading(Entry entry)
{
    private object? _body;

    public Entry Entry => entry;

    /// <exception cref="JournalDamagedException">The body is not of this shape.</exception>
    public T Body<T>()
        where T : class => _body as T ?? (T)(_body = Journal.Body.Read<T>(entry));

    /// <summary>A member that its view cannot do without.</summary>
    /// <exception cref="JournalDamagedException">It is not there.</exception>
    public T Need<T>(T? member)
        where T : class => member ?? throw new JournalDamagedException(entry.Run, entry.Seq, "its body lacks what its kind has");

    /// <summary>The name of the entry's step, without its arguments and occurrence.</summary>
    public string StepName => entry.Step.Split('/')[0];
}

/// <summary>One part of what a run's entries tell, in the order of their seq.</summary>
internal interface IEntryFold
{
    /// <exception cref="JournalDamagedException">The entry's body cannot be read; the entry is left out.</exception>
    void Add(EntryReading reading);
}
