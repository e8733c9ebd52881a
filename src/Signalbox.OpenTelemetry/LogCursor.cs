using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>Remembers in a file up to which entry the log was sent, and which entry that was, so that another store's cursor is not taken for this one's.</summary>
internal sealed class LogCursor(string path)
{
    internal sealed record Place(long Position, string Hash);

    /// <summary>The position to go on after; 0 if there is no file, or it is of another store.</summary>
    /// <exception cref="StoreRefusedException">The file is none of ours.</exception>
    public async Task<long> LoadAsync(IRunReader reader, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            return 0;
        }

        Place? place;
        try
        {
            place = JsonSerializer.Deserialize(await File.ReadAllBytesAsync(path, cancellationToken), CursorJson.Default.Place);
        }
        catch (JsonException e)
        {
            throw new StoreRefusedException("cursor_unreadable", $"The file '{path}' does not say up to where the log was sent: {e.Message} Delete it to send the whole log again (spans that were sent have the same ids).");
        }

        if (place is not { Position: > 0 })
        {
            return 0;
        }

        var at = await reader.ReadLogAsync(place.Position - 1, 1, cancellationToken);
        return at switch
        {
            [] => 0, // a log that ends before it is another one
            [var entry] when entry.Position == place.Position && Convert.ToHexStringLower(entry.Hash.Span) != place.Hash => 0,
            _ => place.Position, // the entry itself may have been removed by retention
        };
    }

    /// <summary>Moves on. A crash leaves the old place or the new one.</summary>
    public async Task SaveAsync(Journal.Entry last, CancellationToken cancellationToken)
    {
        var fresh = path + ".new";
        await File.WriteAllBytesAsync(fresh, JsonSerializer.SerializeToUtf8Bytes(new Place(last.Position, Convert.ToHexStringLower(last.Hash.Span)), CursorJson.Default.Place), cancellationToken);
        File.Move(fresh, path, overwrite: true);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LogCursor.Place))]
internal sealed partial class CursorJson : JsonSerializerContext;
