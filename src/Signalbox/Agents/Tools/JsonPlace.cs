using System.Globalization;

namespace Signalbox;

/// <summary>Where in a value: <c>filter.ports[2]</c>. Written out only where something is wrong.</summary>
internal sealed class JsonPlace
{
    private const int CharactersMax = 200;

    private readonly JsonPlace? _parent;
    private readonly string? _name;
    private readonly int _index;

    private JsonPlace(JsonPlace? parent, string? name, int index)
    {
        _parent = parent;
        _name = name;
        _index = index;
        Depth = parent is null ? 0 : parent.Depth + 1;
    }

    /// <summary>The whole value.</summary>
    public static JsonPlace Root { get; } = new(null, null, 0);

    /// <summary>How many arrays and objects it is inside of.</summary>
    public int Depth { get; }

    /// <summary>A property of the value here.</summary>
    public JsonPlace Property(string name) => new(this, name, 0);

    /// <summary>An item of the array here.</summary>
    public JsonPlace Item(int index) => new(this, null, index);

    /// <summary>A fault's sentence, with this place before it unless it is the whole value.</summary>
    public string Tell(string fault) => _parent is null ? fault : $"{this}: {fault}";

    /// <inheritdoc />
    public override string ToString()
    {
        var parts = new Stack<string>();
        for (var place = this; place._parent is not null; place = place._parent)
        {
            parts.Push(place._name is null
                ? string.Create(CultureInfo.InvariantCulture, $"[{place._index}]")
                : !IsPlain(place._name)
                ? $"[{Excerpt.Quoted(place._name, '\'')}]"
                : place._parent._parent is null ? place._name : "." + place._name);
        }

        return Texts.Cut(string.Concat(parts), CharactersMax);
    }

    private static bool IsPlain(string name) => name.Length is > 0 and <= Excerpt.CharactersMax && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '$' or '@');
}
