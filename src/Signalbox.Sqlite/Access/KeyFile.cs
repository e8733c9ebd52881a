using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>
/// The API keys of a store, in the file beside it (its name with <c>.keys.json</c>): hashes, never the keys themselves. It is read anew each time, so that what is added or revoked counts at once. A file that cannot be
/// understood, or that others than the store's owner and root may write, lets nobody in. Safe to call from several threads and processes.
/// </summary>
public sealed class KeyFile : IKeySource
{
    private static readonly TimeSpan LockWait = TimeSpan.FromMilliseconds(25);
    private const int LockAttempts = 200;

    private readonly StorePaths _paths;
    private readonly TrustedFile _file;
    private Parsed? _last;

    /// <summary>The keys of the store at this path.</summary>
    public KeyFile(string store)
    {
        _paths = new StorePaths(store);
        _file = new TrustedFile(_paths.Keys, _paths.Database, Unusable, "make themselves keys");
    }

    /// <inheritdoc />
    public string Place => _paths.Keys;

    /// <inheritdoc />
    public IReadOnlyList<ApiKey> Keys()
    {
        if (_file.Read() is not { } text)
        {
            return [];
        }

        // Compared byte by byte, not by time and size, which can be the same after a change.
        if (Volatile.Read(ref _last) is { } last && last.Text.AsSpan().SequenceEqual(text))
        {
            return last.Keys;
        }

        var keys = Parse(text);
        Volatile.Write(ref _last, new(text, keys));
        return keys;
    }

    /// <summary>Makes a key. Its text is returned here, and can never be had again. When this returns, it is on disk.</summary>
    /// <exception cref="ArgumentException">The name or a role does not do.</exception>
    /// <exception cref="StoreRefusedException"><c>keys_unusable</c>: the file cannot be read or written.</exception>
    public async Task<(ApiKey Key, string Text)> AddAsync(
        string name, bool isMachine, IReadOnlyList<string> roles, DateTimeOffset now, DateTimeOffset? expiresAt = null, Entropy? entropy = null, CancellationToken cancellationToken = default)
    {
        var made = ApiKey.Create(entropy ?? Entropy.System, name, isMachine, roles, now, expiresAt);
        await ChangeAsync(
            keys => keys.Any(k => k.Name == name && k.IsMachine != isMachine)
                ? throw new ArgumentException($"'{name}' has a key as {(isMachine ? "a person" : "a machine")} already; a name is the one or the other. Nothing was changed.", nameof(name))
                : [.. keys, made.Key],
            cancellationToken);
        return made;
    }

    /// <summary>Takes back the key of that id, or all keys of that name, from the next request on. What was live and is not any more is returned.</summary>
    /// <exception cref="StoreRefusedException"><c>keys_unusable</c>: the file cannot be read or written.</exception>
    public async Task<IReadOnlyList<ApiKey>> RevokeAsync(string idOrName, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(idOrName);
        ApiKey[] revoked = [];
        await ChangeAsync(
            keys =>
            {
                revoked = [.. keys.Where(k => k.RevokedAt is null && (k.Id == idOrName || k.Name == idOrName))];
                return revoked.Length == 0 ? keys : [.. keys.Select(k => revoked.Contains(k) ? k with { RevokedAt = now } : k)];
            },
            cancellationToken);
        return revoked;
    }

    private async Task ChangeAsync(Func<IReadOnlyList<ApiKey>, IReadOnlyList<ApiKey>> change, CancellationToken cancellationToken)
    {
        if (!File.Exists(_paths.Database))
        {
            throw new StoreRefusedException("store_not_found", $"There is no store '{_paths.Database}', and so no keys for it. The program that runs the workflows makes it when it first starts; check the path (--store).");
        }

        try
        {
            using var alone = await LockAsync(cancellationToken);
            var before = Keys();
            var after = change(before);
            if (!ReferenceEquals(before, after))
            {
                Write(after);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable($"it cannot be written: {e.Message.TrimEnd('.')}. Nothing was changed; only the store's owner and root can", e);
        }
    }

    /// <summary>Two who change the file at once would lose one change: they go one after the other, by a lock on the folder, which ends with the process.</summary>
    private async Task<IDisposable?> LockAsync(CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return null; // a folder cannot be locked there; keys are made by hand, one at a time
        }

        var folder = Native.OpenToRead(_paths.Folder);
        try
        {
            for (var attempt = 1; !Native.TryLock(folder); attempt++)
            {
                if (attempt == LockAttempts)
                {
                    throw new IOException("another process changes it and does not come to an end");
                }

                await Task.Delay(LockWait, TimeProvider.System, cancellationToken);
            }

            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private void Write(IReadOnlyList<ApiKey> keys)
    {
        var unfinished = _paths.Keys + ".unfinished";
        File.Delete(unfinished);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(unfinished, options))
        {
            JsonSerializer.Serialize(file, new KeyList([.. keys.Select(StoredKey.Of)]), KeyJson.Default.KeyList);
            file.Flush(flushToDisk: true);
        }

        if (OperatingSystem.IsLinux() && Native.EffectiveUser() == 0)
        {
            Native.ChangeUser(unfinished, Native.Status(_paths.Database).User); // whoever owns the store has to read it
        }

        File.Move(unfinished, _paths.Keys, overwrite: true);
        Native.FlushFolder(_paths.Folder);
    }

    private List<ApiKey> Parse(byte[] text)
    {
        KeyList list;
        try
        {
            list = JsonSerializer.Deserialize(text, KeyJson.Default.KeyList) ?? throw new JsonException("null is no list of keys");
        }
        catch (JsonException e)
        {
            throw Unusable($"it is no list of keys: {e.Message.TrimEnd('.')}", e);
        }

        var keys = new List<ApiKey>();
        foreach (var stored in list.Keys)
        {
            var key = stored.ToKey();
            if (ApiKey.NameFault(key.Name) is not null || key.Id.Length != 8 || key.Hash.Length != 64 || !key.Hash.All(char.IsAsciiHexDigitLower) || key.Roles.Any(string.IsNullOrWhiteSpace))
            {
                throw Unusable($"its key '{key.Id}' is not one that 'signalbox keys add' writes", null);
            }

            if (keys.Any(k => k.Id == key.Id || (k.Name == key.Name && k.IsMachine != key.IsMachine)))
            {
                throw Unusable($"'{key.Id}' or '{key.Name}' stands in it twice", null);
            }

            keys.Add(key);
        }

        return keys;
    }

    private StoreRefusedException Unusable(string why, Exception? inner) => new("keys_unusable", $"The keys in '{_paths.Keys}' cannot be used: {why}. Until it is put right nobody gets in by a key.", inner);

    private sealed record Parsed(byte[] Text, IReadOnlyList<ApiKey> Keys);
}

/// <summary>The file. A shape of its own, so that the record may change without it.</summary>
internal sealed record KeyList(IReadOnlyList<StoredKey> Keys);

internal sealed record StoredKey(string Id, string Name, bool Machine, IReadOnlyList<string> Roles, string Sha256, DateTimeOffset Created, DateTimeOffset? Expires = null, DateTimeOffset? Revoked = null)
{
    public static StoredKey Of(ApiKey key) => new(key.Id, key.Name, key.IsMachine, key.Roles, key.Hash, key.CreatedAt, key.ExpiresAt, key.RevokedAt);

    public ApiKey ToKey() => new(Id, Name, Machine, Roles, Sha256, Created, Expires, Revoked);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(KeyList))]
internal sealed partial class KeyJson : JsonSerializerContext;
