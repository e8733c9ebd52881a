using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace SecurityAlerts;

/// <summary>What stands in an entry file: the entries in order, and the lines that are none.</summary>
internal sealed record EntryFileContent(IReadOnlyList<string> Entries, IReadOnlyList<Fault> Faults);

/// <summary>
/// A text file that other programs and people read and write too: one entry a line, <c>#</c> starts a comment. Adding
/// and removing change exactly one entry's lines; every other line stays as it is, byte for byte, also one that
/// nobody understands. Writers exclude each other, in this process and in others, through a lock file beside it.
/// </summary>
/// <param name="entryOf">The entry that a line without its comment holds, in its one spelling; null when it holds none.</param>
/// <param name="expected">What an entry looks like, for reports about lines that hold none.</param>
internal sealed class EntryFile(string path, TimeProvider clock, Func<string, string?> entryOf, string expected)
{
    private static readonly TimeSpan LockWaitMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);
    private const int RereadsMax = 5;

    // One character for each byte, so that what is not ours is written back as it was, whatever its encoding.
    private static readonly Encoding Bytes = Encoding.Latin1;

    // By path, so that two objects over one file queue up too, instead of polling for the lock file.
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> Writers = new(StringComparer.Ordinal);

    public string FilePath { get; } = Path.GetFullPath(path);

    /// <summary>Opens the file anew and reads all of it. A file that is not there holds no entry.</summary>
    public async Task<EntryFileContent> ReadAsync(CancellationToken cancellationToken)
    {
        var entries = new List<string>();
        var faults = new List<Fault>();
        foreach (var (index, line) in Lines(await LoadAsync(cancellationToken)).Index())
        {
            var text = WithoutComment(line);
            if (EntryOf(line) is { } entry)
            {
                entries.Add(entry);
            }
            else if (text.Length > 0)
            {
                faults.Add(new(Path.GetFileName(FilePath), index + 1, $"expected {expected}; got \"{TerminalText.Escape(text, 60)}\". The line is kept."));
            }
        }
        return new(entries, faults);
    }

    public async Task<bool> ContainsAsync(string entry, CancellationToken cancellationToken) =>
        (await ReadAsync(cancellationToken)).Entries.Contains(entry, StringComparer.Ordinal);

    /// <summary>Adds an entry unless it is there. It is on disk when this returns; false when it was there already.</summary>
    public Task<bool> AddAsync(string entry, string run, CancellationToken cancellationToken) =>
        ChangeAsync(content =>
        {
            if (Lines(content).Any(line => EntryOf(line) == entry))
            {
                return null;
            }
            var end = content.Length == 0 || content.EndsWith('\n') ? "" : "\n";
            var since = clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            return $"{content}{end}{entry}  # run {Comment(run)}, since {since}\n";
        }, cancellationToken);

    /// <summary>Removes an entry, all of its lines. The removal is on disk when this returns; false when it was not there.</summary>
    public Task<bool> RemoveAsync(string entry, CancellationToken cancellationToken) =>
        ChangeAsync(content =>
        {
            var lines = Lines(content);
            var others = lines.Where(line => EntryOf(line) != entry).ToList();
            return others.Count == lines.Count ? null : string.Concat(others);
        }, cancellationToken);

    /// <summary>The lines of a file with their line ends, so that joining them gives the file again.</summary>
    private static List<string> Lines(string content)
    {
        var lines = new List<string>();
        for (var start = 0; start < content.Length;)
        {
            var end = content.IndexOf('\n', start) is >= 0 and var newline ? newline + 1 : content.Length;
            lines.Add(content[start..end]);
            start = end;
        }
        return lines;
    }

    private string? EntryOf(string line) => WithoutComment(line) is { Length: > 0 } text ? entryOf(text) : null;

    private static string WithoutComment(string line) => line.Split('#', 2)[0].Trim();

    private static string Comment(string run) =>
        string.Concat(TerminalText.Escape(run, 100).Select(c => c is >= ' ' and <= '~' and not '#' ? c : '?'));

    private async Task<bool> ChangeAsync(Func<string, string?> change, CancellationToken cancellationToken)
    {
        var oneWriter = Writers.GetOrAdd(FilePath, _ => new(1, 1));
        await oneWriter.WaitAsync(cancellationToken);
        try
        {
            using var others = await LockAsync(cancellationToken);
            for (var attempt = 1; ; attempt++)
            {
                var before = await LoadAsync(cancellationToken);
                if (change(before) is not { } after)
                {
                    return false;
                }
                // A person with an editor takes no lock: what was saved meanwhile is merged, not overwritten.
                if (await LoadAsync(cancellationToken) == before)
                {
                    await DurableFile.ReplaceAsync(FilePath, Bytes.GetBytes(after), cancellationToken);
                    return true;
                }
                if (attempt == RereadsMax)
                {
                    throw new IOException($"{FilePath} was changed by somebody else {RereadsMax} times while it was to be changed here. Nothing was written; try again.");
                }
            }
        }
        finally
        {
            oneWriter.Release();
        }
    }

    private async Task<string> LoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Bytes.GetString(await File.ReadAllBytesAsync(FilePath, cancellationToken));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }

    /// <summary>Takes the lock file, which stays where it is: deleting it would let two writers hold different ones.</summary>
    private async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        var lockPath = FilePath + ".lock";
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        var started = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(lockPath) && clock.GetElapsedTime(started) < LockWaitMax)
            {
                await Task.Delay(LockRetry, clock, cancellationToken);
            }
            catch (IOException held) when (File.Exists(lockPath))
            {
                throw new IOException($"{FilePath} has been locked by another process for {LockWaitMax.TotalSeconds:0} s ({lockPath}). Nothing was written; end that process or try again.", held);
            }
        }
    }
}
