using System.Text;
using System.Text.Json;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Commands;

/// <summary>
/// The file beside a store that gives out roles: <c>{"person:anna": ["approver"], …}</c>. Without one, whoever may hand in commands has every role; with one, exactly those that it gives, and <c>*</c> is every role.
/// It is read anew each time. One that cannot be trusted or understood gives nobody anything.
/// </summary>
internal sealed class RoleBook(StorePaths paths) : IRoleSource
{
    public IReadOnlyCollection<string>? RolesOf(string actor)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(actor);
        return Read() is { } book ? book.GetValueOrDefault(actor) ?? [] : null;
    }

    private Dictionary<string, string[]>? Read() => new TrustedFile(paths.Roles, paths.Database, Unusable, "give themselves roles").Read() is { } text ? Parse(text) : null;

    private Dictionary<string, string[]> Parse(byte[] text)
    {
        try
        {
            using var json = JsonDocument.Parse(text.AsMemory(text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0));
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Unusable("it is no JSON object");
            }

            var book = new Dictionary<string, string[]>(StringComparer.Ordinal);
            foreach (var person in json.RootElement.EnumerateObject())
            {
                if (!person.Name.Contains(':', StringComparison.Ordinal))
                {
                    throw Unusable($"'{person.Name}' is no actor; people are written person:name");
                }

                if (!book.TryAdd(person.Name, Roles(person)))
                {
                    throw Unusable($"'{person.Name}' stands in it twice");
                }
            }

            return book;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Unusable($"it is no JSON: {e.Message.TrimEnd('.')}", e); // InvalidOperationException: half of a character
        }
    }

    private string[] Roles(JsonProperty person)
    {
        var isList = person.Value.ValueKind == JsonValueKind.Array && person.Value.EnumerateArray().All(r => r.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(r.GetString()));
        return isList ? [.. person.Value.EnumerateArray().Select(r => r.GetString()!)] : throw Unusable($"the roles of '{person.Name}' are no list of names, such as [\"approver\"]");
    }

    private StoreRefusedException Unusable(string why, Exception? inner = null) => new(
        "roles_unusable", $"The role book '{paths.Roles}' cannot be used: {why}. Until it is put right nobody has a role. Nothing was changed.", inner);
}
