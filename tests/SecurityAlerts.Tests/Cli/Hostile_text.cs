using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Hostile_text : IDisposable
{
    // Clears the screen, sets the title, breaks lines, turns the direction, hides in the tag block, and is half of a character.
    private const string Evil = "\u001b[2J\u001b]0;owned\u0007\r\nFAKE \u202Eevil\u2066\u200B\u2028\U000E0041\u009b31m\ud800 [red]markup[/]";
    private const string Shown = @"\u001B[2J\u001B]0;owned\u0007\r\nFAKE \u202Eevil\u2066\u200B\u2028\U000E0041\u009B31m\uD800 [red]markup[/]";

    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private static string[][] Commands =>
    [
        ["runs"],
        ["runs", "--asks"],
        ["runs", "--json"],
        ["show", "r-evil1"],
        ["show", "r-evil1", "--full"],
        ["show", "r-evil1", "--json"],
        ["show", "r-evil1", "--json", "--full"],
        ["answer", "r-evil1", Evil],
        ["answer", "r-evil1"],
        ["show", Evil],
        ["runs", "--status", Evil],
        ["runs", "--label", Evil],
        [Evil],
        ["check"],
        ["check", "--json"],
        ["definition", Evil],
    ];

    /// <summary>Half of a character cannot be stored in UTF-8, so what stands in the store has the replacement character there.</summary>
    private Task<TestStore> EvilAsync() => _store.WriteAsync(async journals =>
    {
        var run = await journals.StartAsync("r-evil1", Evil, (Evil, Evil));
        await journals.AppendAsync(run, EntryKinds.StepFailed, new StepFailed(Evil, Evil, JsonOf(Evil), 1, 1), step: Evil + "/-/2", scope: Evil, actor: Evil, cause: Evil);
        await journals.AppendAsync(run, EntryKinds.StepCompleted, new StepCompleted(null, JsonOf(Evil), 1, 1, new ModelCall(Evil, [], JsonOf(Evil), Evil, 1, 1)), step: "a/-/1", cause: Evil);
        await journals.AppendAsync(run, EntryKinds.SignalReceived, new SignalReceived(Evil, JsonOf(Evil)), actor: Evil);
        await journals.AppendAsync(run, EntryKinds.ActionVerified, new ActionObserved(Evil, Evil, Evil, Evil), step: "b/-/1", actor: Evil, cause: Evil);
        await journals.EnterAsync(run, "Start", Evil, Evil, 2);
        await journals.AppendAsync(run, "some.new_kind" + Evil, Body.Write(new SignalReceived(Evil, JsonOf(Evil))), "", 0, Evil, Evil, Evil, Evil);
        await journals.AskAsync(run, Evil, "approval/-/1", "", Evil, "no");
    });

    private static RawJson JsonOf(string text) => new(JsonSerializer.SerializeToUtf8Bytes(new { text, inner = new[] { text } }, SignalboxJson.Options));

    [Fact]
    public async Task Never_reaches_a_terminal()
    {
        await EvilAsync();
        var pipe = new Surface { Clock = _store.Clock };
        var terminal = pipe with { IsTerminal = true, HasColours = true, Width = 72 };

        foreach (var (surface, command) in Commands.SelectMany(c => new[] { (pipe, c), (terminal, c) }))
        {
            var outcome = await _store.RunAsync(surface, command);
            foreach (var text in new[] { outcome.Output, outcome.Error })
            {
                var withoutColours = System.Text.RegularExpressions.Regex.Replace(text, "\u001b\\[[0-9;]*m", "").Replace("\n", "", StringComparison.Ordinal);
                Assert.True(TerminalText.IsSafe(withoutColours), withoutColours);
                Assert.DoesNotContain("\nFAKE", text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Is_shown_as_what_it_is()
    {
        await EvilAsync();

        var shown = (await _store.RunAsync(new Surface { Clock = _store.Clock, Width = 160 }, "show", "r-evil1")).Output;

        Assert.Contains("  key       " + Shown.Replace(@"\uD800", "\uFFFD", StringComparison.Ordinal), shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stays_what_it_is_for_programs()
    {
        await EvilAsync();

        var run = JsonDocument.Parse((await _store.RunAsync("runs", "--json")).Output).RootElement;

        Assert.Equal(Evil.Replace('\ud800', '\uFFFD'), run.GetProperty("key").GetString());
    }

    // Facts, not theories: an attribute cannot hold half of a character, and test names are shown on terminals.
    [Fact]
    public void Is_encoded_character_by_character()
    {
        foreach (var (text, expected) in new[]
        {
            ("", ""),
            ("plain ü 界 🚦 text", "plain ü 界 🚦 text"),
            (Evil, Shown),
            ("\udc00", @"\uDC00"),
            ("tab\tstays\u007f", @"tab\tstays\u007F"),
        })
        {
            Assert.Equal(expected, TerminalText.Encode(text));
            Assert.Equal(expected, TerminalText.Encode(expected));
        }
    }

    [Fact]
    public async Task Is_quoted_so_that_a_shell_gives_it_back()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no POSIX shell.");
        foreach (var argument in new[] { "plain", "'quoted' \\ $HOME `x` \"y\"", "\u001b[2J\u202E\U000E0041\n'", "", "~root *" })
        {
            var quoted = Shell.Quote(argument);
            Assert.True(TerminalText.IsSafe(quoted));

            var start = new System.Diagnostics.ProcessStartInfo("bash", ["-c", "printf %s " + quoted]) { RedirectStandardOutput = true, StandardOutputEncoding = System.Text.Encoding.UTF8 };
            start.Environment["LC_ALL"] = "C.UTF-8";
            using var bash = System.Diagnostics.Process.Start(start)!;
            Assert.Equal(argument, await bash.StandardOutput.ReadToEndAsync());
        }
    }

    [Theory]
    [InlineData("one two three", 7, "one two", "three")]
    [InlineData("abcdefghij", 4, "abcd", "efgh", "ij")]
    [InlineData("界界界", 4, "界界", "界")]
    [InlineData("🚦🚦", 2, "🚦", "🚦")]
    [InlineData("", 4, "")]
    public void Is_wrapped_by_the_cells_it_takes(string text, int width, params string[] lines) => Assert.Equal(lines, TextWidth.Wrap(text, width));

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "ab…")]
    [InlineData("界界", 3, "界…")]
    [InlineData("abc", 1, "…")]
    [InlineData("abc", 0, "")]
    public void Is_cut_by_the_cells_it_takes(string text, int width, string expected) => Assert.Equal(expected, TextWidth.Fit(text, width));
}
