using Microsoft.Data.Sqlite;
using Signalbox.Queries;

namespace Signalbox.Sqlite.Index;

/// <summary>What runs came to, added up while the log is read.</summary>
internal sealed class StatisticsTables : IIndexPart
{
    public int Version => 0;

    public void CreateTables(SqliteConnection connection)
    {
    }

    public void Add(IReadOnlyList<IndexedEntry> entries, SqliteTransaction transaction)
    {
    }

    /// <summary>The answer, on any connection to the index file, in its present snapshot. <paramref name="upTo"/> is the last entry that the index has.</summary>
    public static Statistics Read(SqliteConnection connection, StatisticsQuery query, DateTimeOffset now, long upTo) => new() { Since = query.Since ?? now, Until = query.Until ?? now, UpTo = upTo };
}
