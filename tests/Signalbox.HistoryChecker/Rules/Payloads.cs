using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I19 for payloads: each has the content of its address, and each address in an entry is in the export. Payloads may stand before or after
/// the entries that refer to them.
/// </summary>
internal sealed class Payloads(Findings findings)
{
    /// <summary>So many bytes of payloads are kept for later look-ups; of the others only the hash of the canonical form is.</summary>
    private const long KeptBytesMax = 256L << 20;

    private static readonly SearchValues<char> s_hexadecimal = SearchValues.Create("0123456789abcdef");
    private readonly Dictionary<string, Known> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Run, long Seq)> _wanted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Definition> _definitions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PinnedAgent> _pinned = new(StringComparer.Ordinal);
    private long _keptBytes;

    private static ReadOnlySpan<byte> Mark => "\"$payload\""u8;

    public void Add(string hash, ReadOnlyMemory<byte> json)
    {
        var content = Convert.ToHexStringLower(SHA256.HashData(json.Span));
        if (content != hash)
        {
            findings.Add("I19", "-", null, $"payload {hash} to have the content of its address", $"content whose SHA-256 is {content}");
        }

        _wanted.Remove(hash);
        if (_keptBytes + json.Length <= KeptBytesMax)
        {
            _keptBytes += json.Length;
            _known[hash] = new(json, null);
        }
        else
        {
            using var document = JsonDocument.Parse(json, JsonLines.DeepDocument);
            _known[hash] = new(default, Canonical.Hash(document.RootElement));
        }
    }

    /// <summary>Notes the payloads that an entry refers to.</summary>
    public void Expect(Entry entry)
    {
        foreach (var hash in References(entry))
        {
            Want(hash, entry);
        }
    }

    /// <summary>Whether what an entry of an agent refers to has been read, so that it can be folded.</summary>
    public bool AreHere(Entry entry)
    {
        if (entry.Kind != "agent.began" && !(entry.Kind == "step.completed" && entry.Body.Span.IndexOf("\"agent\""u8) >= 0))
        {
            return true;
        }

        return References(entry).All(_known.ContainsKey);
    }

    /// <summary>The text of a payload, empty where it is not at hand.</summary>
    public ReadOnlyMemory<byte> Find(string hash) => _known.GetValueOrDefault(hash).Json;

    /// <summary>A payload read as a workflow's definition, once for all its runs; null where it is not at hand.</summary>
    /// <exception cref="BodyFaultException">It is none.</exception>
    public Definition? FindDefinition(string hash)
    {
        if (!_definitions.TryGetValue(hash, out var definition) && Find(hash) is { IsEmpty: false } json)
        {
            using var document = JsonDocument.Parse(json, JsonLines.DeepDocument);
            _definitions.Add(hash, definition = Definition.Read(document.RootElement));
        }

        return definition;
    }

    /// <summary>A payload read as an agent's configuration, once for all its askings; null where it is not at hand.</summary>
    /// <exception cref="BodyFaultException">It is none.</exception>
    public PinnedAgent? FindPinned(string hash)
    {
        if (!_pinned.TryGetValue(hash, out var pinned) && Find(hash) is { IsEmpty: false } json)
        {
            using var document = JsonDocument.Parse(json, JsonLines.DeepDocument);
            _pinned.Add(hash, pinned = PinnedAgent.Read(document.RootElement));
        }

        return pinned;
    }

    /// <summary>The hash of a payload's canonical form; null where there is none.</summary>
    public string? CanonicalHash(string hash)
    {
        if (!_known.TryGetValue(hash, out var payload) || payload.Json.IsEmpty)
        {
            return payload.CanonicalHash;
        }

        using var document = JsonDocument.Parse(payload.Json, JsonLines.DeepDocument);
        return Canonical.Hash(document.RootElement);
    }

    public void End()
    {
        foreach (var (hash, (run, seq)) in _wanted)
        {
            findings.Add("I19", run, seq, $"payload {hash} in the export", "none");
        }
    }

    private void Want(string hash, Entry entry)
    {
        if (!_known.ContainsKey(hash))
        {
            _wanted.TryAdd(hash, (entry.Run, entry.Seq));
        }
    }

    /// <summary>
    /// The addresses that an entry refers to. A reference is a whole member of the body, of the action that a question is about, or of the model call in it, which also names its messages by bare addresses; deeper inside stand
    /// the words of authors, models and strangers, whose own <c>$payload</c> means nothing.
    /// </summary>
    private static List<string> References(Entry entry)
    {
        var addresses = new List<string>();
        if (entry.Body.Span.IndexOf(Mark) >= 0 || (entry.Kind.StartsWith("step.", StringComparison.Ordinal) && entry.Body.Span.IndexOf("\"messages\":"u8) >= 0))
        {
            using var document = Body.Parse(entry);
            OfMembers(document.RootElement, addresses);
            if (new Body(document.RootElement).Element("model") is { ValueKind: JsonValueKind.Object } model)
            {
                OfMembers(model, addresses);
                addresses.AddRange(new Body(model).Texts("messages"));
            }

            if (entry.Kind == "approval.requested" && new Body(document.RootElement).Element("action") is { ValueKind: JsonValueKind.Object } action)
            {
                OfMembers(action, addresses);
            }
        }

        return addresses;
    }

    private static void OfMembers(JsonElement container, List<string> addresses)
    {
        foreach (var member in container.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("$payload", out var stated) && stated.GetRawText().Length == 66
                && Body.Reference(member.Value) is { } hash && IsAddress(hash))
            {
                addresses.Add(hash);
            }
        }
    }

    private static bool IsAddress(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(s_hexadecimal);

    private readonly record struct Known(ReadOnlyMemory<byte> Json, string? CanonicalHash);
}
