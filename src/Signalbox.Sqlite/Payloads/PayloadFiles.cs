using System.Buffers;
using Signalbox.Journal;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Payloads;

/// <summary>
/// Large payloads, one file each: durable before the transaction that refers to them, so that a crash leaves at worst a file that nobody refers
/// to. Those are swept by the next owner, in the background.
/// </summary>
internal sealed class PayloadFiles(string folder, StoreGroup? group = null)
{
    private const string Unfinished = ".tmp";
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private readonly Lock _lock = new();
    private long _files;

    // What this process has written since the sweep began: not orphans, even where their transaction is still to come. Null when it is over.
    private HashSet<PayloadHash>? _written = [];

    public byte[]? Read(PayloadHash hash, string form)
    {
        try
        {
            return File.ReadAllBytes(PathOf(hash, form));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes the file so that it survives a crash of the machine, in place of one that may be left from an earlier attempt.</summary>
    public void Write(PackedPayload payload)
    {
        var path = PathOf(payload.Hash, payload.Form);
        var shelf = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(shelf))
        {
            Directory.CreateDirectory(shelf);
            group?.ShareFolder(shelf);
            group?.ShareFolder(folder);
            Native.FlushFolder(folder);
            Native.FlushFolder(Path.GetDirectoryName(folder)!);
        }

        lock (_lock)
        {
            _written?.Add(payload.Hash);
        }

        var unfinished = path + "." + Interlocked.Increment(ref _files) + Unfinished;
        try
        {
            using (var file = File.OpenHandle(unfinished, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, payload.Bytes.Span, 0);
                RandomAccess.FlushToDisk(file);
            }

            group?.ShareFile(unfinished);
            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }

        Native.FlushFolder(shelf);
    }

    public bool Has(PackedPayload payload) => File.Exists(PathOf(payload.Hash, payload.Form));

    /// <summary>Deletes the file of a payload that is gone from the database. The writer alone may, between two transactions.</summary>
    public void Delete(PayloadHash hash, string form)
    {
        var path = PathOf(hash, form);
        if (File.Exists(path))
        {
            File.Delete(path);
            Native.FlushFolder(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>Deletes files that no payload in the database has. Only the owner may, once, and while it goes on other payloads may be written.</summary>
    public void Sweep(Func<PayloadHash, bool> isKept, CancellationToken cancellationToken)
    {
        foreach (var shelf in Directory.Exists(folder) ? Directory.EnumerateDirectories(folder) : [])
        {
            foreach (var path in Directory.EnumerateFiles(shelf))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var name = Path.GetFileName(path);
                if (name.Length < 64 || name.AsSpan(0, 64).ContainsAnyExcept(HexDigits))
                {
                    continue; // not ours: whoever put it there may want it
                }

                var hash = new PayloadHash(name[..64]);
                lock (_lock)
                {
                    if (!_written!.Contains(hash) && (name.EndsWith(Unfinished, StringComparison.Ordinal) || !isKept(hash)))
                    {
                        File.Delete(path);
                    }
                }
            }
        }

        lock (_lock)
        {
            _written = null;
        }
    }

    /// <summary>Where a payload lies within the folder.</summary>
    public static string NameOf(PayloadHash hash, string form) => Path.Combine(hash.Value[..2], hash.Value + (form == PackedPayload.Brotli ? ".br" : ""));

    private string PathOf(PayloadHash hash, string form) => Path.Combine(folder, NameOf(hash, form));
}
