using System.Text.Json.Serialization.Metadata;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// Marks a property of a case, of an action's arguments or of an answer: its value is masked wherever it is shown or exported (<see cref="Redactor"/>), under its name, in every document. On a record it may stand at the
/// parameter. It is kept as it is in the journal, and handlers get it as it is.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class SensitiveAttribute : Attribute;

/// <summary>Something that keeps the rules of redaction for all who read a store, such as the store itself.</summary>
public interface IRedactionKeeper
{
    /// <summary>Adds rules to those kept; none is ever taken away here. Gives all of them.</summary>
    /// <exception cref="Storage.StoreRefusedException"><c>redaction_unusable</c>: what is kept cannot be read.</exception>
    RedactionRules Mark(RedactionRules rules);
}

/// <summary>Finds the members that authors have marked.</summary>
internal static class SensitiveMembers
{
    /// <summary>The names, as JSON has them, of the marked properties of a type and of the types of its properties.</summary>
    public static IReadOnlyList<string> Of(params IEnumerable<Type> types)
    {
        var (seen, names) = (new HashSet<Type>(), new SortedSet<string>(StringComparer.Ordinal));
        var open = new Queue<Type>(types);
        while (open.TryDequeue(out var type))
        {
            if (type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(object) || !seen.Add(type))
            {
                continue;
            }

            JsonTypeInfo info;
            try
            {
                info = SignalboxJson.Options.GetTypeInfo(type);
            }
            catch (Exception e) when (e is NotSupportedException or InvalidOperationException)
            {
                continue; // what cannot be written is never shown; whoever registers it is told elsewhere
            }

            foreach (var property in info.Properties)
            {
                if (IsMarked(property))
                {
                    names.Add(property.Name);
                }

                open.Enqueue(property.PropertyType);
            }

            foreach (var part in new[] { info.ElementType, info.KeyType, Nullable.GetUnderlyingType(type) }.OfType<Type>().Concat(info.PolymorphismOptions?.DerivedTypes.Select(d => d.DerivedType) ?? []))
            {
                open.Enqueue(part);
            }
        }

        return [.. names];
    }

    private static bool IsMarked(JsonPropertyInfo property) =>
        property.AttributeProvider?.IsDefined(typeof(SensitiveAttribute), inherit: true) == true
        || property.AssociatedParameter?.AttributeProvider?.IsDefined(typeof(SensitiveAttribute), inherit: true) == true;
}
