using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Signalbox.Journal;
using Signalbox.Sqlite;

namespace SecurityAlerts.Tests;

/// <summary>The README's section of the same name: each of its commands as a process, and what the README says of it.</summary>
public sealed partial class Seven_troubles
{
    /// <summary>What the carer needs for the three requests.</summary>
    private const int CareCalls = 6;

    private static readonly string[] s_standard =
        ["close", "block_ip", "close", "block_ip", "close", "disable_account", "close", "escalate", "block_ip", "close", "close", "escalate"];

    [Fact]
    public async Task A_source_that_times_out()
    {
        using var world = new World();

        var end = await RunAsync(world, "--slow threats=5");

        Assert.Contains("confidence 0.70 is below 0.75\n", end.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["own-02", "own-05", "own-07", "own-08", "own-09", "own-12"],
            The_command.Decisions(world).Where(alert => alert.Decision == "escalate").Select(alert => alert.Id));
        Assert.Contains("Missing: threats (timed out after 2 s), so it is unknown whether the address is on block lists.", world.Read("decisions.jsonl"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_that_does_not_exist()
    {
        using var world = new World();

        var end = await RunAsync(world, "--misbehave unknown-tool");

        Assert.StartsWith("offline analyst: answers by written rules, no key, no network; told to misbehave: fast unknown-tool\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("\n  fast to strong      rejected calls          12\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("\n  unknown tool                                36\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("\n  strong                                      10\n", end.Output, StringComparison.Ordinal);
        Assert.Equal(s_standard, The_command.Decisions(world).Select(alert => alert.Decision));
        var shown = await SampleProcess.RunCliAsync(world, "show", The_command.Decisions(world)[0].Run);
        Assert.Contains("firewall_block", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_unsure()
    {
        using var world = new World();

        var end = await RunAsync(world, "--misbehave unsure");

        Assert.Contains("\n  fast to strong      low confidence           8\n  fast to strong      calls for help           4\n  strong to person    calls for help           2\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("10 decided, 2 waiting for a person.", end.Output, StringComparison.Ordinal);
        Assert.Equal(s_standard, The_command.Decisions(world).Select(alert => alert.Decision));
    }

    [Fact]
    public async Task A_model_that_is_unsure_on_every_tier()
    {
        using var world = new World();

        var end = await RunAsync(world, "--misbehave all:unsure");

        Assert.Contains("0 decided, 12 waiting for a person.", end.Output, StringComparison.Ordinal);
        Assert.All(The_command.Decisions(world), alert => Assert.Equal("escalate", alert.Decision));
        Assert.False(File.Exists(world.Path_("deny.list")));
    }

    [Fact]
    public async Task A_budget_that_is_used_up()
    {
        using var world = new World();

        var end = await RunAsync(world, "--budget calls=3");

        Assert.Contains("\n  strong to person    budget                   4\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("the run's budget does not suffice: 3 of 3 model calls are spent", end.Output, StringComparison.Ordinal);
        Assert.Contains("8 decided, 4 waiting for a person.", end.Output, StringComparison.Ordinal);
        var spent = SpentInAll().Match(end.Output).Groups[1].Value;
        Assert.Equal((8 * 2) + (4 * 3) + CareCalls, int.Parse(spent, CultureInfo.InvariantCulture));
    }

    /// <summary>The fast tier makes 50 calls about each of the ten alerts with an address, and the process dies when some runs are in the middle of theirs.</summary>
    [Fact]
    public async Task A_crash_in_the_middle_of_an_investigation_of_fifty_calls()
    {
        using var world = new World();
        string[] arguments = ["--calls", "50", "--think", "0.05", "--decisions", "decisions.jsonl"];
        await using (var process = SampleProcess.Start(world, arguments))
        {
            await process.UntilItSaysAsync("12 new");
            await UntilAsync(world, callsOfARun: 20);
            process.Kill();
            await process.EndAsync();
        }

        var before = await CallsAsync(world);
        var end = await SampleProcess.RunAsync(world, arguments);

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Equal(s_standard, The_command.Decisions(world).Select(alert => alert.Decision));
        Assert.Contains(before.GroupBy(call => call.Run), run => run.Count() is >= 20 and < 50);
        var after = await CallsAsync(world);
        Assert.Equal(before, after.Take(before.Count));
        Assert.All(after.Where(call => call.Scope == "analyst/fast").GroupBy(call => call.Run), run => Assert.Contains(run.Count(), new[] { 2, 50 }));

        // A call that was recorded was not made again: none was reserved for after its reply, and at most one of each run was under way when the process died.
        await using var access = await SqliteRunAccess.OpenAsync(world.Path_("signalbox.db"));
        var entries = await JournalExport.ReadAsync(access.Reader);
        KillLoop.AssertNotAskedAgain(entries);
        Assert.InRange(entries.Count(entry => entry.Kind == EntryKinds.BudgetReserved), after.Count, after.Count + 12);
    }

    [Fact]
    public async Task A_firewall_that_lets_through_what_it_blocks()
    {
        using var world = new World();

        var end = await RunAsync(world, "--leak 203.0.113.67");

        Assert.Contains("9 decided, 3 waiting for a person.", end.Output, StringComparison.Ordinal);
        var decided = The_command.Decisions(world).Single(alert => alert.Id == "own-09");
        Assert.Equal("escalate", decided.Decision);
        Assert.Equal(["192.0.2.77", "203.0.113.66"], The_command.Lines(world, "deny.list").Order(StringComparer.Ordinal));
        var shown = await SampleProcess.RunCliAsync(world, "show", decided.Run);
        Assert.Contains("Triage > Investigate > Decide > Execute > Rollback > Escalate", shown.Output, StringComparison.Ordinal);
        string[] phases = ["block_address: executed", "block_address: DIVERGED", "undo:block_address: intended", "undo:block_address: executed", "undo:block_address: VERIFIED (undo), made by this run"];
        Assert.Equal(phases.Order(Comparer<string>.Create((a, b) => At(a).CompareTo(At(b)))), phases);
        Assert.All(phases, phase => Assert.True(At(phase) > 0, phase));

        int At(string text) => shown.Output.IndexOf(text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_is_reached()
    {
        using var world = new World();

        var end = await RunAsync(world, "--blocks-an-hour 1 --care off");

        Assert.Contains("8 decided, 4 waiting for a person.", end.Output, StringComparison.Ordinal);
        Assert.Single(The_command.Lines(world, "deny.list"));
        Assert.Equal(2, end.Output.Split("approve, reject?").Length - 1);
        Assert.Contains("block_address needs approval: the limit 'blocks-an-hour' is reached: 1 of 1 are used up", end.Output, StringComparison.Ordinal);

        // A person who is told of the limit may let it pass.
        var asking = ApproveCommand().Match(end.Output);
        var approved = await SampleProcess.RunCliAsync(world, "approve", asking.Groups[1].Value);
        Assert.Equal((0, ""), (approved.ExitCode, approved.Errors));
        var second = await RunAsync(world, "--blocks-an-hour 1 --care off");
        Assert.Contains("9 decided, 3 waiting for a person.", second.Output, StringComparison.Ordinal);
        Assert.Equal(2, The_command.Lines(world, "deny.list").Count);
    }

    private static async Task<SampleEnd> RunAsync(World world, string arguments)
    {
        var end = await SampleProcess.RunAsync(world, [.. arguments.Split(' '), "--decisions", "decisions.jsonl"]);
        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        return end;
    }

    private static async Task UntilAsync(World world, int callsOfARun)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(await CallsAsync(world)).GroupBy(call => call.Run).Any(run => run.Count() >= callsOfARun))
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    /// <summary>The model calls that the journal holds, by <c>signalbox export</c>.</summary>
    private static async Task<List<(string Run, string Scope, string Step)>> CallsAsync(World world)
    {
        await using var access = await SqliteRunAccess.OpenAsync(world.Path_("signalbox.db"));
        var calls = new List<(string, string, string)>();
        foreach (var line in await JournalExport.LinesAsync(access.Reader))
        {
            using var json = JsonDocument.Parse(line);
            var entry = json.RootElement;
            if (entry.TryGetProperty("kind", out var kind) && kind.GetString() == EntryKinds.StepCompleted && entry.GetProperty("step").GetString()!.StartsWith("turn-", StringComparison.Ordinal))
            {
                calls.Add((entry.GetProperty("run").GetString()!, entry.GetProperty("scope").GetString()!, entry.GetProperty("step").GetString()!));
            }
        }

        return calls;
    }

    [GeneratedRegex(" approve (r-[a-z0-9]+) ")]
    private static partial Regex ApproveCommand();

    [GeneratedRegex("\n  in all +([0-9]+) ")]
    private static partial Regex SpentInAll();
}
