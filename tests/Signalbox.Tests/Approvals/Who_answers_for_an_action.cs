using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Approvals;

public sealed class Who_answers_for_an_action
{
    private static async Task<Bench> AskingAsync(string startedBy = "person:carl")
    {
        var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Add(new Flow(async visit =>
            {
                var outcome = await visit.Act(new Disable("root"));
                return visit.GoTo(Step.Done, because: outcome.Reason);
            }));
            signalbox.AddAction<Disable, DisableHandler>("disable_account");
        });
        bench.IsQuiet = true;
        await bench.StartRunAsync(by: startedBy);
        await bench.Harness.SettleAsync();
        return bench;
    }

    private static async Task<string> AnswerAsync(Bench bench, string choice, string by, string[]? roles = null, string? hash = null, string? edited = null)
    {
        var command = new AnswerApproval(bench.Run, choice, Hash: hash, Edited: edited is null ? null : new RawJson(Encoding.UTF8.GetBytes(edited)));
        return (await RunCommands.ExecuteAsync(bench.Harness.Store, command, new Caller(by, roles ?? ["approver"]), default)).Code;
    }

    private static async Task<string> HashAsync(Bench bench) => Body.Read<ApprovalRequested>(await bench.EntryAsync(EntryKinds.ApprovalRequested)).Action!.ArgumentsHash;

    [Fact]
    public async Task Is_on_record_with_the_roles_and_with_what_was_shown()
    {
        await using var bench = await AskingAsync();
        var hash = await HashAsync(bench);

        Assert.Equal("ok", await AnswerAsync(bench, "approve", "person:anna", ["approver", "guest"], hash));

        var entry = await bench.EntryAsync(EntryKinds.ApprovalAnswered);
        var answered = Body.Read<ApprovalAnswered>(entry);
        Assert.Equal(("person:anna", "approve", hash), (entry.Actor, answered.Choice, answered.Hash));
        Assert.Equal(["approver", "guest"], answered.Roles!);
    }

    [Fact]
    public async Task Must_be_two_people_in_the_role_neither_of_whom_asked_for_it()
    {
        await using var bench = await AskingAsync();

        Assert.Equal("approval_role", await AnswerAsync(bench, "approve", "person:otto", ["guest"]));
        Assert.Equal("approval_role", await AnswerAsync(bench, "approve", "person:otto", []));
        Assert.Equal("approval_self", await AnswerAsync(bench, "approve", "person:carl"));
        Assert.Equal("approval_not_a_person", await AnswerAsync(bench, "approve", "agent:analyst"));
        Assert.Equal("ok", await AnswerAsync(bench, "approve", "person:anna"));
        Assert.Equal("approval_repeated", await AnswerAsync(bench, "approve", "person:anna"));
        await bench.Harness.SettleAsync();
        Assert.Empty(await bench.EntriesAsync(EntryKinds.ActionIntended));
        Assert.Equal("ok", await AnswerAsync(bench, "approve", "person:berta", ["lead"]));
        Assert.Equal("approval_not_open", await AnswerAsync(bench, "reject", "person:dora"));
        await bench.IdleAsync();

        Assert.Equal(RunStatus.Completed, (await bench.RowAsync()).Status);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionIntended));
        Assert.Equal(6, (await bench.EntriesAsync(EntryKinds.ApprovalIgnored)).Count);
    }

    [Fact]
    public async Task Is_told_how_many_are_still_needed()
    {
        await using var bench = await AskingAsync();

        var told = await bench.Harness.Client("person:anna").AnswerAsync(bench.Run, "approve");

        Assert.Equal("'approve' is recorded as the answer of person:anna. More people have to approve before anything is done.", told.Message);
    }

    [Fact]
    public async Task Does_not_answer_for_what_they_were_not_shown()
    {
        await using var bench = await AskingAsync();

        Assert.Equal("approval_stale", await AnswerAsync(bench, "approve", "person:anna", hash: new string('0', 64)));

        Assert.Empty(await bench.EntriesAsync(EntryKinds.ApprovalAnswered));
        Assert.Equal(new string('0', 64), (await bench.BodyAsync<ApprovalAnswered>(EntryKinds.ApprovalIgnored)).Hash);
    }

    [Theory]
    [InlineData("edit", null, "edit_not_allowed")]
    [InlineData("edit", "[1]", "edit_not_allowed")]
    [InlineData("edit", """{"account":"root","comment":""}""", "edit_not_allowed")]
    [InlineData("edit", """{"comment":"","account":"\u0072oot"}""", "edit_not_allowed")]
    [InlineData("edit", """{"account":"a","account":"b"}""", "edit_not_allowed")]
    [InlineData("edit", """{"account":"\ud800"}""", "edit_not_allowed")]
    [InlineData("edit", "{", "edit_not_allowed")]
    [InlineData("approve", """{"account":"guest"}""", "edit_not_allowed")]
    [InlineData("perhaps", null, "choice_unknown")]
    public async Task Proposes_other_arguments_only_with_an_edit_that_changes_some(string choice, string? edited, string code)
    {
        await using var bench = await AskingAsync();

        Assert.Equal(code, await AnswerAsync(bench, choice, "person:anna", edited: edited));

        Assert.Null((await bench.BodyAsync<ApprovalAnswered>(EntryKinds.ApprovalIgnored)).Edited);
        Assert.Equal(WaitKind.Approval, (await bench.Harness.HeadAsync(bench.Run)).Waits.Single().Kind);
    }

    [Fact]
    public async Task Who_edits_has_the_edit_on_record()
    {
        await using var bench = await AskingAsync();
        bench.ChecksHistory = false;

        Assert.Equal("ok", await AnswerAsync(bench, "edit", "person:anna", edited: """{ "account": "guest" }"""));

        Assert.Equal("""{"account":"guest"}""", (await bench.BodyAsync<ApprovalAnswered>(EntryKinds.ApprovalAnswered)).Edited.ToString());
    }

    [Fact]
    public async Task Cannot_edit_where_a_question_does_not_let_them()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Approve(new Question("?", "yes", "no"));
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();

        Assert.Equal("choice_unknown", await AnswerAsync(bench, "edit", "person:anna", edited: "{}"));
        Assert.Equal("edit_not_allowed", await AnswerAsync(bench, "yes", "person:anna", edited: "{}"));
        Assert.Equal("approval_stale", await AnswerAsync(bench, "yes", "person:anna", hash: "x"));
    }

    [Fact]
    public async Task Releases_a_standing_claim_once_and_as_a_person_alone()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.7"));
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();
        var id = Assert.Single(await bench.Harness.Store.ClaimsAsync(new ClaimQuery { Phases = [ClaimPhase.Standing] }, default)).ActionId;

        Assert.Equal("claim_not_a_person", await ReleaseAsync("agent:analyst", id));
        Assert.Equal("claim_not_standing", await ReleaseAsync("person:anna", "a-none"));
        Assert.Equal("ok", await ReleaseAsync("person:anna", id));
        Assert.Equal("claim_not_standing", await ReleaseAsync("person:anna", id));

        Assert.Empty(await bench.Harness.Store.ClaimsAsync(new ClaimQuery(), default));
        Assert.Equal(["192.0.2.7"], bench.Target.Resources);

        async Task<string> ReleaseAsync(string by, string actionId) =>
            (await RunCommands.ExecuteAsync(bench.Harness.Store, new ReleaseClaim(bench.Run, actionId, "no longer wanted"), new Caller(by, []), default)).Code;
    }
}
