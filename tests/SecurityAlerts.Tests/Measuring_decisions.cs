using Signalbox;

namespace SecurityAlerts.Tests;

/// <summary>The README's section "How good is it": its commands as processes, and what it says of them.</summary>
public sealed class Measuring_decisions
{
    private static readonly string s_truth = Path.Combine(World.OwnAlerts, "truth.jsonl");

    [Fact]
    public async Task Tells_what_was_right_and_puts_another_configuration_beside_it()
    {
        using var world = new World();

        var good = await SampleProcess.RunAsync(world, "--truth", s_truth, "--report", "good.json");
        Assert.Equal((0, ""), (good.ExitCode, good.Errors));
        Assert.Contains("\nright         10  83.3 %  100.0 % of the 10 decided\n", good.Output, StringComparison.Ordinal);
        Assert.Contains("\nescalated      2  16.7 %  a person was wanted for 2 of them\n", good.Output, StringComparison.Ordinal);

        var report = EvaluationReport.FromJson(world.Read("good.json"));
        Assert.Equal((12, 10, 0, 2), (report.Counts.All, report.Counts.Right, report.Counts.Harmful, report.Counts.Escalated));
        Assert.Equal("offline-fast, offline-strong", report.Configuration);

        var unsure = await SampleProcess.RunAsync(world, "--truth", s_truth, "--compare", "good.json", "--misbehave", "all:unsure", "--store", "unsure.db");
        Assert.Equal((0, ""), (unsure.ExitCode, unsure.Errors));
        Assert.Contains(" side by side: 12 cases\n", unsure.Output, StringComparison.Ordinal);
        Assert.Contains("They differ on 10 cases:\n", unsure.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_lines_of_the_truth_that_cannot_be_used_and_uses_the_others()
    {
        using var world = new World();
        world.Write("truth.jsonl", """{"id":"own-01","rihgt":"close"}""", """{"id":"own-02","right":"close"}""", """{"id":"own-99","right":"close"}""", """{"id":"own-03","right":"clsoe"}""");

        var end = await SampleProcess.RunAsync(world, "--truth", "truth.jsonl");
        Assert.Equal(1, end.ExitCode);
        Assert.Contains("truth.jsonl:1: it has a member \"rihgt\"; there may be: id, right, harmful\n", end.Errors, StringComparison.Ordinal);
        Assert.Contains("truth.jsonl:3: \"own-99\" is the id of no case\n", end.Errors, StringComparison.Ordinal);
        Assert.Contains("truth.jsonl:4: \"clsoe\" is no kind of decision; there are: close, block_ip, disable_account, escalate\n", end.Errors, StringComparison.Ordinal);
        Assert.Contains("\nwrong          1   8.3 %\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("\nunknown        9  75.0 %\n", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_take_unfinished_alerts_for_failed_ones_and_keeps_the_earlier_report()
    {
        using var world = new World();
        world.Write("good.json", "earlier");
        await using var process = SampleProcess.Start(world, "--truth", s_truth, "--report", "good.json", "--slow", "logins=600");
        await process.UntilItSaysAsync("12 new");

        process.Signal(SampleProcess.Interrupt);
        var end = await process.EndAsync();

        Assert.Equal((130, ""), (end.ExitCode, end.Errors));
        Assert.Matches("\nNot measured, and no report written: [0-9]+ of the alerts are not finished\\.\n", end.Output);
        Assert.Equal("earlier\n", world.Read("good.json"));
    }

    [Fact]
    public async Task Shows_the_table_also_where_the_report_cannot_be_written()
    {
        using var world = new World();
        Directory.CreateDirectory(world.Path_("folder"));

        var end = await SampleProcess.RunAsync(world, "--truth", s_truth, "--report", "folder");

        Assert.Equal(2, end.ExitCode);
        Assert.Contains("\nright         10  83.3 %", end.Output, StringComparison.Ordinal);
        Assert.StartsWith("The report could not be written to folder: ", end.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--report x.json", "--report and --compare say how good the decisions are, and need to know what is right: --truth FILE.\n")]
    [InlineData("--truth nowhere.jsonl", "nowhere.jsonl")]
    [InlineData("--truth bad.jsonl --compare bad.jsonl", "bad.jsonl is no report that --report wrote: ")]
    public async Task Refuses_before_anything_is_begun_what_it_could_not_use(string arguments, string said)
    {
        using var world = new World();
        world.Write("bad.jsonl", """{"id":"own-01","right":"close"}""");

        var end = await SampleProcess.RunAsync(world, arguments.Split(' '));
        Assert.Equal(2, end.ExitCode);
        Assert.Contains(said, end.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(world.Path_("signalbox.db")));
    }
}
