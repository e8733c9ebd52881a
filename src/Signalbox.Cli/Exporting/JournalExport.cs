using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Exporting;

/// <summary>
/// Writes journals as lines: a header, then each entry in commit order, and before the first entry that refers to it each payload once. Bodies and
/// payloads stand as they are stored, byte for byte, because hashes cover them. Holds a page of entries and the addresses of the payloads written.
/// </summary>
internal sealed class JournalExport(IRunReader reader, TextWriter warnings)
{
    private const int PageOfRun = 100;
    private readonly ArrayBufferWriter<byte> _line = new(4096);
    private readonly PayloadSet _written = new();

    public long Entries { get; private set; }

    public long Payloads { get; private set; }

    public long Faults { get; private set; }

    public async Task WriteAsync(TextWriter output, IReadOnlyList<RunHead> runs, bool isTerminal, CancellationToken cancellationToken)
    {
        output.Write("{\"signalbox\":1}\n");
        await foreach (var entry in runs.Count == 0 ? reader.LogAsync(cancellationToken: cancellationToken) : MergeAsync(runs, cancellationToken))
        {
            foreach (var hash in PayloadReferences.In(entry))
            {
                if (_written.Add(hash))
                {
                    Line(await PayloadAsync(entry, hash, cancellationToken));
                }
            }

            Line(json => Write(json, entry));
            Entries++;
        }

        void Line(Action<Utf8JsonWriter> write)
        {
            _line.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true }))
            {
                write(json);
            }

            var text = Encoding.UTF8.GetString(_line.WrittenSpan);
            output.Write(isTerminal ? TerminalText.EncodeJson(text) : text);
            output.Write('\n');
        }
    }

    private void Write(Utf8JsonWriter json, Entry entry)
    {
        json.WriteStartObject();
        json.WriteNumber("position", entry.Position);
        json.WriteString("run", entry.Run.Value);
        json.WriteNumber("seq", entry.Seq);
        json.WriteNumber("epoch", entry.Epoch);
        json.WriteNumber("at", entry.At);
        json.WriteString("kind", entry.Kind);
        json.WriteString("state", entry.State);
        json.WriteNumber("visit", entry.Visit);
        json.WriteString("scope", entry.Scope);
        json.WriteString("step", entry.Step);
        json.WriteString("actor", entry.Actor);
        json.WriteString("cause", entry.Cause);
        if (!entry.Body.IsEmpty)
        {
            Raw(json, "body", entry.Body, $"The body of entry {entry.Seq} of run {entry.Run}");
        }

        if (!entry.Salt.IsEmpty)
        {
            json.WriteString("salt", Convert.ToHexStringLower(entry.Salt.Span));
        }

        if (entry.IsErased)
        {
            json.WriteString("digest", Convert.ToHexStringLower(entry.Digest.Span));
        }

        json.WriteString("hash", Convert.ToHexStringLower(entry.Hash.Span));
        json.WriteEndObject();
    }

    private async ValueTask<Action<Utf8JsonWriter>> PayloadAsync(Entry entry, PayloadHash hash, CancellationToken cancellationToken)
    {
        var bytes = await reader.FindPayloadAsync(hash, cancellationToken);
        if (bytes is null)
        {
            Warn($"Payload {hash} of entry {entry.Seq} of run {entry.Run} is missing or altered in the store; the export says so in its place.");
        }

        Payloads += bytes is null ? 0 : 1;
        return json =>
        {
            json.WriteStartObject();
            json.WriteString("payload", hash.Value);
            if (bytes is { } whole)
            {
                Raw(json, "json", whole, $"Payload {hash} of entry {entry.Seq} of run {entry.Run}");
            }
            else
            {
                json.WriteBoolean("missing", true);
            }

            json.WriteEndObject();
        };
    }

    /// <summary>
    /// Stored JSON as it is. What does not fit on a line as it is goes in another form and is a fault, since nobody can verify its hash from that: JSON
    /// laid out over several lines is put on one, and what is no JSON becomes a text in base 64.
    /// </summary>
    private void Raw(Utf8JsonWriter json, string name, ReadOnlyMemory<byte> stored, string what)
    {
        if (!IsJson(stored.Span))
        {
            Warn($"{what} is not JSON; the export holds it as '{name}Base64'.");
            json.WriteBase64String(name + "Base64", stored.Span);
            return;
        }

        json.WritePropertyName(name);
        if (stored.Span.IndexOfAny((byte)'\n', (byte)'\r') < 0)
        {
            json.WriteRawValue(stored.Span, skipInputValidation: true);
            return;
        }

        // Inside of JSON texts line breaks are escaped, so these only lay it out.
        Warn($"{what} is laid out over several lines; the export holds it on one, from which its hash cannot be verified.");
        var oneLine = stored.ToArray();
        oneLine.AsSpan().ReplaceAny(SearchValues.Create("\n\r"u8), (byte)' ');
        json.WriteRawValue(oneLine, skipInputValidation: true);
    }

    private void Warn(string warning)
    {
        Faults++;
        warnings.WriteLine(TerminalText.Encode(warning));
    }

    private static bool IsJson(ReadOnlySpan<byte> stored)
    {
        if (!Utf8.IsValid(stored))
        {
            return false;
        }

        try
        {
            var json = new Utf8JsonReader(stored, StoredJson.ReaderOptions);
            while (json.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The entries of several runs in commit order, a page of each at a time.</summary>
    private async IAsyncEnumerable<Entry> MergeAsync(IReadOnlyList<RunHead> runs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var journals = runs.DistinctBy(h => h.Row.Run).Select(h => reader.EntriesAsync(h.Row.Run, lastSeq: h.Seq, pageSize: PageOfRun, cancellationToken: cancellationToken).GetAsyncEnumerator(cancellationToken)).ToList();
        try
        {
            var next = new PriorityQueue<IAsyncEnumerator<Entry>, long>();
            foreach (var journal in journals)
            {
                await EnqueueAsync(journal);
            }

            while (next.TryDequeue(out var journal, out _))
            {
                yield return journal.Current;
                await EnqueueAsync(journal);
            }

            async ValueTask EnqueueAsync(IAsyncEnumerator<Entry> journal)
            {
                if (await journal.MoveNextAsync())
                {
                    next.Enqueue(journal, journal.Current.Position);
                }
            }
        }
        finally
        {
            foreach (var journal in journals)
            {
                await journal.DisposeAsync();
            }
        }
    }
}
