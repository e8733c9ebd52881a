using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Tests.Claims;

/// <summary>Answers that somebody gives to a question that says who may, whatever they are.</summary>
internal static class Answers
{
    /// <summary>Gives an answer, as a command does: recorded as an answer, or as one that changed nothing. Gives <c>ok</c>, or why it changed nothing.</summary>
    public static async Task<string> GiveAsync(IRunStore store, RunId run, OpenWait wait, string actor, IReadOnlyList<string> roles, string choice, string? hash = null, RawJson? edited = null)
    {
        var head = (await store.FindAsync(run, CancellationToken.None))!;
        var draft = new EntryDraft
        {
            Kind = EntryKinds.ApprovalAnswered,
            State = head.Row.State,
            Visit = head.Row.Visit,
            Scope = wait.Scope,
            Step = wait.Step,
            Actor = actor,
            Cause = "answered",
            Body = Body.Write(new ApprovalAnswered(choice, null, roles, hash, edited)),
        };
        var result = await store.CommitAsync(new Commit { Run = run, Entries = [draft] }, CancellationToken.None);
        if (result.Refusal is { } refusal)
        {
            await store.CommitAsync(new Commit { Run = run, Entries = [draft with { Kind = EntryKinds.ApprovalIgnored, Scope = "", Cause = refusal.Why, Body = Body.Write(new ApprovalAnswered(choice, null, roles, hash)) }] }, CancellationToken.None);
        }

        return result.Refusal?.Code ?? "ok";
    }

    /// <summary>Drives until nothing more happens; where people answer, no further than to where they are asked, so that no question's time runs out.</summary>
    public static async Task RunUntilSettledAsync(this WorkflowHarness harness, bool answers)
    {
        if (!answers)
        {
            await harness.RunUntilIdleAsync();
            return;
        }

        await harness.AdvanceAsync(TimeSpan.FromSeconds(5)); // what is due is seen at the next look at the latest
        for (var passes = 0; (await harness.RunsAsync()).Any(r => !r.IsSettled) && passes < 20_000; passes++)
        {
            await harness.AdvanceAsync(TimeSpan.FromSeconds(passes < 100 ? 1 : 60));
        }
    }
}
