using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Answering_and_repairing : IDisposable
{
    private readonly TestStore _store = new();

    private static string Me => Environment.UserName is { Length: > 0 } name ? "person:" + name : "person:";

    public void Dispose() => _store.Dispose();

    private async Task<RunId> AskingAsync(params string[] choices)
    {
        var run = new RunId("r-ask1");
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync(run.Value);
            await journals.EnterAsync(run, "Start", "Ask", "nobody knows", 2);
            await journals.AskAsync(run, choices: choices);
        });
        return run;
    }

    private async Task<RunId> EndedAsync(Func<Journals, RunId, Task> end)
    {
        var run = new RunId("r-end1");
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync(run.Value);
            await end(journals, run);
        });
        return run;
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("--choice", "yes")]
    [InlineData("yes", "--question", "approval")]
    [InlineData("yes", "--question", "approval/-/1")]
    public async Task An_answer_is_recorded_under_the_name_of_who_gave_it(params string[] said)
    {
        var run = await AskingAsync();

        var outcome = await _store.RunAsync(["answer", "r-ask1", .. said, "--comment", "I looked"]);

        Assert.Equal(
            $"""
            'yes' is recorded as the answer of {Me}.
            Run r-ask1 is Pending in state Ask, visit 2.
              No program works on this store now; start the one that has workflow door v2.

            """,
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        Assert.Equal(RunStatus.Pending, (await _store.FindAsync(run)).Row.Status);
        Assert.Contains("comment: I looked", (await _store.RunAsync("show", "ask1")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_is_no_choice_is_refused_with_the_choices()
    {
        var run = await AskingAsync();

        var outcome = await _store.RunAsync("answer", "r-ask1", "maybe");

        Assert.Equal(
            """
            choice_unknown: 'maybe' is not one of the choices (yes, no); the answer is recorded and changed nothing.
            Run r-ask1 is Waiting in state Ask, visit 2.
              It asks: Open the door? [yes | no]
              signalbox answer r-ask1 yes --store FOLDER/signalbox.db
              signalbox answer r-ask1 no --store FOLDER/signalbox.db

            """,
            outcome.Error);
        Assert.Equal((1, ""), (outcome.Exit, outcome.Output));
        Assert.Equal(RunStatus.Waiting, (await _store.FindAsync(run)).Row.Status);
    }

    [Fact]
    public async Task A_second_answer_is_refused()
    {
        await AskingAsync();
        await _store.RunAsync("answer", "r-ask1", "yes");

        var outcome = await _store.RunAsync("answer", "r-ask1", "no");

        Assert.StartsWith("approval_not_open: Run 'r-ask1' is Pending and has no open question; the answer is recorded and changed nothing.\n", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Exit);
    }

    [Fact]
    public async Task Without_a_choice_it_says_what_there_is_to_choose()
    {
        await AskingAsync();

        var outcome = await _store.RunAsync("answer", "r-ask1");

        Assert.Equal(
            """
            No choice was given, and nothing was answered. Run r-ask1 asks:
              Open the door? [yes | no]
              signalbox answer r-ask1 yes --store FOLDER/signalbox.db
              signalbox answer r-ask1 no --store FOLDER/signalbox.db

            """,
            outcome.Error);
        Assert.Equal(2, outcome.Exit);
    }

    [Fact]
    public async Task One_of_several_questions_has_to_be_named()
    {
        var run = new RunId("r-two1");
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync(run.Value);
            await journals.AppendAsync(run, EntryKinds.ApprovalRequested, new ApprovalRequested("First?", ["yes"], null, null, null), step: "one/-/1");
            await journals.AskAsync(run, "Second?", "two/-/1");
        });

        var unnamed = await _store.RunAsync("answer", "two1", "yes");
        var named = await _store.RunAsync("answer", "two1", "yes", "--question", "two");

        Assert.StartsWith("approval_ambiguous: Run 'r-two1' has 2 open questions; name one of: one/-/1, two/-/1\n", unnamed.Error, StringComparison.Ordinal);
        Assert.Contains("  signalbox answer r-two1 yes --question two/-/1 --store FOLDER/signalbox.db\n", unnamed.Error, StringComparison.Ordinal);
        Assert.Equal((1, 0), (unnamed.Exit, named.Exit));
        Assert.Equal("one/-/1", Assert.Single((await _store.FindAsync(run)).Waits).Step);
    }

    [Fact]
    public async Task The_commands_shown_mean_the_choices_whatever_they_are()
    {
        await AskingAsync("it's fine", "--no", "a\u202Eb");

        var shown = await _store.RunAsync("answer", "r-ask1");

        Assert.Contains("answer r-ask1 'it'\\''s fine' --store", shown.Error, StringComparison.Ordinal);
        Assert.Contains("answer r-ask1 --choice=--no --store", shown.Error, StringComparison.Ordinal);
        Assert.Contains("answer r-ask1 $'a\\U0000202Eb' --store", shown.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await _store.RunAsync("answer", "r-ask1", "--choice=--no")).Exit);
    }

    [Fact]
    public async Task A_signal_lies_in_the_mailbox_until_somebody_waits_for_it()
    {
        var run = await AskingAsync();

        var outcome = await _store.RunAsync("signal", "r-ask1", "bell", "{ \"rings\": [1,\n 2] }");

        Assert.StartsWith("Signal 'bell' lies in the run's mailbox.\nRun r-ask1 is Waiting in state Ask, visit 2.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, outcome.Exit);
        Assert.Equal("bell", Assert.Single((await _store.FindAsync(run)).Mailbox).Name);
        Assert.Contains("= {\"rings\":[1,2]}", (await _store.RunAsync("show", "r-ask1")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await _store.RunAsync("export")).Exit);
    }

    [Theory]
    [InlineData("{bad", "The value is not JSON: 'b' is an invalid start of a property name. Expected a '\"'. LineNumber: 0 | BytePositionInLine: 1. Nothing was sent. A text needs quotes of its own: '\"text\"'.\n")]
    [InlineData("""{"$payload":"x"}""", "A signal's value cannot have a member '$payload': in journals it stands for a value stored elsewhere. Nothing was sent. Put the value one level deeper.\n")]
    public async Task A_signal_that_makes_no_sense_is_not_sent(string value, string message)
    {
        var run = await AskingAsync();

        var outcome = await _store.RunAsync("signal", "r-ask1", "bell", value);

        Assert.Equal((2, message), (outcome.Exit, outcome.Error));
        Assert.Empty((await _store.FindAsync(run)).Mailbox);
    }

    [Fact]
    public async Task A_value_that_begins_with_an_at_sign_is_no_file()
    {
        await AskingAsync();

        Assert.StartsWith("The value is not JSON: '@'", (await _store.RunAsync("signal", "r-ask1", "bell", "@/etc/hostname")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_run_is_opened_again()
    {
        await EndedAsync((journals, run) => journals.FailAsync(run));

        var outcome = await _store.RunAsync("retry", "r-end1", "--reason", "oiled the hinge");

        Assert.StartsWith("Its last visit is open again; what had failed is asked again.\nRun r-end1 is Pending in state Start, visit 1.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, outcome.Exit);
        Assert.Contains("because: oiled the hinge", (await _store.RunAsync("show", "r-end1")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_has_not_failed_is_not_retried()
    {
        await AskingAsync();

        var outcome = await _store.RunAsync("retry", "r-ask1");

        Assert.StartsWith("not_failed: Run 'r-ask1' is Waiting; only a failed run can be retried.\n", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Exit);
    }

    [Fact]
    public async Task A_run_is_asked_to_end()
    {
        await AskingAsync();

        var outcome = await _store.RunAsync("cancel", "r-ask1", "--reason", "the house is gone");

        Assert.StartsWith(
            "It will end when its actions are settled, as soon as a worker that knows its workflow drives it.\nRun r-ask1 is Pending in state Ask, visit 2. It is to be canceled.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, outcome.Exit);
    }

    [Fact]
    public async Task A_run_that_has_ended_is_not_canceled()
    {
        await EndedAsync((journals, run) => journals.CompleteAsync(run));

        var outcome = await _store.RunAsync("cancel", "r-end1");

        Assert.Equal("run_ended: Run 'r-end1' is Completed and cannot be canceled. Start a new run to undo its effects.\nRun r-end1 is Completed in state Done, visit 2.\n", outcome.Error);
        Assert.Equal(1, outcome.Exit);
    }

    [Theory]
    [InlineData("--retry", "retry")]
    [InlineData("--accept", "accept")]
    [InlineData("--undo", "undo")]
    public async Task A_held_run_goes_on_as_its_operator_says(string option, string verb)
    {
        await EndedAsync((journals, run) => journals.HoldAsync(run));

        var outcome = await _store.RunAsync("release", "r-end1", option, "--note", "seen to");

        Assert.StartsWith("It goes on as soon as a worker that knows its workflow drives it.\nRun r-end1 is Pending in state Start, visit 1.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, outcome.Exit);
        Assert.Contains($"\"body\":{{\"verb\":\"{verb}\",\"note\":\"seen to\"}}", (await _store.RunAsync("show", "r-end1", "--json")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_held_run_is_abandoned_without_its_program()
    {
        await EndedAsync((journals, run) => journals.HoldAsync(run));

        var outcome = await _store.RunAsync("release", "r-end1", "--abandon");

        Assert.StartsWith("The run has ended as failed; what it did in the world stays.\nRun r-end1 is Failed (abandoned) in state Start, visit 1.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, outcome.Exit);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("--retry and --undo", "--retry", "--undo")]
    public async Task A_release_has_to_say_how(string got, params string[] options)
    {
        await EndedAsync((journals, run) => journals.HoldAsync(run));

        var outcome = await _store.RunAsync(["release", "r-end1", .. options]);

        Assert.Equal((2, $"Say with one option how it is to go on: --retry, --accept, --undo, --abandon; got {got}. Nothing was changed.\n"), (outcome.Exit, outcome.Error));
    }

    [Fact]
    public async Task Programs_get_one_shape_for_both_ends()
    {
        await AskingAsync();

        var refused = JsonDocument.Parse((await _store.RunAsync("retry", "r-ask1", "--json")).Output).RootElement;
        var accepted = JsonDocument.Parse((await _store.RunAsync("answer", "r-ask1", "no", "--json")).Output).RootElement;

        Assert.Equal(["accepted", "code", "message", "run", "status", "state", "next"], refused.EnumerateObject().Select(m => m.Name));
        Assert.Equal((false, "not_failed", "Waiting"), (refused.GetProperty("accepted").GetBoolean(), refused.GetProperty("code").GetString(), refused.GetProperty("status").GetString()));
        Assert.Equal((true, "ok", "Pending"), (accepted.GetProperty("accepted").GetBoolean(), accepted.GetProperty("code").GetString(), accepted.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task The_program_that_owns_the_store_is_handed_the_command()
    {
        await using var host = await GateHost.StartAsync(_store.Path);
        var run = await host.StartRunAsync();

        var owner = await _store.RunAsync("owner");
        var outcome = await _store.RunAsync("answer", run.Value, "close");
        var end = await host.Client.WaitForEndAsync(run).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Matches("^The store 'FOLDER/signalbox.db' is written by process [0-9]+ .*\\. Commands are handed to it\\.\n$", owner.Output);
        Assert.StartsWith($"'close' is recorded as the answer of {Me}.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal((0, RunStatus.Completed), (outcome.Exit, end.Status));
    }

    [Fact]
    public async Task An_action_in_doubt_is_shown_with_what_an_operator_can_do()
    {
        await using var host = await GateHost.StartAsync(_store.Path);
        var run = await host.StartRunAsync();
        host.Target.IsSilent = true;
        await host.Client.AnswerAsync(run, "block");
        await host.SettleAsync(run);

        var shown = await _store.RunAsync("show", run.Value);
        host.Target.IsSilent = false;
        var released = await _store.RunAsync("release", run.Value, "--retry");
        var end = await host.Client.WaitForEndAsync(run).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Contains("action block-address: UNKNOWN whether it happened", shown.Output, StringComparison.Ordinal);
        Assert.EndsWith(
            $"""
            Next
              Try again:        signalbox release {run} --retry --store FOLDER/signalbox.db
              Take it as it is: signalbox release {run} --accept --store FOLDER/signalbox.db
              Undo the effects: signalbox release {run} --undo --store FOLDER/signalbox.db
              End it as failed: signalbox release {run} --abandon --store FOLDER/signalbox.db

            """,
            shown.Output,
            StringComparison.Ordinal);
        Assert.Equal((0, RunStatus.Completed), (released.Exit, end.Status));
    }
}
