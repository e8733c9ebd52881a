using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>What an entry adds to what somebody has used up.</summary>
internal readonly record struct Spent(Speaker By, Spending Amount);

/// <summary>
/// The one rule of who spent what, for the costs of a run and for the statistics of a log: a reservation counts as spent, by its agent, tier and model, until the settlement corrects it; who reserved last in a scope of the visit
/// speaks there, and what happens in that scope is theirs. Where nobody has reserved, a call is of the agent and tier that it names. A new visit begins with nobody speaking.
/// </summary>
internal static class WhoSpent
{
    private static readonly Speaker s_nobody = new("", "", "");

    /// <summary>Whose reservation it is: they speak in the entry's scope from now on.</summary>
    public static Speaker Reserving(Entry entry, BudgetReserved reserved)
    {
        var agent = reserved.Agent ?? "";
        return new(agent, agent.Length == 0 ? "" : Scopes.TierOf(entry.Scope, agent), reserved.Model ?? "");
    }

    /// <summary>A call or an answer that was rejected, of the agent and tier that it names.</summary>
    public static Spent Rejected(Speaker? speaking, string? agent, string? tier) => new(speaking ?? new(agent ?? "", tier ?? "", ""), Spending.OneRejection);

    /// <summary>The end of a step, or of an attempt; null: it used up nothing.</summary>
    public static Spent? Step(Speaker? speaking, Settlement? settlement, string? type, ToolCalled? tool, long microseconds) =>
        settlement is { Spent: not null, Reserved: not null } ? new(speaking ?? s_nobody, settlement.Spent - settlement.Reserved)
        : type == "tool" ? new(speaking ?? new(tool?.Agent ?? "", tool?.Tier ?? "", ""), Spending.None with { Microseconds = microseconds })
        : null;
}
