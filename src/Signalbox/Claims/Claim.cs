using System.Text.Json.Serialization;

namespace Signalbox;

/// <summary>
/// An action's stake in a resource: what it wants of it (<paramref name="Intent"/>, such as <c>block</c>). Equal intents get along; one that is <paramref name="Against"/> another cannot stand
/// beside it, whichever of the two says so.
/// </summary>
public sealed record Claim(Resource Resource, string Intent, IReadOnlyList<string>? Against = null)
{
    /// <summary>Whether the two cannot both stand.</summary>
    public bool Opposes(Claim other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Resource.Overlaps(other.Resource) && IsAgainst(Intent, Against, other.Intent, other.Against);
    }

    internal static bool IsAgainst(string intent, IReadOnlyList<string>? against, string other, IReadOnlyList<string>? otherAgainst) =>
        against?.Contains(other, StringComparer.Ordinal) == true || otherAgainst?.Contains(intent, StringComparer.Ordinal) == true;
}

/// <summary>How far a claim has come.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ClaimPhase>))]
public enum ClaimPhase
{
    /// <summary>Its action waits for a person or a ruling: to be seen, and in nobody's way.</summary>
    [JsonStringEnumMemberName("proposal")] Proposal = 1,

    /// <summary>Its action waits for holds of others to be settled. Nobody who came later takes a hold before it.</summary>
    [JsonStringEnumMemberName("queued")] Queued,

    /// <summary>Its action is between its intent and its settlement: nobody else may touch the resource.</summary>
    [JsonStringEnumMemberName("hold")] Hold,

    /// <summary>Its action is verified: what is against it is a conflict, until it is released, overruled or has expired.</summary>
    [JsonStringEnumMemberName("standing")] Standing,
}

/// <summary>What becomes of an action whose claim is against one that stands. That one of them must be settled first is never a question: it waits for that.</summary>
public enum ConflictRule
{
    /// <summary>A person is asked whether the standing one is overruled.</summary>
    Person,

    /// <summary>It gives way: refused.</summary>
    Yield,

    /// <summary>The one with the higher <see cref="ActionPolicy.Priority"/> stands; of equal ones the one that stands already.</summary>
    Priority,
}
