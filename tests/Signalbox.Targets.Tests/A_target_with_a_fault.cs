using Signalbox.Testing;

namespace Signalbox.Targets.Tests;

/// <summary>The contract's own test: each of these faults, planted in a handler and target that are right otherwise, must break a promise of the class.</summary>
public sealed class A_target_with_a_fault
{
    private const TargetFeatures Features = TargetFeatures.Undo | TargetFeatures.EffectLog | TargetFeatures.Failures | TargetFeatures.LostAnswers | TargetFeatures.Silence;

    private const string DeclaresAnother = "The handler declares T3";

    /// <summary>The fault, the class that is declared, and a promise that it breaks.</summary>
    public static TheoryData<TargetClass, Fault, string> Faults => new()
    {
        { TargetClass.T1, Fault.ForgetsIds, "A late call does not do again what somebody took away" },
        { TargetClass.T1, Fault.ForgetsIdsWithTheEffect, "A late call does not do again what somebody took away" },
        { TargetClass.T1, Fault.RemembersIdsBeside, "Racing calls of one action are one effect" },
        { TargetClass.T1, Fault.RemembersResources, "Another action on the same resource is another effect" },
        { TargetClass.T1, Fault.TakesUndoForAReplay, "Undoing under the id of the action itself" },
        { TargetClass.T1, Fault.ForgetsIdsOfUndos, "A late undo does not take away what another action did since" },
        { TargetClass.T1, Fault.UndoFreesTheId, "A late call does not do again what was undone" },
        { TargetClass.T1, Fault.NewIdPerAttempt, "An action that is called again is one effect" },
        { TargetClass.T2, Fault.IgnoresTheFence, "A call of an older epoch is refused after one of a newer" },
        { TargetClass.T2, Fault.LooksRaiseNoFence, "A call of an older epoch is refused after a look of a newer" },
        { TargetClass.T2, Fault.FenceOfAllRuns, "The epochs of one run refuse nothing to another" },
        { TargetClass.T2, Fault.FenceOnlyForDoing, "An undo of an older epoch is refused" },
        { TargetClass.T2, Fault.FenceClosesForEver, "What was refused to an older epoch is not refused to a newer" },
        { TargetClass.T2, Fault.ComparesAndThenSets, "Racing calls are one effect" },
        { TargetClass.T2, Fault.WritesWhatIsSo, "Doing it where it is so already changes nothing" },
        { TargetClass.T3, Fault.CountsReferences, "Doing it twice leaves the state of doing it once" },
        { TargetClass.T3, Fault.Toggles, "Doing it twice leaves the state of doing it once" },
        { TargetClass.T3, Fault.ExecuteDoesNothing, "Executing makes the effect" },
        { TargetClass.T3, Fault.SwallowsFailures, "A call that fails before its effect does not look like a success" },
        { TargetClass.T3, Fault.LooksAlwaysSo, "What nobody has done is not so" },
        { TargetClass.T3, Fault.LooksRemember, "A look shows that others took away what this very handler did" },
        { TargetClass.T3, Fault.LooksOnlyAtWhatItDid, "What was done is so for another process" },
        { TargetClass.T3, Fault.LooksAreCached, "What was done is so" },
        { TargetClass.T3, Fault.LooksLag, "What was done is so" },
        { TargetClass.T3, Fault.LooksDoIt, "What nobody has done is not so and looking does not do it" },
        { TargetClass.T3, Fault.LooksAlternate, "Looking again shows the same" },
        { TargetClass.T3, Fault.ThrowsWhenItIsNotSo, "What nobody has done is not so" },
        { TargetClass.T3, Fault.ProofEmpty, "What nobody has done is not so" },
        { TargetClass.T3, Fault.ProofHuge, "What nobody has done is not so" },
        { TargetClass.T3, Fault.UndoDoesNothing, "Undoing takes the effect away" },
        { TargetClass.T3, Fault.UndoTakesAll, "Actions on two resources do not touch each other" },
        { TargetClass.T3, Fault.UndoTwiceDoesIt, "Undoing twice changes nothing more" },
        { TargetClass.T3, Fault.TouchesNeighbours, "Actions on two resources do not touch each other" },
        { TargetClass.T3, Fault.LosesSomeOfMany, "Actions on many resources at once all have their effect" },
        { TargetClass.T3, Fault.ThrowsForCancellationAfterTheEffect, "A call that is canceled before it begins and throws has changed nothing" },
        { TargetClass.T3, Fault.IgnoresCancellation, "A call that is never answered ends when it is canceled" },
        { TargetClass.T3, Fault.ClaimsAnew, "Claims are the same whenever and by whomever" },
        { TargetClass.T3, Fault.DeclaresIrreversible, "Whether it can be undone is declared as it is" },
        { TargetClass.T4, Fault.CallsAgain, "A call whose answer is lost is no second call" },
        { TargetClass.T4, Fault.SwallowsFailures, "A call whose answer is lost is an error" },
        { TargetClass.T4, Fault.BlindAndSure, "A look is unclear before and after the call" },
        { TargetClass.T4, Fault.DeclaresAnotherClass, DeclaresAnother },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Breaks_a_promise_of_its_class(TargetClass targetClass, Fault fault, string promise)
    {
        var broken = await BrokenAsync(targetClass, fault, promise);
        Assert.Contains(broken, message => message.StartsWith($"{targetClass} (", StringComparison.Ordinal) && message.Contains(promise, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(TargetClass.T1)]
    [InlineData(TargetClass.T2)]
    [InlineData(TargetClass.T3)]
    [InlineData(TargetClass.T4)]
    public async Task Would_break_none_without_it(TargetClass targetClass) => Assert.Empty(await BrokenAsync(targetClass, Fault.None));

    [Fact]
    public async Task May_be_slow_to_show_what_was_done_where_its_policy_says_so() =>
        Assert.Empty(await BrokenAsync(TargetClass.T3, Fault.LooksLag, verification: new Verification { Within = TimeSpan.FromSeconds(20), Every = TimeSpan.FromMilliseconds(20) }));

    [Fact]
    public async Task May_be_trusted_blindly_only_where_the_contract_sees_what_its_failures_look_like()
    {
        Assert.Empty(await BrokenAsync(TargetClass.T4, Fault.None, blind: BlindRule.TrustAnswer));
        var unseen = Assert.Single(await BrokenAsync(TargetClass.T4, Fault.None, blind: BlindRule.TrustAnswer, features: Features & ~TargetFeatures.LostAnswers));
        Assert.Contains("An answer is trusted only where it is shown that what fails is no answer", unseen, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_here_for_each_fault_that_can_be_planted() =>
        Assert.Equal(Enum.GetValues<Fault>().Where(f => f != Fault.None), Faults.Select(row => row.Data.Item2).Distinct().Order());

    [Fact]
    public async Task Is_told_by_class_promise_and_what_came_instead()
    {
        var fact = TargetContract.Facts(TargetClass.T1, Features).Single(f => f.Name == "KeyedTargets: A late call does not do again what somebody took away");
        await using var harness = new PlantedHarness(TargetClass.T1, Fault.ForgetsIds);
        var e = await Assert.ThrowsAsync<ContractViolationException>(() => fact.CheckAsync(harness));
        Assert.Equal(
            "T1 (keyed: it remembers action ids and refuses a second effect) is not kept. KeyedTargets: A late call does not do again what somebody took away. "
            + "The effect stands again: another hand had taken it away, and the id that made it was used up.",
            e.Message);
    }

    private static async Task<List<string>> BrokenAsync(TargetClass targetClass, Fault fault, string? promise = null, Verification? verification = null, BlindRule blind = BlindRule.Hold, TargetFeatures features = Features)
    {
        var broken = new List<string>();
        foreach (var fact in TargetContract.Facts(targetClass, features).Where(f => promise is null || promise == DeclaresAnother || f.Name.Contains(promise, StringComparison.Ordinal)))
        {
            await using var harness = new PlantedHarness(targetClass, fault, verification, blind);
            try
            {
                await fact.CheckAsync(harness).WaitAsync(TimeSpan.FromSeconds(60));
            }
            catch (ContractViolationException e)
            {
                broken.Add(e.Message);
            }
        }

        return broken;
    }
}
