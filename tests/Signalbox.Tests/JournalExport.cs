using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Tests;

/// <summary>A store's whole log as the history checker reads it: a header, each payload before the first entry that needs it, each entry.</summary>
internal static class JournalExport
{
    public static async Task<List<string>> LinesAsync(IRunReader store)
    {
        var lines = new List<string> { """{"signalbox":1,"exported":"by a test"}""" };
        var told = new HashSet<string>();
        long position = 0;
        while (await store.ReadLogAsync(position, 1000, CancellationToken.None) is { Count: > 0 } page)
        {
            foreach (var entry in page)
            {
                foreach (var hash in References(entry.Body).Where(told.Add))
                {
                    if (await store.FindPayloadAsync(new PayloadHash(hash), CancellationToken.None) is { } bytes)
                    {
                        lines.Add($$"""{"payload":"{{hash}}","json":{{Encoding.UTF8.GetString(bytes.Span)}}}""");
                    }
                }

                lines.Add(Line(entry));
            }

            position = page[^1].Position;
        }

        return lines;
    }

    private static IEnumerable<string> References(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            return [];
        }

        using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 1000 });
        return [.. Hashes(document.RootElement)];

        static IEnumerable<string> Hashes(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject().SelectMany(m =>
                m.Name is "$payload" ? [m.Value.GetString()!]
                : m.Name is "messages" && m.Value.ValueKind == JsonValueKind.Array ? m.Value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)
                : Hashes(m.Value)),
            JsonValueKind.Array => value.EnumerateArray().SelectMany(Hashes),
            _ => [],
        };
    }

    private static string Line(Entry e)
    {
        var line = new StringBuilder();
        line.Append($"{{\"position\":{e.Position},\"run\":{Json(e.Run.Value)},\"seq\":{e.Seq},\"epoch\":{e.Epoch},\"at\":{e.At},\"kind\":{Json(e.Kind)},\"state\":{Json(e.State)}");
        line.Append($",\"visit\":{e.Visit},\"scope\":{Json(e.Scope)},\"step\":{Json(e.Step)},\"actor\":{Json(e.Actor)},\"cause\":{Json(e.Cause)}");
        line.Append(e.Body.IsEmpty ? "" : $",\"body\":{Encoding.UTF8.GetString(e.Body.Span)},\"salt\":\"{Convert.ToHexStringLower(e.Salt.Span)}\"");
        line.Append(e.IsErased ? $",\"digest\":\"{Convert.ToHexStringLower(e.Digest.Span)}\"" : "");
        return line.Append($",\"hash\":\"{Convert.ToHexStringLower(e.Hash.Span)}\"}}").ToString();
    }

    private static string Json(string text) => JsonSerializer.Serialize(text);
}
