using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// Masks the parts of a view. An altered body may lack what its type says it has: nothing is null here that a view says is there. What identifies something (an id, a hash, a claim's resource, an actor) is no text to
/// mask: the engine's answers depend on it.
/// </summary>
internal static class Masking
{
    extension(Redactor redactor)
    {
        public string Shown(string? text) => redactor.Text(text ?? "");

        public string? Optional(string? text) => text is null ? null : redactor.Text(text);

        public RawJson? Optional(RawJson? json) => json is { IsMissing: false } value ? redactor.Value(value) : null;

        /// <summary>A value; what refers to a payload does so still.</summary>
        public RawJson Value(RawJson json) => json.IsMissing || json.Reference is not null ? json : redactor.Json(json);

        public IReadOnlyList<string> Texts(IReadOnlyList<string>? texts) => texts is null or { Count: 0 } ? [] : ReferenceEquals(redactor, Redactor.None) ? texts : [.. texts.Select(redactor.Shown)];

        public IReadOnlyDictionary<string, string> Texts(IReadOnlyDictionary<string, string>? texts) =>
            texts is null or { Count: 0 } ? NoTexts : ReferenceEquals(redactor, Redactor.None) ? texts : texts.ToDictionary(t => t.Key, t => redactor.Member(t.Key, t.Value), StringComparer.Ordinal);

        public RunHead Head(RunHead head) => ReferenceEquals(redactor, Redactor.None) ? head : head with { Row = redactor.Row(head.Row) };

        public RunRow Row(RunRow row) =>
            ReferenceEquals(redactor, Redactor.None) ? row : row with { Key = redactor.Optional(row.Key), Labels = redactor.Texts(row.Labels), Reason = redactor.Optional(row.Reason) };

        /// <summary>The entry as it is stored, but for what must not be shown. A body keeps its references.</summary>
        public Entry Entry(Entry entry) => ReferenceEquals(redactor, Redactor.None) ? entry : entry with
        {
            Cause = redactor.Text(entry.Cause),
            Body = entry.Body.IsEmpty ? entry.Body : redactor.Json(new RawJson(entry.Body)).Utf8,
        };

        public RunSpan Span(RunSpan span) => ReferenceEquals(redactor, Redactor.None) ? span : span with
        {
            Name = redactor.Text(span.Name),
            Why = redactor.Optional(span.Why),
            Attributes = redactor.Attributes(span.Attributes),
            Events = [.. span.Events.Select(e => e with { Why = redactor.Optional(e.Why), Attributes = redactor.Attributes(e.Attributes) })],
        };

        private Dictionary<string, object> Attributes(IReadOnlyDictionary<string, object> attributes) =>
            attributes.ToDictionary(a => a.Key, a => a.Value is string text ? redactor.Text(text) : a.Value, StringComparer.Ordinal);

        public PolicyJudged Judged(PolicyJudged judged) => judged with { Reason = redactor.Shown(judged.Reason) };

        public RunConflict Conflict(RunConflict told) => told.Conflict.Ruled is { } ruled ? told with { Conflict = told.Conflict with { Ruled = redactor.Ruled(ruled) } } : told;

        public ConflictRuled Ruled(ConflictRuled ruled) => ruled with { Why = redactor.Shown(ruled.Why) };

        public ApprovalRequested Asked(ApprovalRequested asked) => ReferenceEquals(redactor, Redactor.None) ? asked : asked with
        {
            Title = redactor.Shown(asked.Title),
            Details = redactor.Optional(asked.Details),
            Why = asked.Why is null ? null : redactor.Texts(asked.Why),
            Meanings = asked.Meanings?.ToDictionary(m => m.Key, m => redactor.Text(m.Value)),
            Action = asked.Action is { } action ? action with { Arguments = redactor.Value(action.Arguments) } : null,
        };

        /// <summary>A text under a name that may be marked.</summary>
        private string Member(string name, string value)
        {
            var json = new RawJson(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { [name] = value }));
            var masked = redactor.Json(json);
            if (masked.Utf8.Span.SequenceEqual(json.Utf8.Span))
            {
                return value;
            }

            using var document = JsonDocument.Parse(masked.Utf8);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var shown) && shown.ValueKind == JsonValueKind.String ? shown.GetString()! : Redactor.Mask;
        }
    }

    private static Dictionary<string, string> NoTexts { get; } = [];
}
