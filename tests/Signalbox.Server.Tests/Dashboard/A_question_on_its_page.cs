using System.Net;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class A_question_on_its_page
{
    private static readonly CancellationToken s_none = CancellationToken.None;

    private static async Task<IReadOnlyList<Entry>> EntriesAsync(AskingWorld world, RunId run, string kind) => [.. (await world.Harness.JournalAsync(run)).Where(e => e.Kind == kind)];

    [Fact]
    public async Task Says_what_exactly_to_what_why_and_what_happens_if_nobody_answers()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root", "as agreed"), labels: new Dictionary<string, string> { ["site"] = "north" });
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        var hash = Body.Read<ApprovalRequested>((await EntriesAsync(world, run, EntryKinds.ApprovalRequested)).Single()).Action!.ArgumentsHash;
        foreach (var said in new[]
        {
            "disable_account on account/web-01/root", "What will be done, exactly", "{\"account\":\"root\",\"comment\":\"as agreed\"}", hash, "account/web-01/root (to 'disable')", "It CANNOT BE UNDONE", "cannot be undone",
            "T3, which can be asked whether it is so", "it cannot be undone", "Proposed by workflow:desk", "Run started by person:carl", "2 different people in the role approver or lead, but not ", "2 people to approve; one who rejects is enough to refuse",
            "If nobody answers by then, it is refused and nothing is done.", "in 1 h", "You answer as person:anna.", "site=north", "Checked by nobody.", "the model says: SAFE, approve at once",
        })
        {
            Assert.Contains(said, page.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Says_what_is_missing_and_marks_what_a_model_said()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root", Thinks: true));
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);

        foreach (var said in new[] { "1 missing", "Missing evidence.", "IOException: no route <b>to</b> host", "What models said", "claims, checked by nobody", "fast (fast-1)", "0.62 confident", "climbed", "many failed logins <script>alert(1)</script>", "Escalated from fast to person" })
        {
            Assert.Contains(said, page.Text, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("<script>alert", page.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_approved_by_two_people_one_after_the_other()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        using var berta = await world.LogInAsync("berta", "approver", "lead");

        var first = await (await world.OpenAsync(anna, run)).AnswerAsync("approve", ("comment", "I looked"));
        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.Contains("On record: waits for another person", first.Text, StringComparison.Ordinal);
        Assert.Contains("person:anna has answered already; 2 different people are needed.", first.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Approve exactly this", first.Text, StringComparison.Ordinal);

        var second = await (await world.OpenAsync(berta, run)).AnswerAsync("approve");
        Assert.Contains("Approved", second.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Your answer", second.Text.Replace("Your answers", "", StringComparison.Ordinal), StringComparison.Ordinal);
        await world.Harness.RunUntilIdleAsync();
        Assert.Equal(RunStatus.Completed, (await world.Harness.GetAsync(run)).Status);
        var answers = (await EntriesAsync(world, run, EntryKinds.ApprovalAnswered)).Select(e => (e.Actor, Body.Read<ApprovalAnswered>(e).Comment)).ToArray();
        Assert.Equal([("person:anna", "I looked"), ("person:berta", null)], answers);
    }

    [Fact]
    public async Task Shows_who_has_answered_and_how_many_are_still_needed()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        using var berta = await world.LogInAsync("berta", "approver");
        await (await world.OpenAsync(anna, run)).AnswerAsync("approve", ("comment", "looks right"));

        var page = await world.OpenAsync(berta, run);

        Assert.Contains("person:anna: approve, “looks right”", page.Text, StringComparison.Ordinal);
        Assert.Contains("Still needed 1 person to approve", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_rejected_with_a_reason_by_one_person()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        var page = await world.OpenAsync(anna, run);

        var without = await page.AnswerAsync("reject", ("comment", "  "));
        Assert.Equal(HttpStatusCode.BadRequest, without.Status);
        Assert.Contains("A rejection needs a reason", without.Text, StringComparison.Ordinal);
        Assert.Matches("<textarea name=\"comment\"[^>]*aria-invalid=\"true\" aria-describedby=\"field-error\"", without.Page);
        Assert.Empty(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered));

        var rejected = await page.AnswerAsync("reject", ("comment", "our own proxy"));
        Assert.Contains("Rejected: nothing is done", rejected.Text, StringComparison.Ordinal);
        await world.Harness.RunUntilIdleAsync();
        Assert.Equal((RunStatus.Failed, "Refused"), ((await world.Harness.GetAsync(run)).Status, (await world.Harness.GetAsync(run)).State));
    }

    [Fact]
    public async Task Is_edited_into_another_one_that_somebody_else_approves()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        var page = await world.OpenAsync(anna, run);
        Assert.Contains("{ \"account\": \"root\", \"comment\": \"\" }", page.Text, StringComparison.Ordinal);

        var broken = await page.AnswerAsync("edit", ("edited", "{\"account\": <guest>}"));
        Assert.Equal(HttpStatusCode.BadRequest, broken.Status);
        Assert.Contains("The arguments are not JSON, at line 1, byte 13.", broken.Text, StringComparison.Ordinal);
        Assert.Contains("{\"account\": <guest>}", broken.Text, StringComparison.Ordinal);
        var same = await page.AnswerAsync("edit", ("edited", "{\"comment\":\"\",\"account\":\"root\"}"));
        Assert.Contains("The edited arguments are those that are proposed already", same.Text, StringComparison.Ordinal);

        var proposed = await page.AnswerAsync("edit", ("edited", "{\"account\":\"guest\",\"comment\":\"\"}"));
        Assert.Contains("Proposed instead", proposed.Text, StringComparison.Ordinal);
        await world.Harness.SettleAsync();
        var anew = await world.OpenAsync(anna, run);
        Assert.Contains("{\"account\":\"guest\",\"comment\":\"\"}", anew.Text, StringComparison.Ordinal);
        Assert.Contains("person:anna has proposed this, edited it or asked for it, so that somebody else must answer.", anew.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_has_changed_takes_no_answer_to_the_old_one_and_shows_the_new_one()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        using var berta = await world.LogInAsync("berta", "approver");
        var old = await world.OpenAsync(anna, run);
        await (await world.OpenAsync(berta, run)).AnswerAsync("edit", ("edited", "{\"account\":\"guest\",\"comment\":\"\"}"));
        await world.Harness.SettleAsync();

        var stale = await old.AnswerAsync("approve");

        Assert.Equal(HttpStatusCode.Conflict, stale.Status);
        Assert.Contains("The question has changed", stale.Text, StringComparison.Ordinal);
        Assert.Contains("{\"account\":\"guest\",\"comment\":\"\"}", stale.Text, StringComparison.Ordinal);
        Assert.Contains("Approve exactly this", stale.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered), e => e.Actor == "person:anna");
    }

    [Fact]
    public async Task Takes_no_answer_for_a_hash_that_was_not_shown()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");

        var stale = await (await world.OpenAsync(anna, run)).AnswerAsync("approve", ("hash", new string('0', 64)));

        Assert.Equal(HttpStatusCode.Conflict, stale.Status);
        Assert.Contains("The question has changed", stale.Text, StringComparison.Ordinal);
        Assert.Equal(new string('0', 64), Body.Read<ApprovalAnswered>(Assert.Single(await EntriesAsync(world, run, EntryKinds.ApprovalIgnored))).Hash);
    }

    [Fact]
    public async Task Answered_twice_says_that_it_is_not_open_any_more()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        var page = await world.OpenAsync(anna, run);
        await page.AnswerAsync("reject", ("comment", "no"));

        var again = await page.AnswerAsync("reject", ("comment", "no"));

        Assert.Equal(HttpStatusCode.Conflict, again.Status);
        Assert.Contains("This question is not open any more", again.Text, StringComparison.Ordinal);
        Assert.Single(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered));
    }

    [Fact]
    public async Task Whose_time_is_up_takes_no_answer()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        var page = await world.OpenAsync(anna, run);
        world.Harness.Clock.Jump(TimeSpan.FromMinutes(61));

        var late = await page.AnswerAsync("approve");

        Assert.Equal(HttpStatusCode.Conflict, late.Status);
        Assert.Contains("Too late: its time was up", late.Text, StringComparison.Ordinal);
        Assert.Contains("Its time is up: an answer would come too late.", late.Text, StringComparison.Ordinal);
        Assert.Empty(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered));
    }

    [Fact]
    public async Task Says_who_may_not_answer_and_why_and_takes_no_answer_from_them()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"), startedBy: "person:anna");
        using var anna = await world.LogInAsync("anna", "approver");
        using var vera = await world.LogInAsync("vera", "viewer");
        using var berta = await world.LogInAsync("berta", "approver");
        var hers = await world.OpenAsync(berta, run);

        var own = await world.OpenAsync(anna, run);
        Assert.Contains("person:anna has proposed this, edited it or asked for it, so that somebody else must answer.", own.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("name=\"choice\"", own.Page, StringComparison.Ordinal);
        var seen = await world.OpenAsync(vera, run);
        Assert.Contains("person:vera may look at questions, not answer them", seen.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("name=\"choice\"", seen.Page, StringComparison.Ordinal);

        var token = await anna.TokenOfAsync("/approvals");
        var asked = (await world.WaitAsync(run)).Seq.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var barred = await anna.PostAsync(hers.Address, ("__RequestVerificationToken", token), ("choice", "approve"), ("asked", asked));
        Assert.Equal(HttpStatusCode.Forbidden, barred.StatusCode);
        Assert.Contains("Your answer does not count", Asked.TextOf(await barred.TextAsync()), StringComparison.Ordinal);
        var refused = await vera.PostAsync(hers.Address, ("__RequestVerificationToken", await vera.TokenOfAsync("/approvals")), ("choice", "approve"), ("asked", asked));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Empty(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered));
    }

    [Fact]
    public async Task Takes_no_form_without_the_token_of_its_page()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");
        var page = await world.OpenAsync(anna, run);

        foreach (var token in new[] { "", "made up" })
        {
            var forged = await page.AnswerAsync("approve", ("__RequestVerificationToken", token));
            Assert.Equal(HttpStatusCode.BadRequest, forged.Status);
        }

        Assert.Empty(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered));
        Assert.Empty(await EntriesAsync(world, run, EntryKinds.ApprovalIgnored));
    }

    [Fact]
    public async Task That_is_plain_offers_its_choices_and_takes_one()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand(Question: "Close <i>it</i>?\u202E"));
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);
        Assert.Contains("Close <i>it</i>?\\u202e", page.Text, StringComparison.Ordinal);
        Assert.Contains("keep it open (counts if nobody answers)", page.Text, StringComparison.Ordinal);
        Assert.Contains("ends the <b>errand</b>\\u202e.", page.Text, StringComparison.Ordinal);
        Assert.Contains("<p class=\"soft does\" id=\"does-0\">ends the &lt;b&gt;errand&lt;/b&gt;", page.Page, StringComparison.Ordinal);
        Assert.Contains("aria-describedby=\"does-0\"", page.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("does-1", page.Page, StringComparison.Ordinal);
        Assert.Contains("<details><summary>&quot;&lt;i&gt;word", page.Page, StringComparison.Ordinal); // what is long is folded
        Assert.Contains("If nobody answers by then, 'keep it open' counts.", page.Text, StringComparison.Ordinal);

        var answered = await page.AnswerAsync("close it", ("comment", "done"));
        Assert.Contains("Answered", answered.Text, StringComparison.Ordinal);
        await world.Harness.RunUntilIdleAsync();
        Assert.Equal(RunStatus.Completed, (await world.Harness.GetAsync(run)).Status);
    }

    [Fact]
    public async Task That_is_plain_and_was_asked_anew_takes_no_answer_to_the_old_one()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand(Question: "Close it?"));
        using var anna = await world.LogInAsync("anna", "approver");

        var stale = await (await world.OpenAsync(anna, run)).AnswerAsync("close it", ("asked", "1"));

        Assert.Equal(HttpStatusCode.Conflict, stale.Status);
        Assert.Contains("The question has changed", stale.Text, StringComparison.Ordinal);
        Assert.Equal(WaitKind.Approval, (await world.WaitAsync(run)).Kind);
    }

    [Fact]
    public async Task Of_long_arguments_is_approved_only_where_all_of_them_are_shown()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root", new string('x', 30_000) + "END"));
        using var anna = await world.LogInAsync("anna", "approver");

        var cut = await world.OpenAsync(anna, run);
        Assert.Contains("Not all of the arguments is shown: they take 30,0", cut.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Approve exactly this", cut.Text, StringComparison.Ordinal);
        Assert.Contains("Reject: nothing is done", cut.Text, StringComparison.Ordinal);
        var forced = await anna.PostAsync(cut.Address, ("__RequestVerificationToken", await anna.TokenOfAsync(cut.Address)), ("choice", "approve"), ("asked", (await world.WaitAsync(run)).Seq.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(HttpStatusCode.BadRequest, forced.StatusCode);
        Assert.Empty(await EntriesAsync(world, run, EntryKinds.ApprovalAnswered));

        var full = await world.OpenAsync(anna, run, "&full=1");
        Assert.Contains("xxxEND", full.Text, StringComparison.Ordinal);
        Assert.Contains("On record", (await full.AnswerAsync("approve")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_what_would_deceive_as_what_it_is()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("r\u043eot", "\u202E<img src=x onerror=alert(1)>\u0007"), labels: new Dictionary<string, string> { ["<i>l</i>"] = "\u001b[2J\"><script>" });
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);

        Assert.Contains("{\"account\":\"r\\u043eot\",\"comment\":\"\\u202e<img src=x onerror=alert(1)>\\u0007\"}", page.Text, StringComparison.Ordinal);
        Assert.Contains("<i>l</i>=\\u001b[2J\"><script>", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("<i>l", page.Page, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Page, c => c is '\u202E' or '\u001b' or '\u0007');
        using var list = await anna.GetAsync("/approvals");
        var inbox = await list.TextAsync();
        Assert.DoesNotContain("<img", inbox, StringComparison.Ordinal);
        Assert.DoesNotContain(inbox, c => c is '\u202E' or '\u001b' or '\u0007');
    }

    [Fact]
    public async Task Warns_of_a_conflict_with_what_stands()
    {
        await using var world = await AskingWorld.StartAsync();
        var first = await world.AskAsync(new Errand("root", Opposite: true));
        await world.Harness.RunUntilIdleAsync();
        Assert.Equal(RunStatus.Completed, (await world.Harness.GetAsync(first)).Status);
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);

        Assert.Contains($"Conflict: 'enable' on account/web-01/root by enable_account of run {first}, stands", page.Text, StringComparison.Ordinal);
        using var inbox = await anna.GetAsync("/approvals");
        Assert.Contains("1 in conflict", Asked.TextOf(await inbox.TextAsync()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/approvals/r-none")]
    [InlineData("/approvals/%20")]
    public async Task Of_no_run_is_not_found(string address)
    {
        await using var world = await AskingWorld.StartAsync();
        using var anna = await world.LogInAsync("anna", "approver");

        using var answer = await anna.GetAsync(address);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Has_keys_that_lead_to_its_controls_and_none_that_presses_one()
    {
        await using var world = await AskingWorld.StartAsync();
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);

        Assert.Matches("<button[^>]*value=\"approve\"[^>]*data-focus-key=\"a\"", page.Page);
        Assert.Matches("<textarea[^>]*required[^>]*data-focus-key=\"r\"", page.Page);
        Assert.Matches("<summary[^>]*data-focus-key=\"e\"", page.Page);
        Assert.DoesNotMatch("<(button|summary|textarea)[^>]*data-key=", page.Page);
        using var script = await anna.GetAsync("/assets/inbox.js");
        Assert.DoesNotMatch("\\.(click|submit|requestSubmit)\\(", await script.TextAsync());
    }

    [Fact]
    public async Task Leads_to_the_questions_before_and_after_it()
    {
        await using var world = await AskingWorld.StartAsync();
        var first = await world.AskAsync(new Errand("a"));
        world.Harness.Clock.Advance(TimeSpan.FromSeconds(1));
        var second = await world.AskAsync(new Errand("b"));
        world.Harness.Clock.Advance(TimeSpan.FromSeconds(1));
        var third = await world.AskAsync(new Errand("c"));
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, second);

        Assert.Contains($"data-previous=\"/approvals/{first}?", page.Page, StringComparison.Ordinal);
        Assert.Contains($"data-next=\"/approvals/{third}?", page.Page, StringComparison.Ordinal);
    }
}
