using System.Buffers;
using System.Text.Json;

namespace Signalbox.Sqlite.Commands;

/// <summary>
/// A command that somebody hands in for somebody else: <c>{"command":"for","actor":"person:anna","roles":["approver"],"do":{…}}</c>. It is wrapped, not added to, so that an owner that does not know it refuses it, and never
/// carries it out under the name of who hands it in.
/// </summary>
internal static class OnBehalf
{
    private const string Name = "for";

    public static byte[] Write(RunCommand command, Caller caller)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("command", Name);
            json.WriteString("actor", caller.Actor);
            json.WriteStartArray("roles");
            foreach (var role in caller.Roles)
            {
                json.WriteStringValue(role);
            }

            json.WriteEndArray();
            json.WritePropertyName("do");
            json.WriteRawValue(command.ToJson(), skipInputValidation: true);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The command, and for whom it is if not for who hands it in.</summary>
    /// <exception cref="JsonException">It is no such command.</exception>
    public static (ReadOnlyMemory<byte> Command, Caller? Behalf) Read(byte[] message)
    {
        using var json = JsonDocument.Parse(message);
        var root = json.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("command", out var command) || command.ValueKind != JsonValueKind.String || !command.ValueEquals(Name))
        {
            return (message, null);
        }

        if (!root.TryGetProperty("actor", out var actor) || actor.ValueKind != JsonValueKind.String || actor.GetString() is not { } name || !IsActor(name))
        {
            throw new JsonException("a command for somebody names them as its actor, such as person:anna.");
        }

        if (!root.TryGetProperty("roles", out var roles) || roles.ValueKind != JsonValueKind.Array || roles.EnumerateArray().Any(r => r.ValueKind != JsonValueKind.String))
        {
            throw new JsonException("a command for somebody says their roles, a list of names.");
        }

        return root.TryGetProperty("do", out var inner)
            ? (System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(inner).ToArray(), new Caller(name, [.. roles.EnumerateArray().Select(r => r.GetString()!)]))
            : throw new JsonException("a command for somebody holds a command to do.");
    }

    private static bool IsActor(string name) => name.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && !string.IsNullOrWhiteSpace(name[(colon + 1)..]) && !name.Any(char.IsControl);
}
