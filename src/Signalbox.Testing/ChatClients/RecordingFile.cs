using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>
/// A recording: JSON lines. First <c>{"recording":1,"provider","model"}</c>; then each part of a request once, <c>{"message":label,"is":{…}}</c> or <c>{"options":label,"is":{…}}</c>, before the first
/// exchange that has it; and each exchange, <c>{"options":label,"messages":[labels],"reply":{…}}</c>. A label is only a name within the file: what is compared is what the parts are,
/// so that they can be edited. Not safe for several threads.
/// </summary>
internal sealed class RecordingFile : IDisposable
{
    private const int Version = 1;
    private const int LabelLength = 16;

    private readonly string _path;
    private readonly Dictionary<string, string> _labels = []; // by the hash of what they name
    private readonly Dictionary<string, RequestPart> _parts = []; // by label
    private readonly List<Exchange> _exchanges = [];
    private readonly Dictionary<string, List<ScriptedReply>> _byDigest = [];
    private FileStream? _stream;

    private RecordingFile(string path) => _path = path;

    public string? Provider { get; private set; }

    public string? Model { get; private set; }

    public static RecordingFile Read(string path)
    {
        var file = new RecordingFile(path);
        if (!File.Exists(path))
        {
            return file;
        }

        foreach (var line in JsonLines.Read(path))
        {
            try
            {
                file.Take(line);
            }
            catch (FormatException e)
            {
                throw new FormatException($"Line {line.Number} of '{path}' cannot be read: {e.Message}", e);
            }
        }

        return file;
    }

    /// <summary>The replies to equal requests, in the order in which they were recorded.</summary>
    public IReadOnlyList<ScriptedReply> Find(RequestForm request) => _byDigest.TryGetValue(request.Digest, out var replies) ? replies : [];

    /// <summary>Begins to write: what a writer that died has left half written is cut off, and a new file gets its first line.</summary>
    /// <exception cref="IOException">Somebody else writes it, or it cannot be written.</exception>
    public void Open(ChatClientMetadata? metadata)
    {
        if (_stream is not null)
        {
            return;
        }

        var stream = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0); // on Unix only None keeps other writers out
        try
        {
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var whole = JsonLines.WholeLength(bytes);
            stream.SetLength(whole);
            stream.Position = whole;
            _stream = stream;
            if (whole == 0)
            {
                (Provider, Model) = (metadata?.ProviderName, metadata?.DefaultModelId);
                Write(Line(new JsonObject { ["recording"] = Version, ["provider"] = Provider, ["model"] = Model }));
            }
            else if (bytes[whole - 1] != '\n')
            {
                Write("\n");
            }
        }
        catch
        {
            _stream = null;
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Appends an exchange, on the disk when this returns; after a failure the file is as it was.</summary>
    public void Append(RequestForm request, ScriptedReply reply)
    {
        var text = new StringBuilder();
        var options = Label("options", request.Options, text);
        var messages = request.Messages.Select(m => Label("message", m, text)).ToArray();
        var json = new JsonObject { ["options"] = options, ["messages"] = new JsonArray([.. messages.Select(m => (JsonNode)m)]), ["reply"] = ReplyJson.Write(reply) };
        Write(text.Append(Line(json)).ToString());
        Add(new Exchange(null, new RequestForm(_parts[options], [.. messages.Select(m => _parts[m])]), reply)); // each part is held once
    }

    /// <summary>The recorded request that is most like this one, in words.</summary>
    public string Nearest(RequestForm request)
    {
        var nearest = _exchanges
            .Select(e => (e.Line, e.Request, Equal: e.Request.Messages.Zip(request.Messages).TakeWhile(m => m.First.Hash == m.Second.Hash).Count()))
            .OrderByDescending(e => e.Equal)
            .ThenBy(e => Math.Abs(e.Request.Messages.Count - request.Messages.Count))
            .ThenByDescending(e => e.Request.Options.Hash == request.Options.Hash)
            .FirstOrDefault();
        if (nearest.Request is null)
        {
            return "The recording is empty.";
        }

        var where = nearest.Line is { } line ? $"the one in line {line}" : "one recorded just now";
        var (recorded, asked) = (nearest.Request.Messages.ElementAtOrDefault(nearest.Equal), request.Messages.ElementAtOrDefault(nearest.Equal));
        if (recorded is null && asked is null)
        {
            return $"The nearest is {where}: its messages are equal, its options differ: {Differences(nearest.Request.Options.Json, request.Options.Json)}.";
        }

        return $"The nearest is {where}: message {nearest.Equal + 1} is the first that differs; recorded: {Shown(recorded, asked)}, asked: {Shown(asked, recorded)}.";
    }

    public void Dispose() => _stream?.Dispose();

    private static string Shown(RequestPart? part, RequestPart? other)
    {
        if (part is null)
        {
            return "none";
        }

        var (text, against) = (part.Json.ToJsonString(ContentJson.Options), other?.Json.ToJsonString(ContentJson.Options) ?? "");
        return Excerpt.Of(text, text.Zip(against).TakeWhile(c => c.First == c.Second).Count());
    }

    private static string Differences(JsonObject recorded, JsonObject asked)
    {
        var names = recorded.Select(p => p.Key).Union(asked.Select(p => p.Key)).Where(name => !JsonNode.DeepEquals(recorded[name], asked[name]));
        return string.Join("; ", names.Select(name => $"{name}: recorded {Member(recorded, asked, name)}, asked {Member(asked, recorded, name)}"));
    }

    private static string Member(JsonObject json, JsonObject other, string name)
    {
        var (text, against) = (json[name]?.ToJsonString(ContentJson.Options) ?? "none", other[name]?.ToJsonString(ContentJson.Options) ?? "none");
        return Excerpt.Of(text, text.Zip(against).TakeWhile(c => c.First == c.Second).Count());
    }

    private static string Line(JsonObject json) => json.ToJsonString(ContentJson.Options) + "\n";

    private void Take(JsonLine line)
    {
        var members = new JsonMembers(line.Json, "A recording's line");
        if (line.Reply is { } reply)
        {
            if (members.Text("options") is not { } options || members.Array("messages") is not { } messages)
            {
                throw new FormatException("It is no exchange of a recording: it has no options or no messages. To play a file of mere replies, use ScriptedReply.ReadFile.");
            }

            Add(new Exchange(line.Number, new RequestForm(Part(options), [.. messages.Select(m => Part((string?)m ?? ""))]), reply));
        }
        else if (members.Has("recording"))
        {
            if (members.Count("recording") is var version && version != Version)
            {
                throw new FormatException($"It is a recording of version {version}; this program reads version {Version}. Record anew.");
            }

            (Provider, Model) = (members.Text("provider"), members.Text("model"));
        }
        else
        {
            var part = RequestPart.Of(members.Object("is") ?? []);
            var label = members.Text("message") ?? members.Text("options") ?? throw new FormatException("It names neither a message nor options.");
            _parts[label] = part;
            _labels[part.Hash] = label;
        }
    }

    private RequestPart Part(string label) => _parts.TryGetValue(label, out var part) ? part : throw new FormatException($"It names '{label}', and no line before it says what that is.");

    private void Add(Exchange exchange)
    {
        _exchanges.Add(exchange);
        if (!_byDigest.TryGetValue(exchange.Request.Digest, out var replies))
        {
            _byDigest[exchange.Request.Digest] = replies = [];
        }

        replies.Add(exchange.Reply);
    }

    private string Label(string kind, RequestPart part, StringBuilder lines)
    {
        if (_labels.TryGetValue(part.Hash, out var label))
        {
            return label;
        }

        label = part.Hash[..LabelLength];
        while (_parts.ContainsKey(label))
        {
            label += "+"; // somebody has edited what had this label
        }

        _parts[label] = part;
        _labels[part.Hash] = label;
        lines.Append(Line(new JsonObject { [kind] = label, ["is"] = part.Json.DeepClone() }));
        return label;
    }

    private void Write(string text)
    {
        var stream = _stream!;
        var before = stream.Position;
        try
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        catch
        {
            stream.SetLength(before);
            stream.Position = before;
            throw;
        }
    }

    private sealed record Exchange(int? Line, RequestForm Request, ScriptedReply Reply);
}
