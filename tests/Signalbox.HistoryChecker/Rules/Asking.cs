using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>One asking of an agent: from its <c>agent.began</c> to a decision that stands, or to a person.</summary>
internal sealed class Asking(string scope, string agent, PinnedAgent? pinned, long seq)
{
    public string Scope { get; } = scope;

    public string Agent { get; } = agent;

    /// <summary>What it works under; null where its payload is not at hand.</summary>
    public PinnedAgent? Pinned { get; } = pinned;

    public long Seq { get; } = seq;

    /// <summary>The tiers that something is recorded of, in the order of their asking.</summary>
    public List<TierCourse> Tiers { get; } = [];

    /// <summary>The decision that stands.</summary>
    public TierDecision? Standing => Tiers.Select(t => t.Decision).FirstOrDefault(d => d?.Stands == true);

    /// <summary>The conversations of all its tiers.</summary>
    public IEnumerable<Conversation> Conversations => Tiers.SelectMany(t => t.Conversations.Values);

    public TierCourse Tier(string name)
    {
        if (Tiers.Find(t => t.Name == name) is not { } tier)
        {
            Tiers.Add(tier = new TierCourse(name));
        }

        return tier;
    }
}

/// <summary>How far one tier of an asking has come.</summary>
internal sealed class TierCourse(string name)
{
    public string Name { get; } = name;

    public TierDecision? Decision { get; set; }

    public (string To, long Seq)? Escalation { get; set; }

    /// <summary>Its conversations by scope: its own, and one for each further sample.</summary>
    public Dictionary<string, Conversation> Conversations { get; } = new(StringComparer.Ordinal);

    /// <summary>A decision that climbs, and nothing yet says where to.</summary>
    public TierDecision? Climbing => Escalation is null && Decision is { Stands: false } made ? made : null;

    public Conversation In(string scope)
    {
        if (!Conversations.TryGetValue(scope, out var conversation))
        {
            Conversations.Add(scope, conversation = new Conversation());
        }

        return conversation;
    }
}

internal sealed record TierDecision(string Id, bool Stands, long Seq);

/// <summary>The turns of one conversation.</summary>
internal sealed class Conversation
{
    /// <summary>The last turn that has a reply.</summary>
    public long Turn { get; private set; }

    /// <summary>The calls of the last reply, by id; null where the reply is not at hand.</summary>
    public Dictionary<string, string>? Calls { get; private set; }

    /// <summary>What became of each call of the last reply: the kind of the entry that answered it.</summary>
    public Dictionary<string, string> Answered { get; } = new(StringComparer.Ordinal);

    public bool IsAnswerRejected { get; set; }

    /// <summary>The turn and the try that failed last: another model may be asked the same.</summary>
    public (long Turn, long Try)? Failed { get; set; }

    /// <summary>The last reply's calls that nothing has answered yet.</summary>
    public IEnumerable<KeyValuePair<string, string>> Unanswered => Calls?.Where(c => !Answered.ContainsKey(c.Key)) ?? [];

    public void Reply(long turn, Dictionary<string, string>? calls)
    {
        (Turn, Calls, IsAnswerRejected, Failed) = (turn, calls, false, null);
        Answered.Clear();
    }
}
