using Signalbox.Journal;
using Signalbox.Storage;
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
