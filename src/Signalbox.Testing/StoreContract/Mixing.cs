using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.ClaimMoves;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Mixing
{
    public static async Task Whatever_is_done_in_whatever_order_the_heads_are_the_fold_of_the_entries(StoreHarness harness)
    {
        var random = harness.Entropy;
        var runs = new List<RunId>();
        for (var move = 0; move < 600; move++)
        {
            if (runs.Count < 12 || random.Below(50) == 0)
            {
                runs.Add(await harness.StartAsync(random.Below(3) == 0 ? "other" : Flow));
                continue;
            }

            var head = await harness.HeadAsync(runs[random.Below(runs.Count)]);
            await MoveAsync(harness, head, random);
            if (harness.IsDurable && random.Below(150) == 0)
            {
                await harness.ReopenAsync();
            }
        }
    }

    public static async Task Whatever_is_claimed_in_whatever_order_the_claims_are_what_the_entries_make(StoreHarness harness)
    {
        var random = harness.Entropy;
        var runs = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => harness.StartAsync()));
        string[] places = ["192.0.2.0/24", "192.0.2.0/25", "192.0.2.7", "192.0.2.200", "web-01", "web-01/root"];
        for (var move = 0; move < 800; move++)
        {
            var run = runs[random.Below(runs.Length)];
            var other = runs[random.Below(runs.Length)];
            var claims = Enumerable.Range(0, 1 + random.Below(2)).Select(_ => places[random.Below(places.Length)]).Distinct().Select(p => random.Below(4) == 0 ? Allow(p) : Block(p)).ToArray();
            var now = harness.Clock.GetUtcNow();
            EntryDraft draft = random.Below(11) switch
            {
                0 => Propose(run, claims),
                1 => Queue(run, now.AddMinutes(random.Below(30)), claims),
                2 => Unqueue,
                3 or 4 => Intend(run, "act", claims, overrules: random.Below(3) == 0 ? [other] : null),
                5 => Intend(run, "act", [.. (await harness.ClaimsAsync(run)).Select(r => r.Claim)], undo: true, releases: [other]),
                6 or 7 => Observed(EntryKinds.ActionVerified, run, made: random.Below(2) == 0, undo: random.Below(3) == 0, until: random.Below(2) == 0 ? now.AddMinutes(random.Below(30)) : null),
                8 => Observed(random.Below(3) switch { 0 => EntryKinds.ActionNotApplied, 1 => EntryKinds.ActionDiverged, _ => EntryKinds.ActionUnverified }, run, undo: random.Below(2) == 0),
                9 => Release(run),
                _ => random.Below(3) == 0 ? Held : Observed(EntryKinds.ActionVerified, run, claims: claims),
            };
            await harness.Store.CommitAsync(new Commit { Run = run, Entries = [draft], Also = random.Below(6) == 0 ? [new Commit { Run = other, Entries = [NotApplied(other)] }] : [] }, default);
            harness.Clock.Advance(TimeSpan.FromSeconds(random.Below(60)));
            if (move % 100 == 0)
            {
                await WholeJournal.CheckAsync(harness.Store);
                if (harness.IsDurable)
                {
                    await harness.ReopenAsync();
                }
            }
        }

        Expect.That((await WholeJournal.LogAsync(harness.Store)).Count(e => e.Kind == EntryKinds.ClaimFreed) > 10, "Hardly anybody had to wait for a turn: the fact shows nothing.");
    }

    private static async Task MoveAsync(StoreHarness harness, RunHead head, SeededEntropy random)
    {
        var run = head.Row.Run;
        var names = new[] { "a", "b", "c" };
        var name = names[random.Below(names.Length)];
        var due = random.Below(2) == 0 ? harness.Clock.GetUtcNow().AddMinutes(random.Below(90)) : (DateTimeOffset?)null;
        switch (random.Below(16))
        {
            case 0:
                harness.Clock.Advance(TimeSpan.FromSeconds(random.Below(60)));
                break;
            case 1 or 2 or 3:
                await harness.LeaseAsync("w-" + random.Below(4).Number(), max: 1 + random.Below(4), idle: random.Below(2) == 0, new WorkflowVersion(Flow, 1), new WorkflowVersion("other", 1));
                break;
            case 4:
                await harness.CommitAsync(run, Signal(name));
                break;
            case 5:
                await harness.CommitAsync(run, Answer(name));
                break;
            case 6:
                await harness.CommitAsync(run, random.Below(4) == 0 ? Cancel : Step());
                break;
            case 7:
                await harness.CommitAsync(head, Entered("State" + name, head.Row.Visit + 1));
                break;
            case 8:
                await harness.CommitAsync(head, Wait(name, random.Below(3) == 0 ? null : name, due));
                break;
            case 9:
                await harness.CommitAsync(head, Ask(name, due));
                break;
            case 10:
                await harness.CommitAsync(head, Wait(name, name), Parked);
                break;
            case 11 when head.Waits is [var wait, ..]:
                await harness.CommitAsync(head, Waited(wait.Step, head.Mailbox.FirstOrDefault(s => s.Name == wait.Name)?.Seq));
                break;
            case 12:
                await harness.CommitAsync(head, random.Below(2) == 0 ? Held : Failed);
                break;
            case 13:
                await harness.CommitAsync(run, Draft(head.Row.Status == RunStatus.Failed ? EntryKinds.RunRetried : EntryKinds.RunResumed));
                break;
            case 14 when random.Below(4) == 0:
                await harness.CommitAsync(head, Completed);
                break;
            default:
                await harness.CommitAsync(head, Step(name), Step(name));
                break;
        }
    }
}
