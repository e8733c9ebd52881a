using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Journal;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>A store's whole log as lines for the history checker: a header, then entries and the payloads that they name.</summary>
internal static class JournalExport
{
    private static readonly JsonSerializerOptions WithoutNulls = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static async Task<IReadOnlyList<Entry>> ReadAsync(IRunReader store)
    {
        var entries = new List<Entry>();
        while (await store.ReadLogAsync(entries.Count == 0 ? 0 : entries[^1].Position, 1000, default) is { Count: > 0 } page)
        {
            entries.AddRange(page);
        }

        return entries;
    }

    public static async Task<List<string>> LinesAsync(IRunReader store, IReadOnlyList<Entry> entries)
    {
        var lines = new List<string> { """{"signalbox":1,"exported":"by a test"}""" };
        var written = new HashSet<string>();
        foreach (var entry in entries)
        {
            foreach (var hash in Payloads(entry).Where(written.Add))
            {
                var payload = await store.FindPayloadAsync(new PayloadHash(hash), default);
                Assert.True(payload is not null, $"payload {hash} of {entry.Run}/{entry.Seq} is missing");
                lines.Add($$"""{"payload":"{{hash}}","json":{{Encoding.UTF8.GetString(payload.Value.Span)}}}""");
            }

            lines.Add(Line(entry));
        }

        return lines;
    }

    /// <summary>Bodies are written as they are stored, since the hashes cover their bytes.</summary>
    private static string Line(Entry entry)
    {
        var header = JsonSerializer.Serialize(new
        {
            position = entry.Position,
            run = entry.Run.Value,
            seq = entry.Seq,
            epoch = entry.Epoch,
            at = entry.At,
            kind = entry.Kind,
            state = entry.State,
            visit = entry.Visit,
            scope = entry.Scope,
            step = entry.Step,
            actor = entry.Actor,
            cause = entry.Cause,
            salt = entry.Salt.IsEmpty ? null : Convert.ToHexStringLower(entry.Salt.Span),
            hash = Convert.ToHexStringLower(entry.Hash.Span),
        }, WithoutNulls);
        return entry.Body.IsEmpty ? header : $"{header[..^1]},\"body\":{Encoding.UTF8.GetString(entry.Body.Span)}}}";
    }

    private static List<string> Payloads(Entry entry)
    {
        var found = new List<string>();
        if (!entry.Body.IsEmpty)
        {
            using var body = JsonDocument.Parse(entry.Body);
            Collect(body.RootElement, found);
        }

        return found;
    }

    private static void Collect(JsonElement value, List<string> found)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                value.EnumerateArray().ToList().ForEach(item => Collect(item, found));
                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    if (member.Name == "$payload")
                    {
                        found.Add(member.Value.GetString()!);
                    }
                    else if (member.Name == "model" && member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("messages", out var messages))
                    {
                        found.AddRange(messages.EnumerateArray().Select(message => message.GetString()!));
                    }

                    Collect(member.Value, found);
                }

                break;
        }
    }
}
