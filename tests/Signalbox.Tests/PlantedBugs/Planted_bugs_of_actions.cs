using System.Text;
using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.PlantedBugs;

/// <summary>
/// Bugs of an engine whose runs act on the same things, with approvals and claims. Each is planted in the engine as it is, whose histories are then played by seeds until the history checker finds one that
/// breaks a promise. Without a bug none does. <c>handler</c> is an action's handler under the engine as it is, <c>store</c> a store that checks less, <c>commit</c> what the engine writes, changed before the
/// store checks it, and <c>journal</c> what it writes, changed as an engine with that bug would record it.
/// </summary>
public sealed class Planted_bugs_of_actions
{
    private const int HistoriesMax = 400;

    /// <summary>The defect, where it sits, the invariants of which one has to catch it, and a history of it.</summary>
    private sealed record Plant(string Defect, string Where, string Caught, Func<ulong, Task<IReadOnlyList<Violation>>> PlayAsync);

    private static readonly Plant[] s_plants =
    [
        new("intent after act", "handler", "I4", s => ActionWorld.PlayAsync(s, options: () => new() { ActsBeforeItsIntent = true })),
        new("new action id for each attempt", "handler", "I4", s => ActionWorld.PlayAsync(s, options: () => new() { IsNewForEachAttempt = true })),
        new("unknown treated as failed, by a handler", "handler", "I6", s => ActionWorld.PlayAsync(s, options: () => new() { TakesUnclearForNot = true })),
        new("unknown treated as failed, by the engine", "journal", "I6", s => ActionWorld.PlayAsync(s, Bug.UnknownTakenForFailed)),
        new("unknown tried again without a key", "handler", "I5", s => ActionWorld.PlayAsync(s, options: () => new() { TakesUnclearForNot = true, Class = TargetClass.T1 }, targetClass: TargetClass.T4)),
        new("approval consumed twice", "journal", "I8", s => ActionWorld.PlayAsync(s, Bug.ApprovalConsumedTwice, () => new() { QuorumMin = 1, OnConflict = ConflictRule.Priority })),
        new("self-approval", "commit", "I8", s => ActionWorld.PlayAsync(s, Bug.SelfApproval)),
        new("approval checked at the decision, not when it is consumed", "store", "I8", s => ActionWorld.PlayAsync(s, Bug.ApprovalCheckedOnlyAtDecision)),
        new("expiry only by a sweeper", "store", "I3", s => ActionWorld.PlayAsync(s, Bug.ExpiryOnlyBySweeper)),
        new("hash omits an argument", "commit", "I4", s => ActionWorld.PlayAsync(s, Bug.HashOmitsAnArgument)),
        new("claim freed before the action is verified", "store", "I9", s => ActionWorld.PlayAsync(s, Bug.ClaimFreedBeforeVerify)),
        new("claims in arrival order, not all at once", "store", "I9", s => ActionWorld.PlayAsync(s, Bug.ClaimsInArrivalOrder)),
        new("claims not checked", "store", "I9", s => ActionWorld.PlayAsync(s, Bug.ClaimsUnchecked)),
        new("queue jumped", "store", "I9", s => ActionWorld.PlayAsync(s, Bug.QueueJumped)),
        new("ruling on record in one run alone", "store", "I9", s => ActionWorld.PlayAsync(s, Bug.RulingInOneRunAlone)),
        new("limit not added up", "store", "I16", s => ActionWorld.PlayAsync(s, Bug.LimitUncounted)),
        new("one look taken for verified", "journal", "I21", s => ActionWorld.PlayAsync(s, Bug.OneLookTakenForVerified)),
        new("looks told of that never were", "journal", "I21", s => ActionWorld.PlayAsync(s, Bug.LooksThatNeverWere, () => new() { Verification = Verification.Default })),
        new("cut stream accepted", "journal", "I23", _ => Planted_bugs_of_agents.PlayAsync(Bug.CutReplyTaken)),
    ];

    [Fact]
    public async Task None_breaks_no_promise()
    {
        for (ulong seed = 1; seed <= 100; seed++)
        {
            var found = await ActionWorld.PlayAsync(seed);
            Assert.True(found.Count == 0, $"seed {seed}:\n{string.Join('\n', found)}");
        }
    }

    [Fact]
    public async Task Are_all_caught()
    {
        var table = new StringBuilder("defect | planted in | caught by | after histories | as\n");
        var missed = new List<string>();
        foreach (var plant in s_plants)
        {
            var caught = await FindAsync(plant);
            table.AppendLine(caught is var (histories, violation)
                ? $"{plant.Defect} | {plant.Where} | {violation.Invariant} | {histories} | {violation}"
                : $"{plant.Defect} | {plant.Where} | nothing | {HistoriesMax} |");
            if (caught is null)
            {
                missed.Add(plant.Defect);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(table.ToString());
        Assert.True(missed.Count == 0, $"Not caught: {string.Join(", ", missed)}\n{table}");
    }

    private static async Task<(ulong Histories, Violation Violation)?> FindAsync(Plant plant)
    {
        for (ulong seed = 1; seed <= HistoriesMax; seed++)
        {
            if ((await plant.PlayAsync(seed)).FirstOrDefault(v => v.Invariant == plant.Caught) is { } violation)
            {
                return (seed, violation);
            }
        }

        return null;
    }
}
