using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Reading;

/// <summary>How a run's row stands in the table, in the one order that reading relies on.</summary>
internal static class RunColumns
{
    public const string All = """
        r.id, r.run, r.workflow, r.version, r.fingerprint, r.key, r.labels, r.parent, r.parent_step, r.status, r.state, r.visit, r.visit_seq,
        r.reason_code, r.reason, r.epoch, r.worker, r.lease_seq, r.deaths, r.alone, r.deaths_alone, r.cancel_requested, r.started_at, r.changed_at, r.spent, r.erased
        """;

    public const int Id = 0;

    private static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>();

    public static RunRow Read(SqliteDataReader row) => new()
    {
        Run = new RunId(row.GetString(1)),
        Workflow = row.GetString(2),
        Version = row.GetInt32(3),
        Fingerprint = row.GetString(4),
        Key = Text(row, 5),
        Labels = Text(row, 6) is { } labels ? JsonSerializer.Deserialize(labels, ColumnsJson.Default.DictionaryStringString)! : NoLabels,
        Parent = Text(row, 7) is { } parent ? new RunId(parent) : null,
        ParentStep = Text(row, 8),
        Status = Enum.Parse<RunStatus>(row.GetString(9)),
        State = row.GetString(10),
        Visit = row.GetInt32(11),
        VisitSeq = row.GetInt64(12),
        ReasonCode = Text(row, 13),
        Reason = Text(row, 14),
        Epoch = row.GetInt32(15),
        Worker = Text(row, 16),
        LeaseSeq = row.GetInt64(17),
        Deaths = row.GetInt32(18),
        Alone = row.GetBoolean(19),
        DeathsAlone = row.GetInt32(20),
        CancelRequested = row.GetBoolean(21),
        StartedAt = Microseconds.ToTime(row.GetInt64(22)),
        ChangedAt = Microseconds.ToTime(row.GetInt64(23)),
        IsErased = row.GetBoolean(25),
        Spent = Text(row, 24) is { } spent ? JsonSerializer.Deserialize(spent, ColumnsJson.Default.Spending)! : Spending.None,
    };

    public static string? Labels(IReadOnlyDictionary<string, string> labels) =>
        labels.Count == 0 ? null : JsonSerializer.Serialize(new Dictionary<string, string>(labels), ColumnsJson.Default.DictionaryStringString);

    public static string? Spent(Spending spent) => spent == Spending.None ? null : JsonSerializer.Serialize(spent, ColumnsJson.Default.Spending);

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(Spending))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ColumnsJson : JsonSerializerContext;
