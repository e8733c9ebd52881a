using System.Text;
using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>A line of the export: an entry, or a payload with its address and its raw text.</summary>
internal readonly record struct ExportLine(Entry? Entry, string PayloadHash, ReadOnlyMemory<byte> Payload);

/// <summary>Reads an exported journal line by line; holds one line at a time.</summary>
internal static class ExportReader
{
    public static IEnumerable<ExportLine> Read(IEnumerable<string> lines, string name)
    {
        long number = 0;
        var before = new string[(int)Member.Count];
        Array.Fill(before, "");
        foreach (var line in lines)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            if (number == 1)
            {
                ReadHeader(line, name);
            }
            else
            {
                yield return Parse(line, before, name, number);
            }
        }

        if (number == 0)
        {
            throw new BadInputException(name, 1, "expected {\"signalbox\":1}; the input is empty");
        }
    }

    private static void ReadHeader(string line, string name)
    {
        using var header = JsonLines.Parse(line, name, 1);
        if (!header.RootElement.TryGetProperty("signalbox", out var version))
        {
            throw new BadInputException(name, 1, "expected {\"signalbox\":1}; this is no exported journal");
        }

        if (version.GetRawText() != "1")
        {
            throw new BadInputException(name, 1, $"expected format version 1; got {version.GetRawText()}");
        }
    }

    private static ExportLine Parse(string line, string[] before, string name, long number)
    {
        var utf8 = Encoding.UTF8.GetBytes(line);
        try
        {
            return new LineParser(utf8, before).Parse();
        }
        catch (JsonException e)
        {
            throw JsonLines.Cut(name, number, e);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new BadInputException(name, number, e.Message);
        }
    }

    private enum Member
    {
        Run,
        Kind,
        State,
        Scope,
        Step,
        Actor,
        Cause,
        Count,
    }

    /// <summary>
    /// Hand-written over the token stream, since this is where the checker's time goes. A text that is the same as on the line
    /// <paramref name="before"/> is not made anew.
    /// </summary>
    private ref struct LineParser(byte[] utf8, string[] before)
    {
        private Utf8JsonReader _reader = new(utf8, JsonLines.Deep);
        private long? _position, _seq, _epoch, _at, _visit;
        private string? _run, _kind, _state, _scope, _step, _actor, _cause, _payload;
        private bool _missing;
        private byte[]? _salt, _hash, _digest;
        private ReadOnlyMemory<byte> _body, _json;

        public ExportLine Parse()
        {
            _reader.Read();
            if (_reader.TokenType != JsonTokenType.StartObject)
            {
                throw new FormatException("expected a JSON object");
            }

            while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
            {
                ReadMember();
            }

            _reader.Read(); // what follows the object is no JSON
            if (_payload is not null && _missing)
            {
                return new(null, "", default); // the export says so itself; what refers to it is found at the reference
            }

            return _payload is null ? new(Entry(), "", default) : new(null, _payload, _json.IsEmpty ? throw Missing("json") : _json);
        }

        private void ReadMember()
        {
            if (_reader.ValueTextEquals("position"u8)) { _position = Number("position"); }
            else if (_reader.ValueTextEquals("run"u8)) { _run = Text("run", Member.Run); }
            else if (_reader.ValueTextEquals("seq"u8)) { _seq = Number("seq"); }
            else if (_reader.ValueTextEquals("epoch"u8)) { _epoch = Number("epoch"); }
            else if (_reader.ValueTextEquals("at"u8)) { _at = Number("at"); }
            else if (_reader.ValueTextEquals("kind"u8)) { _kind = Text("kind", Member.Kind); }
            else if (_reader.ValueTextEquals("state"u8)) { _state = Text("state", Member.State); }
            else if (_reader.ValueTextEquals("visit"u8)) { _visit = Number("visit"); }
            else if (_reader.ValueTextEquals("scope"u8)) { _scope = Text("scope", Member.Scope); }
            else if (_reader.ValueTextEquals("step"u8)) { _step = Text("step", Member.Step); }
            else if (_reader.ValueTextEquals("actor"u8)) { _actor = Text("actor", Member.Actor); }
            else if (_reader.ValueTextEquals("cause"u8)) { _cause = Text("cause", Member.Cause); }
            else if (_reader.ValueTextEquals("salt"u8)) { _salt = Hex("salt", 16); }
            else if (_reader.ValueTextEquals("hash"u8)) { _hash = Hex("hash", 32); }
            else if (_reader.ValueTextEquals("digest"u8)) { _digest = Hex("digest", 32); }
            else if (_reader.ValueTextEquals("body"u8)) { _body = Raw(); }
            else if (_reader.ValueTextEquals("payload"u8)) { _payload = Convert.ToHexStringLower(Hex("payload", 32)); }
            else if (_reader.ValueTextEquals("json"u8)) { _json = Raw(); }
            else if (_reader.ValueTextEquals("missing"u8)) { _reader.Read(); _missing = _reader.TokenType == JsonTokenType.True; }
            else
            {
                _reader.Read();
                _reader.Skip();
            }
        }

        private readonly Entry Entry() => new()
        {
            Position = _position ?? throw Missing("position"),
            Run = _run ?? throw Missing("run"),
            Seq = _seq ?? throw Missing("seq"),
            Epoch = _epoch ?? throw Missing("epoch"),
            At = _at ?? throw Missing("at"),
            Kind = _kind ?? throw Missing("kind"),
            State = _state ?? throw Missing("state"),
            Visit = _visit ?? throw Missing("visit"),
            Scope = _scope ?? throw Missing("scope"),
            Step = _step ?? throw Missing("step"),
            Actor = _actor ?? throw Missing("actor"),
            Cause = _cause ?? throw Missing("cause"),
            Body = _body,
            Salt = _salt ?? [],
            Hash = _hash ?? throw Missing("hash"),
            Digest = _digest ?? [],
        };

        private static FormatException Missing(string member) => new($"the member '{member}' is missing");

        private string Text(string member, Member text)
        {
            _reader.Read();
            ref var last = ref before[(int)text];
            return _reader.TokenType != JsonTokenType.String ? throw new FormatException($"the member '{member}' is no text")
                : _reader.ValueTextEquals(last) ? last
                : last = _reader.GetString()!;
        }

        private string Text(string member)
        {
            _reader.Read();
            return _reader.TokenType == JsonTokenType.String ? _reader.GetString()! : throw new FormatException($"the member '{member}' is no text");
        }

        private long Number(string member)
        {
            _reader.Read();
            return _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var number) ? number : throw new FormatException($"the member '{member}' is no whole number");
        }

        private byte[] Hex(string member, int bytes)
        {
            var text = Text(member);
            return text.Length == 2 * bytes && text.All(char.IsAsciiHexDigitLower)
                ? Convert.FromHexString(text)
                : throw new FormatException($"the member '{member}' is not {2 * bytes} lower-case hexadecimal digits");
        }

        /// <summary>The value exactly as it stands, which is what the hashes cover.</summary>
        private ReadOnlyMemory<byte> Raw()
        {
            _reader.Read();
            var start = (int)_reader.TokenStartIndex;
            _reader.Skip();
            return utf8.AsMemory(start, (int)_reader.BytesConsumed - start);
        }
    }
}
