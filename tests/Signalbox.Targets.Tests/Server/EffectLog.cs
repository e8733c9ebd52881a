using System.Text;
using System.Text.Json;

namespace Signalbox.Targets.Tests.Server;

/// <summary>
/// One line of the server's log: a call that it took, what it changed, and what it answered. The line is the memory: what was done, under which key, and the answer to it are on disk together or not at all.
/// </summary>
/// <param name="Kind">blocks, rules or mails.</param>
/// <param name="Resource">Which of them.</param>
/// <param name="Op">execute, undo, or fence: a newer epoch was shown to the resource.</param>
/// <param name="Applied">Whether something was changed.</param>
/// <param name="ActionId">Who says to do it.</param>
/// <param name="Fence">The run and its epoch, of T2.</param>
/// <param name="Key">The idempotency key, of T1.</param>
/// <param name="Status">The answer's status.</param>
/// <param name="Text">The rule's or the mail's text.</param>
internal sealed record Effect(string Kind, string Resource, string Op, bool Applied, string ActionId, string? Fence = null, string? Key = null, int Status = 0, string? Text = null);

/// <summary>An append-only file of effects; an append that returns is on disk. A half line at the end, of a server that was killed, was never answered and is cut off.</summary>
internal sealed class EffectLog : IDisposable
{
    private readonly FileStream _file;

    public EffectLog(string path)
    {
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        _file.SetLength(whole);
        _file.Position = whole;
        Earlier = Read(Encoding.UTF8.GetString(bytes, 0, whole));
    }

    /// <summary>What was in the file when it was opened.</summary>
    public IReadOnlyList<Effect> Earlier { get; }

    public static IReadOnlyList<Effect> ReadFile(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        return Read(text[..(text.LastIndexOf('\n') + 1)]);
    }

    public void Append(Effect effect)
    {
        _file.Write([.. JsonSerializer.SerializeToUtf8Bytes(effect, JsonSerializerOptions.Web), (byte)'\n']);
        _file.Flush(flushToDisk: true);
    }

    public void Dispose() => _file.Dispose();

    private static List<Effect> Read(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<Effect>(line, JsonSerializerOptions.Web)!)];
}
