using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Commands;

/// <summary>
/// The file beside a store that gives out roles: <c>{"person:anna": ["approver"], …}</c>. Without one, whoever may hand in commands has every role; with one, exactly those that it gives, and <c>*</c> is every role.
/// It is read anew each time. One that cannot be trusted or understood gives nobody anything.
/// </summary>
internal sealed class RoleBook(StorePaths paths) : IRoleSource
{
    private const int BytesMax = 1024 * 1024;

    public IReadOnlyCollection<string>? RolesOf(string actor)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(actor);
        return Read() is { } book ? book.GetValueOrDefault(actor) ?? [] : null;
    }

    private Dictionary<string, string[]>? Read()
    {
        byte[] text;
        try
        {
            using var file = Open();
            if (file is null)
            {
                return null;
            }

            ThrowIfUntrusted(file);
            text = new byte[BytesMax + 1];
            text = text[..RandomAccess.Read(file, text, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable($"it cannot be read: {e.Message.TrimEnd('.')}", e);
        }

        return text.Length <= BytesMax ? Parse(text) : throw Unusable($"it is longer than {BytesMax} bytes");
    }

    /// <summary>The open file, or null if there is none. It is looked at by its handle alone, so that nobody can exchange it in between.</summary>
    private SafeFileHandle? Open()
    {
        try
        {
            return OperatingSystem.IsWindows() ? File.OpenHandle(paths.Roles, FileMode.Open, FileAccess.Read, FileShare.ReadWrite) : Native.OpenToRead(paths.Roles);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (IOException e) when (e.HResult == Native.NoSuchFile)
        {
            return null;
        }
    }

    private void ThrowIfUntrusted(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var (owner, _, mode, isFile) = Native.Status(file);
        var storeOwner = Native.Status(paths.Database).User;
        if (!isFile)
        {
            throw Unusable("it is no plain file");
        }

        if ((mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw Unusable($"others than its owner may write it, and could give themselves roles. Then: chmod go-w '{paths.Roles}'");
        }

        if (owner != 0 && owner != storeOwner)
        {
            throw Unusable($"it belongs to {Users.Named(owner)}, neither to the store's owner ({Users.Named(storeOwner)}) nor to root");
        }
    }

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
