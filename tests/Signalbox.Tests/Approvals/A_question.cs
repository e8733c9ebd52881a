using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Approvals;

public sealed class A_question
{
    private static Flow Asking(Question question) => new(async visit =>
    {
        var answer = await visit.Approve(question);
        return visit.GoTo(Step.Done, new Note($"{answer.Choice} by {answer.By ?? "nobody"}{(answer.Comment is null ? "" : $": {answer.Comment}")}"));
    });

    private static readonly Question s_question = new("Block it?", "yes", "no") { Details = new Block("192.0.2.7"), Meanings = new Dictionary<string, string> { ["yes"] = "puts it on the list" } };

    [Fact]
    public async Task Is_answered_by_one_of_its_choices_and_says_by_whom()
    {
        await using var bench = await Bench.OfAsync(Asking(s_question));
        await bench.RunAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        var told = await bench.Harness.Client("person:anna").AnswerAsync(bench.Run, "yes", comment: "clear case");
        Assert.Equal(("ok", "'yes' is recorded as the answer of person:anna."), (told.Code, told.Message));
        await bench.IdleAsync();

        Assert.Equal("yes by person:anna: clear case", (await bench.NoteAsync()).Text);
        var asked = await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested);
        Assert.Equal(("Block it?", """{"address":"192.0.2.7"}"""), (asked.Title, asked.Details!.Value.ToString()));
        Assert.Equal(new Dictionary<string, string> { ["yes"] = "puts it on the list" }, asked.Meanings);
    }

    [Fact]
    public async Task Takes_the_first_answer_and_records_the_second_which_changes_nothing()
    {
        await using var bench = await Bench.OfAsync(Asking(s_question));
        await bench.RunAsync();
        await bench.AnswerAsync("yes");
        var second = await bench.AnswerAsync("no", by: "person:otto");
        Assert.Equal(("approval_not_open", $"Run '{bench.Run}' is Pending and has no open question; the answer is recorded and changed nothing.", false), (second.Code, second.Message, second.IsAccepted));
        await bench.IdleAsync();

        Assert.Equal("yes by person:anna", (await bench.NoteAsync()).Text);
        Assert.Equal("person:otto", (await bench.EntryAsync(EntryKinds.ApprovalIgnored)).Actor);
    }

    [Fact]
    public async Task Refuses_what_is_not_one_of_its_choices()
    {
        await using var bench = await Bench.OfAsync(Asking(s_question));
        await bench.RunAsync();
        var told = await bench.AnswerAsync("Yes");

        Assert.Equal(("choice_unknown", "'Yes' is not one of the choices (yes, no); the answer is recorded and changed nothing."), (told.Code, told.Message));
        Assert.Equal(RunStatus.Waiting, (await bench.IdleAsync()).Status);
    }

    [Fact]
    public async Task That_nobody_answers_in_time_counts_as_its_safe_choice()
    {
        await using var bench = await Bench.OfAsync(Asking(s_question with { Within = TimeSpan.FromHours(4), Safe = "no" }));
        await bench.RunAsync();

        Assert.Equal("no by nobody", (await bench.NoteAsync()).Text);
        Assert.Equal("engine", (await bench.EntryAsync(EntryKinds.ApprovalExpired)).Actor);
    }

    [Fact]
    public async Task Cannot_be_answered_from_the_instant_of_its_expiry_on()
    {
        await using var bench = await Bench.OfAsync(Asking(s_question with { Within = TimeSpan.FromHours(4), Safe = "no" }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.Worker.StopAsync(); // nobody is there to record the expiry
        bench.Harness.Clock.Advance(TimeSpan.FromHours(4) - TimeSpan.FromTicks(10));
        var head = await bench.Harness.HeadAsync(bench.Run);
        Assert.Null(head.Refuses(new EntryDraft { Kind = EntryKinds.ApprovalAnswered, State = "One", Visit = 1, Step = "approval/-/1" }, head.Waits[0].Due!.Value - 1));
        bench.Harness.Clock.Advance(TimeSpan.FromTicks(10));
        var late = await bench.AnswerAsync("yes");

        Assert.Equal(("approval_expired", $"The question 'approval/-/1' of run '{bench.Run}' expired at 2026-01-01 04:00:00Z; the answer changed nothing."), (late.Code, late.Message));
        await bench.Harness.StartWorkerAsync();
        await bench.IdleAsync();
        Assert.Equal("no by nobody", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Beside_another_one_must_be_named()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var both = await Task.WhenAll(visit.Approve(s_question with { Name = "first" }), visit.Approve(s_question with { Name = "second" }));
            return visit.GoTo(Step.Done, new Note($"{both[0].Choice} {both[1].Choice}"));
        }));
        await bench.RunAsync();
        var told = await bench.AnswerAsync("yes");
        Assert.Equal(("approval_ambiguous", $"Run '{bench.Run}' has 2 open questions; name one of: first/-/1, second/-/1"), (told.Code, told.Message));
        Assert.True((await bench.AnswerAsync("no", "second/-/1")).IsAccepted);
        Assert.True((await bench.AnswerAsync("yes", "first/-/1")).IsAccepted);
        await bench.IdleAsync();

        Assert.Equal("yes no", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Is_withdrawn_when_the_visit_ends_without_its_answer()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var question = visit.Approve(s_question);
            var signal = visit.WaitFor<int>("enough");
            await Task.WhenAny(question, signal);
            return visit.GoTo(Step.Two);
        }, Two: async visit =>
        {
            await visit.WaitFor<int>("never");
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();
        await bench.SignalAsync("enough", 1);
        await bench.IdleAsync();

        Assert.Equal("the run goes to 'Two'", (await bench.EntryAsync(EntryKinds.ApprovalWithdrawn)).Cause);
        Assert.Equal("approval_not_open", (await bench.AnswerAsync("yes")).Code);
    }

    [Fact]
    public async Task Answered_in_the_very_moment_that_a_signal_ends_the_wait_is_recorded_once_either_way()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            await using var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    var question = visit.Approve(s_question);
                    var first = await Task.WhenAny(question, visit.WaitFor<int>("enough"));
                    return visit.GoTo(Step.Done, new Note(first == question ? "answer" : "signal"));
                }),
                options: new HarnessOptions { Seed = seed });
            await bench.RunAsync();
            await bench.SignalAsync("enough", 1);
            bench.Harness.Worker.Process.BeforeEachTask += () =>
            {
                if (bench.Harness.Scheduler.Steps % 20 == (long)seed)
                {
                    _ = bench.AnswerAsync("yes");
                }
            };
            Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
            Assert.InRange((await bench.EntriesAsync(EntryKinds.ApprovalAnswered)).Count + (await bench.EntriesAsync(EntryKinds.ApprovalWithdrawn)).Count, 1, 1);
        }
    }

    [Fact]
    public async Task Without_choices_that_differ_or_with_a_limit_and_no_safe_choice_fails_its_run()
    {
        foreach (var (question, reason) in new[]
        {
            (new Question("?"), "Question 'approval' needs choices that differ and are not empty; got: ."),
            (new Question("?", "a", "a"), "Question 'approval' needs choices that differ and are not empty; got: a, a."),
            (new Question("?", "a", "b") { Within = TimeSpan.FromHours(1) }, "Question 'approval' has a time limit and so needs a safe choice, one of: a, b; got ''."),
            (new Question("?", "a", "b") { Within = TimeSpan.FromHours(1), Safe = "c" }, "Question 'approval' has a time limit and so needs a safe choice, one of: a, b; got 'c'."),
            (new Question("?", "a", "b") { Meanings = new Dictionary<string, string> { ["a"] = "does it", ["c"] = "does that" } },
                "Question 'approval' says what its choices do (Meanings): each of them one of a, b, with 1 to 300 characters; got 'c' with 9."),
            (new Question("?", "a", "b") { Meanings = new Dictionary<string, string> { ["a"] = new('x', 301) } },
                "Question 'approval' says what its choices do (Meanings): each of them one of a, b, with 1 to 300 characters; got 'a' with 301."),
        })
        {
            await using var bench = await Bench.OfAsync(Asking(question));
            Assert.Equal(reason, (await bench.RunAsync()).Reason);
        }
    }
}
