namespace SecurityAlerts.Tests;

/// <summary>What the sample leaves behind in all its moods: <c>signalbox check</c> finds no fault in it.</summary>
public sealed class A_store_that_is_sound
{
    [Theory]
    [InlineData("--leak", "203.0.113.67")] // diverged, undone, and an opposite wish that is overruled
    [InlineData("--misbehave", "unknown-tool", "--misbehave", "bad-arguments", "--misbehave", "truncated", "--misbehave", "loop")]
    [InlineData("--budget", "calls=3", "--blocks-an-hour", "1", "--care", "off")]
    public async Task Is_sound_after_answers_cancellations_and_erasures(params string[] arguments)
    {
        using var world = new World();
        Assert.Equal(0, (await SampleProcess.RunAsync(world, arguments)).ExitCode);
        await IsSoundAsync(world);

        var asking = Ids((await CliAsync(world, "runs", "--asks", "--workflow", "alert-response", "--state", "Escalate", "--json")).Output);
        await CliAsync(world, "answer", asking[0], "close");
        await CliAsync(world, "cancel", asking[1]);
        await IsSoundAsync(world);
        Assert.Equal(3, (await SampleProcess.RunAsync(world, arguments)).ExitCode); // the one that was canceled needs an operator
        await CliAsync(world, "erase", Ids((await CliAsync(world, "runs", "--status", "Completed", "--json")).Output)[0], "--reason", "asked for");
        await IsSoundAsync(world);
    }

    [Fact]
    public async Task Is_sound_after_a_death_in_the_middle_and_when_it_has_gone_on()
    {
        using var world = new World();
        await using (var process = SampleProcess.Start(world, "--calls", "20", "--think", "0.05"))
        {
            await process.UntilItSaysAsync("12 new");
            process.Kill();
            await process.EndAsync();
        }

        await IsSoundAsync(world);
        Assert.Equal(0, (await SampleProcess.RunAsync(world)).ExitCode);
        await IsSoundAsync(world);
    }

    private static async Task IsSoundAsync(World world)
    {
        var check = await SampleProcess.RunCliAsync(world, "check");
        Assert.True(check.ExitCode == 0, check.Output + check.Errors);
        Assert.Contains("No fault found.", check.Output, StringComparison.Ordinal);
    }

    private static async Task<SampleEnd> CliAsync(World world, params string[] words)
    {
        var end = await SampleProcess.RunCliAsync(world, words);
        Assert.True(end.ExitCode == 0, end.Errors);
        return end;
    }

    private static List<string> Ids(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("run").GetString()!)];
}
