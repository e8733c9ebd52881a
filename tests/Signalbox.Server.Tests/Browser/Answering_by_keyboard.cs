using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.InABrowser;

/// <summary>No pointer is used here.</summary>
[Collection(InTheBrowser.Name)]
public sealed class Answering_by_keyboard(BrowserWorld world)
{
    [Fact]
    public async Task Goes_to_a_question_and_approves_it()
    {
        await world.SettledAsync(Errand.Shut, "192.0.2.51");
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.52");
        await using var tab = await world.OpenAsync("/approvals", ServerRoles.Approver);

        // From question to question, until the one that is meant has the focus.
        for (var i = 0; !(await FocusedAsync(tab)).Contains(run.ToString(), StringComparison.Ordinal); i++)
        {
            Assert.True(i < 50, "j leads to no question of the run.");
            await tab.KeyAsync("j");
        }

        await tab.KeyAsync("k");
        Assert.DoesNotContain(run.ToString(), await FocusedAsync(tab), StringComparison.Ordinal);
        await tab.KeyAsync("j");
        await tab.KeyAsync("Enter");
        await tab.ReachedAsync($@"/approvals/{run}\?");
        await tab.Expect(".ask-head h1").ToContainTextAsync("shut_address");

        var seq = (await world.QuestionAsync(run)).Seq;
        await tab.KeyAsync("a");
        await tab.Expect("button[value=approve]").ToBeFocusedAsync();
        foreach (var key in new[] { "a", "r", "Escape", "e", "a" }) // no key answers, however often it is pressed
        {
            await tab.KeyAsync(key);
            if (key == "r")
            {
                await tab.Expect("textarea[name=comment][required]").ToBeFocusedAsync();
                await tab.Page.EvaluateAsync("() => document.activeElement.blur()"); // in a field a letter is a letter
            }
        }

        Assert.Equal(seq, (await world.QuestionAsync(run)).Seq);
        await tab.KeyAsync("Enter");
        await tab.Expect("#result-title").ToHaveTextAsync("Approved");
        await world.EndAsync(run);
        Assert.Equal(24, world.Target.List["192.0.2.52"]);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task Does_not_count_for_a_question_that_has_changed_meanwhile()
    {
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.53");
        await using var tab = await world.OpenAsync($"/approvals/{run}", ServerRoles.Approver);
        await tab.Expect(".arguments").ToContainTextAsync("24");

        var control = world.App.Services.GetRequiredService<IRunControl>();
        var edited = new RawJson(Encoding.UTF8.GetBytes("""{"address":"192.0.2.53","hours":1}"""));
        var first = (await world.QuestionAsync(run)).Seq;
        var result = await control.ExecuteAsync(new AnswerApproval(run, OpenApproval.Edit, Edited: edited), new Caller("person:berta", [ServerRoles.Approver]), TestContext.Current.CancellationToken);
        Assert.True(result.IsAccepted, result.Message);
        await Telemetry.TracedWorld.UntilAsync(async () => (await world.Client.Store.FindAsync(run, TestContext.Current.CancellationToken))!.Waits.Any(w => w.Kind == WaitKind.Approval && w.Seq != first), "it asks anew");
        await tab.Expect(".news").ToContainTextAsync("This question has changed");

        await tab.KeyAsync("a");
        await tab.KeyAsync("Enter");
        await tab.Expect("#result-title").ToHaveTextAsync("The question has changed");
        await tab.Expect(".arguments tr:has-text('hours') td").ToHaveTextAsync("1"); // what is asked now
        Assert.False(world.Target.List.ContainsKey("192.0.2.53"));

        await tab.LoadedAsync();
        await tab.KeyAsync("a");
        await tab.KeyAsync("Enter");
        await tab.Expect("#result-title").ToHaveTextAsync("Approved");
        await world.EndAsync(run);
        Assert.Equal(1, world.Target.List["192.0.2.53"]);
    }

    [Fact]
    public async Task Rejects_only_with_a_reason()
    {
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.54");
        await using var tab = await world.OpenAsync($"/approvals/{run}", ServerRoles.Approver);

        await tab.KeyAsync("r");
        await tab.KeyAsync("Tab");
        await tab.Expect("button[value=reject]").ToBeFocusedAsync();
        await tab.KeyAsync("Enter");
        await tab.Expect("textarea[name=comment][required]").ToBeFocusedAsync(); // the browser asks for the reason
        await tab.TypeAsync("our own scanner");
        await tab.KeyAsync("Tab");
        await tab.KeyAsync("Enter");

        await tab.Expect("#result-title").ToHaveTextAsync("Rejected: nothing is done");
        var wait = await world.QuestionAsync(run); // the workflow asks what then
        Assert.False(world.Target.List.ContainsKey("192.0.2.54"));
        await tab.GoAsync($"/approvals/{run}?step={Uri.EscapeDataString(wait.Step)}");
        await tab.Expect(".said").ToHaveTextAsync("May 192.0.2.54 pass?");
        await tab.KeyAsync("2");
        await tab.Expect("button[value='keep it out']").ToBeFocusedAsync();
        await tab.KeyAsync("Enter");
        await tab.Expect("#result-title").ToHaveTextAsync("Answered");
        await world.EndAsync(run);
        await tab.GoAsync($"/runs/{run}");
        await tab.Expect(tab.Main).ToContainTextAsync("our own scanner");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task Proposes_other_arguments_for_somebody_else_to_approve()
    {
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.55");
        var first = (await world.QuestionAsync(run)).Seq;
        await using var tab = await world.OpenAsync($"/approvals/{run}", ServerRoles.Approver);

        await tab.KeyAsync("e");
        await tab.KeyAsync("Enter");
        await tab.KeyAsync("Tab");
        await tab.Expect("textarea[name=edited]").ToBeFocusedAsync();
        await tab.KeyAsync("Control+a");
        await tab.TypeAsync("{\"address\":\"192.0.2.55\",");
        await tab.KeyAsync("Tab");
        await tab.KeyAsync("Tab");
        await tab.KeyAsync("Enter");
        await tab.Expect("#field-error").ToContainTextAsync("The arguments are not JSON");
        await tab.Expect("textarea[name=edited]").ToHaveValueAsync("{\"address\":\"192.0.2.55\","); // nothing that was typed is lost

        await tab.Page.Locator("textarea[name=edited]").FocusAsync();
        await tab.KeyAsync("Control+End");
        await tab.TypeAsync("\"hours\":2}");
        await tab.KeyAsync("Tab");
        await tab.KeyAsync("Tab");
        await tab.KeyAsync("Enter");
        await tab.Expect("#result-title").ToHaveTextAsync("Proposed instead");
        await Telemetry.TracedWorld.UntilAsync(async () => (await world.Client.Store.FindAsync(run, TestContext.Current.CancellationToken))!.Waits.Any(w => w.Kind == WaitKind.Approval && w.Seq != first), "it asks anew");

        await tab.GoAsync($"/approvals/{run}");
        await tab.Expect(".arguments tr:has-text('hours') td").ToHaveTextAsync("2");
        await tab.Expect("button[value=approve]").ToHaveCountAsync(0); // a proposer does not approve
        await using var other = await world.OpenAsync($"/approvals/{run}", ServerRoles.Admin);
        await other.KeyAsync("a");
        await other.KeyAsync("Enter");
        await other.Expect("#result-title").ToHaveTextAsync("Approved");
        await world.EndAsync(run);
        Assert.Equal(2, world.Target.List["192.0.2.55"]);
    }

    private static Task<string> FocusedAsync(Tab tab) => tab.Page.EvaluateAsync<string>("() => document.activeElement.getAttribute('href') ?? ''");
}
