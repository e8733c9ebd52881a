using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>A tier as pinned: from which confidence on its decisions stand, and for which kinds another threshold holds.</summary>
internal sealed record PinnedTier(string Name, double Accept, IReadOnlyDictionary<string, double> Kinds)
{
    public double AcceptOf(string kind) => Kinds.TryGetValue(kind, out var own) ? own : Accept;
}

/// <summary>What an agent works under in one asking, from the payload that its <c>agent.began</c> refers to.</summary>
internal sealed record PinnedAgent(string Agent, IReadOnlyList<PinnedTier> Tiers, IReadOnlySet<string> Tools, IReadOnlySet<string> Unavailable)
{
    /// <exception cref="BodyFaultException">It is not of the documented shape.</exception>
    public static PinnedAgent Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new BodyFaultException("an agent's configuration that is an object", json.ValueKind.ToString());
        }

        var body = new Body(json);
        var tiers = body.Objects("tiers").Select(t => new PinnedTier(t.Text("name"), Accept(t), t.Object("kinds") is { } kinds ? kinds.Members().ToDictionary(k => k.Name, k => Accept(k.Value)) : []));
        return new(
            body.Text("agent"), [.. tiers], body.Objects("tools").Select(t => t.Text("name")).ToHashSet(),
            body.Element("unavailable") is { ValueKind: JsonValueKind.Object } missing ? missing.EnumerateObject().Select(m => m.Name).ToHashSet() : new HashSet<string>());
    }

    /// <summary>The place of a tier on the ladder; -1 if it is not there.</summary>
    public int IndexOf(string tier) => Tiers.Select((t, i) => (t, i)).Where(p => p.t.Name == tier).Select(p => p.i).FirstOrDefault(-1);

    private static double Accept(Body thresholds) => thresholds.OptionalReal("accept") ?? 0;
}
