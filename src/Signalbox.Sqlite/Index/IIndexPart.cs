using Microsoft.Data.Sqlite;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Index;

/// <summary>
/// A part of the index with tables of its own in the index file. All parts are fed the same entries in the same transaction, which also moves the cursor: each entry once, in the order of the log, without a gap.
/// What a part throws stops the feeding, so it forgives what it does not understand.
/// </summary>
internal interface IIndexPart
{
    /// <summary>Which shape its tables have. An index made for another is thrown away and made anew.</summary>
    int Version { get; }

    /// <summary>Makes its tables in a new file.</summary>
    void CreateTables(SqliteConnection connection);

    /// <summary>Takes entries in. The transaction is committed or rolled back by the caller; what the part keeps in memory must follow from its tables alone.</summary>
    void Add(IReadOnlyList<IndexedEntry> entries, SqliteTransaction transaction);
}

/// <summary>An entry as the log has it, unmasked, with what its run was started with.</summary>
internal readonly record struct IndexedEntry(Entry Entry, RunFacts Run);

/// <summary>What all entries of a run share.</summary>
internal sealed record RunFacts(string Workflow, IReadOnlyDictionary<string, string> Labels)
{
    public static RunFacts Unknown { get; } = new("", new Dictionary<string, string>());
}
