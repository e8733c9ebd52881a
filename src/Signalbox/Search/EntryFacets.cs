using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.Search;

/// <summary>Whose an entry is and how it came out, as its body says: what filters go by. Null where the body says nothing of it.</summary>
internal readonly record struct EntryFacets(string? Agent, string? Tier, string? Code)
{
    /// <summary>Reads them without reading the rest; a body that is no JSON has what was read before it broke.</summary>
    public static EntryFacets Of(Entry entry)
    {
        var facets = default(EntryFacets);
        if (entry.Body.IsEmpty)
        {
            return facets;
        }

        var isEscalation = entry.Kind == EntryKinds.EscalationRaised;
        var reader = new Utf8JsonReader(entry.Body.Span, new JsonReaderOptions { MaxDepth = Body.DepthMax });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return facets;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var member = MemberOf(ref reader, isEscalation);
                reader.Read();
                if (member is Member.Call && reader.TokenType == JsonTokenType.StartObject)
                {
                    facets = OfCall(ref reader, facets);
                }
                else if (member is Member.Other or Member.Call || reader.TokenType != JsonTokenType.String)
                {
                    reader.Skip();
                }
                else
                {
                    facets = With(facets, member, reader.GetString());
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A damaged body is what 'check' is for; the entry is found by what can be read of it. (The second: half of a surrogate pair.)
        }

        return facets;
    }

    /// <summary>A model call or a tool call within a step's result names its agent itself.</summary>
    private static EntryFacets OfCall(ref Utf8JsonReader reader, EntryFacets facets)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = MemberOf(ref reader, isEscalation: false);
            reader.Read();
            if (member is Member.Agent or Member.Tier && reader.TokenType == JsonTokenType.String)
            {
                facets = With(facets, member, reader.GetString());
            }
            else
            {
                reader.Skip();
            }
        }

        return facets;
    }

    private static EntryFacets With(EntryFacets facets, Member member, string? value) => member switch
    {
        Member.Agent => facets with { Agent = value },
        Member.Tier => facets with { Tier = value },
        _ => facets with { Code = value },
    };

    private static Member MemberOf(ref Utf8JsonReader reader, bool isEscalation) =>
        reader.ValueTextEquals("agent"u8) ? Member.Agent
        : reader.ValueTextEquals(isEscalation ? "from"u8 : "tier"u8) ? Member.Tier
        : reader.ValueTextEquals(isEscalation ? "reason"u8 : "code"u8) ? Member.Code
        : reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("tool"u8) ? Member.Call
        : Member.Other;

    private enum Member
    {
        Other,
        Agent,
        Tier,
        Code,
        Call,
    }
}
