using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Signalbox;

/// <summary>One comparison of one value with one schema, and what is left of its limits.</summary>
internal sealed partial class SchemaComparison(JsonElement root)
{
    /// <summary>Well under a second. An honest call takes some hundreds.</summary>
    private const int WorkMax = 400_000;

    private const int DepthMax = 200;
    private const int PatternWork = 1000; // building an expression costs far more than most uses of it
    private const int NameWork = 8; // comparing two names letter by letter
    private const int PatternCharactersMax = 4096;
    private const int NamesMax = 1000;
    private const int FormsToldMax = 3;

    /// <summary>For patterns that need backtracking; the others take linear time and need it only on a machine that stands still.</summary>
    private static readonly TimeSpan s_patternLimit = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<string, Regex?> _patterns = new(StringComparer.Ordinal);
    private readonly SchemaText _text = new(root);
    private int _work = WorkMax;
    private int _depth;
    private int _ignored;

    private bool IsSpent => _work <= 0;

    public List<string> Faults(JsonElement value)
    {
        var faults = new List<string>();
        Check(root, value, JsonPlace.Root, null, faults);
        return IsSpent ? ["could not be compared with the tool's schema within the limits of time and depth: make it smaller and simpler"] : faults;
    }

    private void Check(JsonElement schema, JsonElement value, JsonPlace place, Followed? followed, List<string> faults)
    {
        if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1))
        {
            return;
        }

        if (_depth >= DepthMax || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            _work = 0;
            return;
        }

        _depth++;
        if (schema.ValueKind == JsonValueKind.Object)
        {
            CheckKeywords(schema, value, place, followed, faults);
        }
        else if (schema.ValueKind == JsonValueKind.False)
        {
            Add(faults, place, "no value is allowed here");
        }
        else if (schema.ValueKind != JsonValueKind.True)
        {
            _ignored++;
        }

        _depth--;
    }

    private void CheckKeywords(JsonElement schema, JsonElement value, JsonPlace place, Followed? followed, List<string> faults)
    {
        if (!CanSpend(schema.GetPropertyCount() / 8) || !IsOfKind(schema, value, place, faults) || !IsAllowedValue(schema, value, place, faults))
        {
            return; // what else is wrong with it says nothing new
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Number:
                CheckNumber(schema, value, place, faults);
                break;
            case JsonValueKind.String:
                CheckString(schema, value, place, faults);
                break;
            case JsonValueKind.Array:
                CheckArray(schema, value, place, faults);
                break;
            case JsonValueKind.Object:
                CheckObject(schema, value, place, faults);
                break;
        }

        CheckReference(schema, value, place, followed, faults);
        CheckForms(schema, value, place, followed, faults);
        CheckCondition(schema, value, place, followed, faults);
    }

    private bool IsOfKind(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        if (!schema.TryGetProperty("type"u8, out var type))
        {
            return true;
        }

        var names = SchemaText.KindsOf(schema);
        if (names.Count == 0)
        {
            _ignored++;
            return true;
        }

        if (names.Any(name => SchemaText.Is(name, value)))
        {
            return true;
        }

        Add(faults, place, $"expected {_text.Expected(schema)}, got {SchemaText.Got(value)}");
        return false;
    }

    private bool IsAllowedValue(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        if (schema.TryGetProperty("const"u8, out var only) && !AreEqual(only, value))
        {
            Add(faults, place, $"expected {SchemaText.Shown(only)}, got {SchemaText.Got(value)}");
            return false;
        }

        if (!schema.TryGetProperty("enum"u8, out var allowed) || allowed.ValueKind != JsonValueKind.Array || allowed.EnumerateArray().Any(item => AreEqual(item, value)))
        {
            return true;
        }

        var names = allowed.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!);
        var meant = value.ValueKind == JsonValueKind.String && Weight(value) <= Excerpt.CharactersMax ? Nearest(value.GetString()!, names) : null;
        Add(faults, place, $"expected {SchemaText.OneOf(allowed)}, got {SchemaText.Got(value)}{(meant is null ? "" : $"; did you mean {Excerpt.Quoted(meant)}?")}");
        return false;
    }

    private void CheckReference(JsonElement schema, JsonElement value, JsonPlace place, Followed? followed, List<string> faults)
    {
        if (!schema.TryGetProperty("$ref"u8, out var reference))
        {
            return;
        }

        var pointer = reference.ValueKind == JsonValueKind.String ? reference.GetString()! : "";
        for (var before = followed; before is not null; before = before.Before)
        {
            if (before.Reference == pointer)
            {
                _ignored++;
                return;
            }
        }

        if (!CanSpend(Weight(reference)) || _text.Find(pointer) is not { } target)
        {
            _ignored++;
            return;
        }

        Check(target, value, place, new(pointer, followed), faults);
    }

    private void CheckForms(JsonElement schema, JsonElement value, JsonPlace place, Followed? followed, List<string> faults)
    {
        foreach (var part in ArrayIn(schema, "allOf"u8))
        {
            Check(part, value, place, followed, faults);
        }

        if (ArrayIn(schema, "anyOf"u8).Any())
        {
            CheckOneForm(schema.GetProperty("anyOf"u8), isExclusive: false, value, place, followed, faults);
        }

        if (ArrayIn(schema, "oneOf"u8).Any())
        {
            CheckOneForm(schema.GetProperty("oneOf"u8), isExclusive: true, value, place, followed, faults);
        }

        if (schema.TryGetProperty("not"u8, out var forbidden))
        {
            var ignored = _ignored;
            if (Misfits(forbidden, value, place, followed).Count == 0 && _ignored == ignored && !IsSpent) // what was read only in part forbids nothing
            {
                Add(faults, place, $"expected anything but {_text.Expected(forbidden)}, got {SchemaText.Got(value)}");
            }
        }
    }

    private void CheckOneForm(JsonElement forms, bool isExclusive, JsonElement value, JsonPlace place, Followed? followed, List<string> faults)
    {
        var ignored = _ignored;
        var misfits = new List<(JsonElement Form, int Number, List<string> Faults)>();
        var fitting = new List<int>();
        foreach (var (index, form) in forms.EnumerateArray().Index())
        {
            var found = Misfits(form, value, place, followed);
            if (IsSpent || (found.Count == 0 && !isExclusive))
            {
                return;
            }

            if (found.Count == 0)
            {
                fitting.Add(index + 1);
            }
            else
            {
                misfits.Add((form, index + 1, found));
            }
        }

        if (fitting.Count > 1 && _ignored == ignored)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"fits forms {fitting[0]} and {fitting[1]} of its schema, but must fit exactly one"));
        }

        if (fitting.Count == 0)
        {
            AddNearestForm(misfits, value, place, faults);
        }
    }

    /// <summary>A model that meant one of the forms is told what is wrong with that one: the only one of its kind, or the one whose tag it has written.</summary>
    private void AddNearestForm(List<(JsonElement Form, int Number, List<string> Faults)> misfits, JsonElement value, JsonPlace place, List<string> faults)
    {
        var near = misfits.Where(m => _text.TakesKindOf(m.Form, value)).ToArray();
        if (near.Length == 0)
        {
            Add(faults, place, $"expected {SchemaText.Listed(misfits.Select(m => _text.Expected(m.Form)).Distinct(StringComparer.Ordinal), " or ")}, got {SchemaText.Got(value)}");
            return;
        }

        var tagged = near.Where(m => !_text.HasOtherTag(m.Form, value)).ToArray();
        near = tagged.Length == 1 ? tagged : near;
        if (near.Length == 1)
        {
            foreach (var fault in near[0].Faults)
            {
                AddTold(faults, fault);
            }

            return;
        }

        var told = string.Join("; ", near.Take(FormsToldMax).Select(m => string.Create(CultureInfo.InvariantCulture, $"({m.Number}) {m.Faults[0]}")));
        Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"fits none of its {Counted(misfits.Count, "form")}: {told}"));
    }

    private void CheckCondition(JsonElement schema, JsonElement value, JsonPlace place, Followed? followed, List<string> faults)
    {
        if (!schema.TryGetProperty("if"u8, out var condition))
        {
            return;
        }

        var ignored = _ignored;
        var holds = Misfits(condition, value, place, followed).Count == 0;
        if (_ignored == ignored && !IsSpent && schema.TryGetProperty(holds ? "then"u8 : "else"u8, out var consequence))
        {
            Check(consequence, value, place, followed, faults);
        }
    }

    private List<string> Misfits(JsonElement schema, JsonElement value, JsonPlace place, Followed? followed)
    {
        var faults = new List<string>();
        Check(schema, value, place, followed, faults);
        return faults;
    }

    /// <summary>Whether the text matches; null if the pattern cannot be used.</summary>
    private bool? Matches(string pattern, string text)
    {
        if (!_patterns.TryGetValue(pattern, out var regex))
        {
            CanSpend(PatternWork);
            _patterns[pattern] = regex = pattern.Length <= PatternCharactersMax ? EcmaPattern.Find(pattern, s_patternLimit) : null;
        }

        if (regex is null)
        {
            _ignored++;
            return null;
        }

        try
        {
            return regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            _work = 0; // a value that makes a pattern run for ever is no value for it
            return null;
        }
    }

    private bool AreEqual(JsonElement a, JsonElement b) => CanSpend(1 + (a.ValueKind == b.ValueKind ? Math.Min(Weight(a), Weight(b)) : 0)) && JsonElement.DeepEquals(a, b);

    private bool CanSpend(int work)
    {
        _work -= Math.Min(work, Math.Max(_work, 0));
        return !IsSpent;
    }

    private static int Weight(JsonElement element) => JsonMarshal.GetRawUtf8Value(element).Length / 64;

    private static void Add(List<string> faults, JsonPlace place, string fault) => AddTold(faults, place.Tell(fault));

    private static void AddTold(List<string> faults, string fault)
    {
        var told = Texts.Cut(fault, JsonSchemaCheck.FaultCharactersMax);
        if (faults.Count < JsonSchemaCheck.FaultsMax && !faults.Contains(told))
        {
            faults.Add(told);
        }
    }

    /// <summary>The references followed to get to where we are in the value: following one of them again would go round for ever.</summary>
    private sealed record Followed(string Reference, Followed? Before);
}
