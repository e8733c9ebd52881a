using System.Diagnostics;

namespace Signalbox.CommandLine.Tests;

public sealed class Completing_command_lines : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Theory]
    [InlineData("signalbox sh", "show")]
    [InlineData("signalbox runs --status Co", "Completed")]
    [InlineData("signalbox completion z", "zsh")]
    [InlineData("signalbox costs --by", "--by-run")]
    [InlineData("", "actions", "answer", "approvals")]
    [InlineData("signalbox xyz")]
    public async Task Offers_what_may_stand_there(string line, params string[] first)
    {
        var outcome = await SuggestAsync(line);

        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        Assert.Equal(first, outcome.Lines.Take(Math.Max(1, first.Length)));
    }

    [Fact]
    public async Task Offers_the_runs_of_the_store_that_the_line_names()
    {
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync("r-abc");
            await journals.StartAsync("r-abd");
            await journals.StartAsync("r-xyz");
        });

        Assert.Equal(["r-abc", "r-abd"], (await SuggestAsync($"signalbox show --store {_store.Path} r-a")).Lines.Order());
        Assert.Equal(["r-abc", "r-abd", "r-xyz"], (await SuggestAsync($"signalbox --store {_store.Path} watch ")).Lines.Order());
    }

    [Fact]
    public async Task Offers_no_runs_where_there_is_no_store()
    {
        var outcome = await SuggestAsync("signalbox show --store /nowhere/x.db r-");

        Assert.Equal((0, "", ""), (outcome.Exit, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task Knows_three_shells()
    {
        Assert.Contains("complete -o default -F _signalbox signalbox\n", (await RunAsync("completion", "bash")).Output, StringComparison.Ordinal);
        Assert.StartsWith("#compdef signalbox\n", (await RunAsync("completion", "zsh")).Output, StringComparison.Ordinal);
        Assert.Contains("complete -c signalbox -a '(__signalbox_complete)'\n", (await RunAsync("completion", "fish")).Output, StringComparison.Ordinal);
        Assert.Equal((2, "SHELL is bash, zsh or fish; got 'tcsh'. Nothing was printed.\n"), ((await RunAsync("completion", "tcsh")) is var wrong ? (wrong.Exit, wrong.Error) : default));
    }

    /// <summary>The script in a bash of its own, completing as bash does when somebody presses the tabulator.</summary>
    [Fact]
    public async Task Works_in_bash()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "There is no bash.");
        await _store.WriteAsync(async journals => await journals.StartAsync("r-abc"));
        var script = $$"""
            set -eu
            signalbox() { "{{Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet"}}" "{{typeof(Cli).Assembly.Location}}" "$@"; }
            source <(signalbox completion bash)
            complete -p signalbox
            press_tab() {
                COMP_LINE="$1" COMP_POINT=${#1} COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
                _signalbox || true
                printf '%s\n' "$1 -> ${COMPREPLY[*]-}"
            }
            press_tab 'signalbox sh'
            press_tab 'signalbox show --store {{_store.Path}} r-'
            press_tab 'signalbox nothing-of-ours-$(exit 7)'
            """;
        using var bash = Process.Start(new ProcessStartInfo("/bin/bash", ["--norc", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (bash.StandardOutput.ReadToEndAsync(), bash.StandardError.ReadToEndAsync());
        await bash.WaitForExitAsync().WaitAsync(Limit);

        Assert.Equal(
            [
                "complete -o default -F _signalbox signalbox",
                "signalbox sh -> show",
                $"signalbox show --store {_store.Path} r- -> r-abc",
                "signalbox nothing-of-ours-$(exit 7) -> ",
            ],
            (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((0, ""), (bash.ExitCode, await error));
    }

    private static Task<Outcome> SuggestAsync(string line) => RunAsync($"[suggest:{line.Length}]", line);

    private static async Task<Outcome> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        return new Outcome(await Cli.RunAsync(args, output, error), output.ToString(), error.ToString());
    }
}
