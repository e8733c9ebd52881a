using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>Writes exported journals for the checker's tests: numbers, hashes and renders on its own, with no code of the engine or the checker.</summary>
public sealed class JournalWriter
{
    /// <summary>The time of the first entry, in microseconds; each later one comes ten microseconds after.</summary>
    public const long Start = 1_763_800_000_000_000;

    private readonly List<WrittenEntry> _entries = [];
    private readonly List<string> _payloads = [];

    public IReadOnlyList<WrittenEntry> Entries => _entries;

    /// <summary>Adds a payload, gives its reference.</summary>
    public string Payload(string json)
    {
        _payloads.Add(json);
        return $$"""{"$payload":"{{Sha256(json)}}"}""";
    }

    public JournalWriter Add(params WrittenEntry[] entries)
    {
        _entries.AddRange(entries);
        return this;
    }

    public JournalWriter Change(string run, int seq, Func<WrittenEntry, WrittenEntry> change)
    {
        var at = IndexOf(run, seq);
        _entries[at] = change(_entries[at]);
        return this;
    }

    public JournalWriter Remove(string run, int seq, int count = 1)
    {
        for (var i = 0; i < count; i++)
        {
            _entries.RemoveAt(IndexOf(run, seq));
        }

        return this;
    }

    /// <summary>Puts an entry before another of its run.</summary>
    public JournalWriter Insert(int seq, WrittenEntry entry)
    {
        _entries.Insert(IndexOf(entry.Run, seq), entry);
        return this;
    }

    public JournalWriter Swap(string run, int seq)
    {
        var (one, other) = (IndexOf(run, seq), IndexOf(run, seq + 1));
        (_entries[one], _entries[other]) = (_entries[other], _entries[one]);
        return this;
    }

    /// <summary>The export: header, payloads, entries, everything numbered and hashed as it should be.</summary>
    public List<string> Seal()
    {
        var lines = new List<string> { """{"signalbox":1,"exported":"by a test"}""" };
        lines.AddRange(_payloads.Select(p => $$"""{"payload":"{{Sha256(p)}}","json":{{p}}}"""));
        var runs = new Dictionary<string, (int Seq, int Epoch, byte[] Hash, int Signal)>();
        var position = 0L;
        foreach (var entry in _entries)
        {
            var (seq, epoch, previous, signal) = runs.GetValueOrDefault(entry.Run, (0, 0, new byte[32], -1));
            position++;
            epoch = entry.Epoch ?? epoch + (entry.Kind == "run.leased" ? 1 : 0);
            signal = entry.Kind == "signal.received" ? seq : signal;
            var at = entry.At ?? Start + (position * 10);
            var body = entry.Body.Replace("@signal", $"{signal}", StringComparison.Ordinal);
            var salt = body.Length == 0 ? [] : SHA256.HashData(Encoding.UTF8.GetBytes($"{entry.Run} {seq}"))[..16];
            var hash = Hash(previous, entry, seq, epoch, at, salt, body);
            runs[entry.Run] = (seq + 1, epoch, hash, signal);
            lines.Add(Line(entry, entry.Position ?? position, seq, epoch, at, salt, body, hash));
        }

        return lines;
    }

    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private int IndexOf(string run, int seq) => _entries.Select((e, i) => (e, i)).Where(p => p.e.Run == run).ElementAt(seq).i;

    private static string Line(WrittenEntry e, long position, int seq, int epoch, long at, byte[] salt, string body, byte[] hash)
    {
        var line = new StringBuilder();
        line.Append($"{{\"position\":{position},\"run\":{Json(e.Run)},\"seq\":{seq},\"epoch\":{epoch},\"at\":{at},\"kind\":{Json(e.Kind)},\"state\":{Json(e.State)}");
        line.Append($",\"visit\":{e.Visit},\"scope\":{Json(e.Scope)},\"step\":{Json(e.Step)},\"actor\":{Json(e.Actor)},\"cause\":{Json(e.Cause)}");
        line.Append(body.Length == 0 ? "" : $",\"body\":{body},\"salt\":\"{Convert.ToHexStringLower(salt)}\"");
        return line.Append($",\"hash\":\"{Convert.ToHexStringLower(hash)}\"}}").ToString();
    }

    private static byte[] Hash(byte[] previous, WrittenEntry e, int seq, int epoch, long at, byte[] salt, string body)
    {
        using var stream = new MemoryStream();
        stream.Write(previous);
        Text(e.Run);
        Number(seq);
        Number(epoch);
        Number(at);
        Text(e.Kind);
        Text(e.State);
        Number(e.Visit);
        Text(e.Scope);
        Text(e.Step);
        Text(e.Actor);
        Text(e.Cause);
        stream.Write(body.Length == 0 ? new byte[32] : SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(body)]));
        return SHA256.HashData(stream.ToArray());

        void Number(long value)
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(bytes, value);
            stream.Write(bytes);
        }

        void Text(string value)
        {
            var bytes = Encoding.UTF8.GetBytes(value);
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            stream.Write(length);
            stream.Write(bytes);
        }
    }

    private static string Json(string text) => JsonSerializer.Serialize(text);
}
