using Signalbox.Journal;

namespace Signalbox;

/// <summary>An action on its way to its intent. <paramref name="IsOurs"/>: what is to be taken back is this run's own effect. <paramref name="Unfit"/>: why it is no action.</summary>
internal sealed record GatedAction(AskedAction Asked, BoundHandler Handler, ActionIntended Intended, IReadOnlyList<Payload> Payloads, bool IsOurs, ApprovalRule? Rule, string? Unfit)
{
    public ScopedStep Step => Asked.Step;

    public ReadOnlyMemory<byte> Arguments => Asked.Arguments.Utf8;

    /// <summary>How often it was ruled on in this pass through the handler.</summary>
    public int Passes { get; set; }
}

/// <summary>What is in the way of an action.</summary>
internal sealed class Barriers
{
    public string? Refusal { get; set; }

    public List<ApprovalRule> Rules { get; } = [];

    /// <summary>Whether a person is needed, whoever may approve the action itself.</summary>
    public bool NeedsApproval { get; set; }

    public bool AskAPerson => NeedsApproval || Rules.Count > 0;

    public List<string> Why { get; } = [];

    public List<string> Overrules { get; } = [];

    public List<ClaimRow> ByPerson { get; } = [];

    public List<(string Policy, LimitUse Use, PolicyVerdictKind WhenReached, ApprovalRule? Rule)> Limits { get; } = [];

    /// <summary>The limits that would be passed, of which a person is to be told.</summary>
    public List<string> Reached { get; } = [];

    /// <summary>Why the tier that wants it has failed.</summary>
    public string? FailedBy { get; private set; }

    public void Take(string policy, PolicyVerdict verdict, bool raises)
    {
        if (verdict.Limit is { } limit)
        {
            Limits.Add((policy, limit, verdict.WhenReached, verdict.Rule));
        }

        switch (verdict.Kind)
        {
            case PolicyVerdictKind.Raise when raises:
                FailedBy ??= $"{policy}: {verdict.Reason}";
                break;
            case PolicyVerdictKind.Ask or PolicyVerdictKind.Raise:
                Rules.Add(verdict.Rule ?? ApprovalRule.Default);
                Why.Add($"{policy}: {verdict.Reason}");
                break;
            case PolicyVerdictKind.Refuse:
                Refusal ??= $"{policy}: {verdict.Reason}";
                break;
        }
    }

    /// <summary>One rule that satisfies them all; null if no role could.</summary>
    public ApprovalRule? Rule()
    {
        IReadOnlyList<ApprovalRule> rules = Rules.Count > 0 ? Rules : [ApprovalRule.Default];
        var roles = rules.Select(r => r.Roles.AsEnumerable()).Aggregate((a, b) => a.Intersect(b, StringComparer.Ordinal)).ToArray();
        return roles.Length == 0 ? null : new ApprovalRule
        {
            Roles = roles,
            Quorum = Math.Max(1, rules.Max(r => r.Quorum)),
            Within = rules.Min(r => r.Within),
            ValidFor = rules.Min(r => r.ValidFor),
            MayEdit = rules.All(r => r.MayEdit),
        };
    }
}
