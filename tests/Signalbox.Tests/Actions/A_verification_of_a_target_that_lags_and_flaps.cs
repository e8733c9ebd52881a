using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Actions;

/// <summary>Many small histories under a seed each: policies, lags, flapping, lost answers and crashes as they fall, judged by the target's own log of looks and calls.</summary>
public sealed class A_verification_of_a_target_that_lags_and_flaps
{
    private const int Histories = 2_000;
    private static readonly Block s_block = new("192.0.2.7");

    private static Flow Flow { get; } = new(async visit =>
    {
        var done = await visit.Act(s_block);
        var undone = visit.Case.Number == 1 ? await visit.Undo(s_block) : null;
        return visit.GoTo(Step.Done, new Note($"{done.Status} {undone?.Status}"));
    });

    [Fact]
    public async Task Is_never_less_than_its_policy_wants_and_never_does_a_thing_twice()
    {
        var (verified, diverged, windows, crashes, lost) = (0, 0, 0, 0, 0);
        for (ulong seed = 1; seed <= Histories; seed++)
        {
            try
            {
                await HistoryAsync(seed);
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed}: {e.Message}");
            }
        }

        // What the histories were meant to contain, they contain.
        Assert.True(verified > Histories && diverged > Histories / 50 && windows > Histories / 2 && crashes > Histories / 4 && lost > Histories / 10, $"{verified} {diverged} {windows} {crashes} {lost}");

        async Task HistoryAsync(ulong seed)
        {
            var random = new SeededEntropy(seed);
            var clock = new ManualClock();
            var lag = TimeSpan.FromSeconds(random.Below(121));
            var flap = TimeSpan.FromSeconds(random.Below(3) == 0 ? random.Below(60) : 0);
            var every = random.Below(3) == 0 ? (TimeSpan?)null : TimeSpan.FromSeconds(1 + random.Below(15));
            var isPatient = random.Below(4) > 0;
            var verification = new Verification
            {
                Agreeing = 2 + random.Below(3),
                Over = TimeSpan.FromSeconds(random.Below(2) * random.Below(60)),
                Every = every,
                Within = isPatient ? lag + flap : (lag + flap) * (random.Below(100) / 100.0),
            };
            var target = new FaultyTarget((TargetClass)(1 + random.Below(3)))
            {
                Policy = new ActionPolicy { Verification = verification },
                Visibility = new TargetVisibility(clock, seed) { LagMax = lag, FlapMax = flap },
            };
            foreach (var fault in Enumerable.Range(0, random.Below(3)).Select(_ => random.Below(3)))
            {
                target.Faults.Enqueue(fault switch { 0 => TargetFault.ThrowsAfterEffect, 1 => TargetFault.HangsAfterEffect, _ => TargetFault.None });
                lost += fault < 2 ? 1 : 0;
            }

            await using var harness = await WorkflowHarness.StartAsync(Bench.Configured(signalbox => signalbox.Add(Flow), target), new HarnessOptions { Clock = clock, Seed = seed });
            var run = await harness.StartRunAsync("flow", new Note(Number: random.Below(2)));
            for (var i = random.Below(3); i > 0; i--)
            {
                await harness.AdvanceAsync(TimeSpan.FromSeconds(random.Below(100)));
                await harness.CrashAndRestartAsync();
                crashes++;
            }

            await harness.RunUntilIdleAsync();
            Assert.Equal(RunStatus.Completed, (await harness.GetAsync(run)).Status);

            var journal = await harness.JournalAsync(run);
            foreach (var entry in journal.Where(e => e.Kind == EntryKinds.ActionVerified))
            {
                verified++;
                windows += verification.Over > TimeSpan.Zero ? 1 : 0;
                var seen = Body.Read<ActionObserved>(entry);
                AssertAgrees(target, entry.Time, seen, verification);
            }

            diverged += journal.Count(e => e.Kind == EntryKinds.ActionDiverged);
            foreach (var calls in target.Log.GroupBy(c => (c.ActionId, c.Operation)))
            {
                // A target that is given the time it needs is never called twice; another is not before its time is up.
                Assert.True(!isPatient || calls.Count() == 1, $"{calls.Count()} calls");
                Assert.All(calls.Zip(calls.Skip(1)), pair => Assert.True(pair.Second.At - pair.First.At >= verification.Within, $"called again after {pair.Second.At - pair.First.At}"));
            }

            Assert.True(target.Log.Select(c => c.Operation).SkipWhile(o => o == "execute").All(o => o == "undo"), "it went to and fro");
            await Bench.CheckAsync(harness);
        }
    }

    /// <summary>By the target's own log, the last looks before the verdict agree, and are enough and far enough apart.</summary>
    private static void AssertAgrees(FaultyTarget target, DateTimeOffset at, ActionObserved seen, Verification verification)
    {
        var wanted = seen.Undo ? ObservationKind.NotSo : ObservationKind.So;
        var looks = target.LookLog.Where(l => l.At <= at).Select(l => (l.At, Agrees: l.Shown == wanted)).ToList();

        // What comes next may have looked at the same instant.
        var same = looks.AsEnumerable().Reverse().TakeWhile(l => l.At == at).Count();
        var rows = Enumerable.Range(0, same).Select(later => looks.SkipLast(later).Reverse().TakeWhile(l => l.Agrees).Take(seen.Agreement!.Looks).ToList());
        Assert.True(rows.Any(r => r.Count >= verification.Agreeing && r[0].At - r[^1].At >= verification.Over), $"no {verification.Agreeing} looks agree over {verification.Over} before {at:u}");
        Assert.Equal((verification.Agreeing, (long)verification.Over.TotalMicroseconds), (seen.Agreement!.LooksWanted, seen.Agreement.OverWanted));
        Assert.True(seen.Agreement.Looks >= verification.Agreeing && seen.Agreement.Over >= seen.Agreement.OverWanted, seen.Agreement.ToString());
    }
}
