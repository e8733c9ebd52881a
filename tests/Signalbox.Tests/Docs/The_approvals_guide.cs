using Microsoft.Extensions.DependencyInjection;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

public sealed class The_approvals_guide
{
    private readonly Dictionary<string, string[]> _roles = new()
    {
        ["person:anna"] = ["lead"],
        ["person:berta"] = ["security"],
        ["person:carl"] = ["lead"],
        ["person:dora"] = ["guest"],
    };

    private readonly DirectoryInMemory _directory = new();

    private async Task<(WorkflowHarness Harness, RunId Run)> AskingAsync()
    {
        var harness = await WorkflowHarness.StartAsync(box =>
        {
            box.Services.AddSingleton<IDirectory>(_directory);
            box.AddWorkflow<LeaverFlow>().AddAction<CloseAccount, CloseAccountHandler>("close_account");
            ApprovalDesk.AddRoles(box, _roles);
        });
        var run = (await harness.Client("person:carl").StartAsync("leaver", new LeaverCase("otto"))).Run;
        await harness.SettleAsync();
        return (harness, run);
    }

    private async Task<string> ApproveAsync(WorkflowHarness harness, RunId run, string actor, bool says = true) =>
        (await ApprovalDesk.ApproveAsync(
            harness.Client(), new Caller(actor, _roles[actor]), run,
            lines => Task.FromResult(says && lines.Any(l => l is { Kind: CardLineKind.Exact, Text: "{\"account\":\"otto\"}" })), TestContext.Current.CancellationToken)).Code;

    [Fact]
    public async Task Shows_an_action_that_two_people_of_the_right_role_must_approve()
    {
        var (harness, run) = await AskingAsync();
        await using var _ = harness;

        Assert.Equal("approval_role", await ApproveAsync(harness, run, "person:dora"));
        Assert.Equal("approval_self", await ApproveAsync(harness, run, "person:carl"));
        Assert.Equal("ok", await ApproveAsync(harness, run, "person:anna"));
        Assert.Equal("approval_repeated", await ApproveAsync(harness, run, "person:anna"));
        Assert.Empty(_directory.Closed);
        Assert.Equal("ok", await ApproveAsync(harness, run, "person:berta"));
        await harness.RunUntilIdleAsync();

        Assert.Equal(["otto"], _directory.Closed);
        Assert.Equal("Done", (await harness.GetAsync(run)).State);
    }

    [Fact]
    public async Task Shows_that_one_who_rejects_is_enough()
    {
        var (harness, run) = await AskingAsync();
        await using var _ = harness;

        Assert.Equal("ok", await ApproveAsync(harness, run, "person:anna"));
        Assert.Equal("ok", await ApproveAsync(harness, run, "person:berta", says: false));
        await harness.RunUntilIdleAsync();

        Assert.Empty(_directory.Closed);
    }

    [Fact]
    public async Task Shows_that_a_role_taken_away_counts_when_the_approval_is_used()
    {
        var (harness, run) = await AskingAsync();
        await using var _ = harness;

        Assert.Equal("ok", await ApproveAsync(harness, run, "person:anna"));
        Assert.Equal("ok", await ApproveAsync(harness, run, "person:berta"));
        _roles["person:anna"] = [];
        await harness.RunUntilIdleAsync();

        Assert.Empty(_directory.Closed);
    }

    [Fact]
    public async Task Shows_that_nothing_is_done_when_nobody_answers_in_time()
    {
        var (harness, run) = await AskingAsync();
        await using var _ = harness;

        harness.Clock.Advance(TimeSpan.FromHours(8));
        await harness.RunUntilIdleAsync();

        Assert.Empty(_directory.Closed);
        Assert.False((await harness.GetAsync(run)).IsOpen);
    }
}
