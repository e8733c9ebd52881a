using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.ClaimMoves;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Approving
{
    private static readonly TimeSpan Tick = TimeSpan.FromMicroseconds(1);

    public static async Task Two_persons_must_approve_where_two_are_asked_for(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 2);
        var first = Expect.Committed(await harness.CommitAsync(run, Say("person:ada"))).Head!;
        Expect.Equal((RunStatus.Waiting, WaitKind.Approval, 1), (first.Row.Status, first.Waits[0].Kind, first.Waits[0].Approval!.Voices.Count), "The run after the first of two approvals");
        Expect.Refused(await harness.CommitAsync(run, Say("person:ada")), CommitStatus.Refused, "approval_repeated");
        var second = Expect.Committed(await harness.CommitAsync(run, Say("person:bo"))).Head!;
        Expect.Equal((RunStatus.Pending, WaitKind.Approved), (second.Row.Status, second.Waits[0].Kind), "The run after the second of two approvals");
        Expect.Sequence([new Voice("person:ada", "approve"), new Voice("person:bo", "approve")], (await harness.HeadAsync(run)).Waits[0].Approval!.Voices, "Who approved");
        Expect.Refused(await harness.CommitAsync(run, Say("person:cy")), CommitStatus.Refused, "approval_not_open");
    }

    public static async Task One_person_is_enough_to_reject(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 2);
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        var after = Expect.Committed(await harness.CommitAsync(run, Say("person:bo", OpenApproval.Reject))).Head!;
        Expect.Equal((RunStatus.Pending, 0), (after.Row.Status, after.Waits.Length), "The run after one of two rejected");
    }

    public static async Task An_answer_that_does_not_count_is_refused_and_changes_nothing(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 2, barred: ["person:eve"]);
        var before = await harness.HeadAsync(run);
        foreach (var (answer, code) in new[]
        {
            (Say("worker:w-1"), "approval_not_a_person"),
            (Say("workflow:contract"), "approval_not_a_person"),
            (Say("person:ada", role: "reader"), "approval_role"),
            (Say("person:eve"), "approval_self"),
            (Say("person:ada", hash: "of other arguments"), "approval_stale"),
            (Say("person:ada", "perhaps"), "choice_unknown"),
            (Say("person:ada", OpenApproval.Edit), "choice_unknown"),
            (Say("person:ada") with { Visit = 2 }, "approval_not_open"),
            (Say("person:ada") with { Step = "other" }, "approval_not_open"),
        })
        {
            Expect.Refused(await harness.CommitAsync(run, answer), CommitStatus.Refused, code);
            Expect.Same(before, await harness.HeadAsync(run), $"The run after an answer that was refused with {code}");
        }

        Expect.Committed(await harness.CommitAsync(run, Say("person:ada", role: Caller.AnyRole, hash: null)));
    }

    public static async Task Nothing_is_done_while_a_person_is_asked(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 2);
        Expect.Refused(await harness.CommitAsync(run, Intend(run)), CommitStatus.Refused, "approval_missing");
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        Expect.Refused(await harness.CommitAsync(run, Intend(run, "act", [], approval: 2)), CommitStatus.Refused, "approval_missing");
    }

    public static async Task An_approval_is_consumed_once_by_the_action_that_it_is_for(StoreHarness harness)
    {
        var run = await AskAsync(harness);
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        var seq = (await harness.HeadAsync(run)).Waits.Single().Seq;
        Expect.Refused(await harness.CommitAsync(run, Intend(run)), CommitStatus.Refused, "approval_missing");
        Expect.Refused(await harness.CommitAsync(run, Intend(run, "act", [], approval: seq + 1)), CommitStatus.Refused, "approval_not_valid");
        Expect.Refused(await harness.CommitAsync(run, Intend(run, "act", [], approval: seq, hash: "of other arguments")), CommitStatus.Refused, "approval_not_valid");
        Expect.Refused(await harness.CommitAsync(run, Intend(run, "other", [], approval: seq)), CommitStatus.Refused, "approval_not_valid");
        Expect.Equal(0, Expect.Committed(await harness.CommitAsync(run, Intend(run, "act", [], approval: seq))).Head!.Waits.Length, "Approvals after one was consumed");
        Expect.Refused(await harness.CommitAsync(run, Intend(run, "act", [], approval: seq)), CommitStatus.Refused, "approval_not_valid");
    }

    public static async Task An_approval_that_is_withdrawn_is_worth_nothing(StoreHarness harness)
    {
        var run = await AskAsync(harness);
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        var seq = (await harness.HeadAsync(run)).Waits.Single().Seq;
        Expect.Committed(await harness.CommitAsync(run, Draft(EntryKinds.ApprovalWithdrawn, step: "act")));
        Expect.Refused(await harness.CommitAsync(run, Intend(run, "act", [], approval: seq)), CommitStatus.Refused, "approval_not_valid");
    }

    public static async Task An_approval_lapses_at_its_instant_by_the_clock_of_the_store(StoreHarness harness)
    {
        foreach (var inTime in new[] { true, false })
        {
            var run = await AskAsync(harness, validFor: TimeSpan.FromMinutes(5));
            harness.Clock.Advance(TimeSpan.FromMinutes(1));
            Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
            var wait = (await harness.HeadAsync(run)).Waits.Single();
            Expect.Equal(Microseconds.From(harness.Clock.GetUtcNow().AddMinutes(5)), wait.Due, "How long the approval is good");
            harness.Clock.Advance(TimeSpan.FromMinutes(5) - Tick);
            if (inTime)
            {
                Expect.Committed(await harness.CommitAsync(run, Intend(run, "act", [], approval: wait.Seq), Completed));
                continue;
            }

            harness.Clock.Advance(Tick);
            Expect.Refused(await harness.CommitAsync(run, Intend(run, "act", [], approval: wait.Seq)), CommitStatus.Refused, "approval_lapsed");
        }
    }

    public static async Task A_question_expires_at_its_instant_also_for_the_second_of_two(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 2);
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        harness.Clock.Advance(TimeSpan.FromHours(1));
        Expect.Refused(await harness.CommitAsync(run, Say("person:bo")), CommitStatus.Refused, "approval_expired");
    }

    public static async Task Of_many_answers_at_once_as_many_count_as_are_asked_for(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 3);
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => harness.CommitAsync(run, Say("person:p-" + (i / 2).Number())))));
        Expect.Equal(3, results.Count(r => r.IsCommitted), "How many of the answers of four persons, each given twice at once, were taken where three are asked for");
        Expect.Equal(3, (await harness.HeadAsync(run)).Waits.Single().Approval!.Voices.Select(v => v.Actor).Distinct().Count(), "How many different persons approved");
    }

    public static async Task Of_many_intents_at_once_one_consumes_the_approval(StoreHarness harness)
    {
        var run = await AskAsync(harness);
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        var seq = (await harness.HeadAsync(run)).Waits.Single().Seq;
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => harness.CommitAsync(run, Intend(run, "act", [], approval: seq)))));
        Expect.Equal((1, 7), (results.Count(r => r.IsCommitted), results.Count(r => r.Refusal?.Code == "approval_not_valid")), "How many of eight intents with one approval were written, and refused");
    }

    [NeedsDurability]
    public static async Task A_question_and_its_voices_are_there_after_opening_again(StoreHarness harness)
    {
        var run = await AskAsync(harness, quorum: 2, barred: ["person:eve"]);
        Expect.Committed(await harness.CommitAsync(run, Say("person:ada")));
        var before = await harness.HeadAsync(run);
        await harness.ReopenAsync();
        Expect.Same(before, await harness.HeadAsync(run), "The run after opening again");
        Expect.Refused(await harness.CommitAsync(run, Say("person:eve")), CommitStatus.Refused, "approval_self");
        Expect.Refused(await harness.CommitAsync(run, Say("person:ada")), CommitStatus.Refused, "approval_repeated");
        Expect.Committed(await harness.CommitAsync(run, Say("person:bo")));
        await harness.ReopenAsync();
        Expect.Committed(await harness.CommitAsync(run, Intend(run, "act", [], approval: before.Waits[0].Seq)));
    }

    /// <summary>A new run that waits for an hour for an answer about its action.</summary>
    private static async Task<RunId> AskAsync(StoreHarness harness, int quorum = 1, TimeSpan? validFor = null, IReadOnlyList<string>? barred = null)
    {
        var lease = await harness.DriveAsync();
        Expect.Committed(await harness.CommitAsync(lease, AskToAct(lease.Row.Run, harness.Clock.GetUtcNow().AddHours(1), quorum, validFor, barred), Parked));
        return lease.Row.Run;
    }
}
