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
        ["show", "r-evil1", "--conversation"],
        ["show", "r-evil1", "--conversation", "--json"],
        ["show", "r-evil1", "--conversation", Evil],
        ["costs"],
        ["costs", "--by-run"],
        ["costs", "--json", "--by-run"],
        ["approvals"],
        ["approvals", "--json"],
        ["approvals", "r-evil1"],
        ["approvals", "r-evil1", "--full"],
        ["approvals", "r-evil1", "--json"],
        ["approvals", "r-evil2"],
        ["approve", "r-evil2", "--hash", Evil],
        ["reject", "r-evil2", "--hash", Evil, "--reason", Evil],
        ["actions"],
        ["actions", "--json"],
        ["claims"],
        ["claims", "--json"],
        ["claims", "--resource", Evil],
        ["claims", "release", "r-evil1", Evil, "--reason", Evil],
        ["show", "r-evil2"],
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
        await AgentAsync(journals, run);
        await ActionAsync(journals, run);
        await journals.EnterAsync(run, "Start", Evil, Evil, 2);
        await journals.AppendAsync(run, "some.new_kind" + Evil, Body.Write(new SignalReceived(Evil, JsonOf(Evil))), "", 0, Evil, Evil, Evil, Evil);
        await journals.AskAsync(run, Evil, "approval/-/1", "", Evil, "no");
    });

    /// <summary>A run that asks about an action of which every word is evil but what a resource does not let through.</summary>
    private static async Task ActionAsync(Journals journals, RunId other)
    {
        var run = await journals.StartAsync("r-evil2");
        var claim = new Claim(Resource.Of("kind", "\u202Eevil"), Evil, [Evil]);
        var proposed = new ActionProposed(Evil, Evil, JsonOf(Evil), Evil, Evil, Evil, 1, Evil, Evil, Evil, true, [claim], Evil);
        var terms = new ApprovalTerms([Evil], 2, [Evil], [Evil], 1, Evil, Evil, Evil);
        await journals.AppendAsync(run, EntryKinds.ActionProposed, proposed, step: Evil + "/-/1", cause: Evil, actor: Evil);
        await journals.AppendAsync(run, EntryKinds.PolicyJudged, new PolicyJudged(Evil, Evil, Evil, Evil, Evil), step: Evil + "/-/1", cause: Evil, actor: Evil);
        await journals.AppendAsync(run, EntryKinds.ConflictRaised, new ConflictRaised(Evil, Evil, Evil, Evil, other, Evil, Evil, Evil, Evil, ClaimPhase.Hold), step: Evil + "/-/1", cause: Evil, actor: Evil);
        await journals.AppendAsync(run, EntryKinds.ConflictRuled, new ConflictRuled(Evil, other, Evil, Evil, Evil, Evil), step: Evil + "/-/1", cause: Evil, actor: Evil);
        await journals.AppendAsync(run, EntryKinds.ClaimQueued, new ClaimQueued("a-2", Evil, [claim], [new ClaimHolder(other, Evil, Evil)]), step: "queued/-/1", cause: Evil, actor: Evil);
        await journals.AppendAsync(run, EntryKinds.ApprovalIgnored, new ApprovalAnswered(Evil, Evil, [Evil], Evil, JsonOf(Evil)), step: Evil, cause: Evil, actor: Evil);
        await journals.AppendAsync(run, EntryKinds.ApprovalRequested, new ApprovalRequested(Evil, [Evil], JsonOf(Evil), null, Evil, terms, proposed, [Evil], [Evil], new Dictionary<string, string> { [Evil] = Evil }), step: Evil + "/-/1", cause: Evil, actor: Evil);
    }

    /// <summary>An agent of which every word is evil.</summary>
    private static async Task AgentAsync(Journals journals, RunId run)
    {
        var message = Payload.Of(JsonSerializer.SerializeToUtf8Bytes(new { role = Evil, contents = new object[] { new { text = Evil }, Evil } }, SignalboxJson.Options));
        var reply = new RawJson(System.Text.Encoding.UTF8.GetBytes(
            JsonSerializer.Serialize(new[] { new { role = "assistant", contents = new object[] { Part("text"), Part("functionCall"), Part("reasoning"), Part(Evil) } } }, SignalboxJson.Options).Replace("\"type\"", "\"$type\"", StringComparison.Ordinal)));
        var scope = $"{Evil}/{Evil}";
        var tier = new Tier(Evil, Evil);
        var configuration = new AgentConfiguration(Evil, [tier], [], new Dictionary<string, string> { [Evil] = Evil }, 1, 1, 1);
        var tool = new ToolCalled(Evil, Evil, 1, Evil);
        await journals.AppendAsync(run, EntryKinds.AgentBegan, new AgentBegan(Evil, new RawJson(JsonSerializer.SerializeToUtf8Bytes(configuration, SignalboxJson.Options))), step: "agent/-/1", scope: Evil);
        await journals.AppendAsync(run, EntryKinds.BudgetReserved, new BudgetReserved(Evil, Evil, new Spending { Calls = 1 }), step: "turn-1/-/1", scope: scope);
        await journals.AppendAsync(
            run, EntryKinds.StepCompleted, new StepCompleted(null, JsonOf(Evil), 1, 1, new ModelCall(Evil, [message.Hash], reply, Evil, 1, 1, Agent: Evil, Tier: Evil, Turn: 1)), step: "turn-1/-/1", scope: scope,
            payloads: message);
        await journals.AppendAsync(run, EntryKinds.StepCompleted, new StepCompleted(JsonOf(Evil), JsonOf(Evil), 1, Type: "tool", Tool: tool), step: Evil + "/-/1", scope: scope);
        await journals.AppendAsync(run, EntryKinds.StepFailed, new StepFailed(Evil, Evil, JsonOf(Evil), 1, 1, "tool", tool), step: Evil + "/-/2", scope: scope, cause: Evil);
        await journals.AppendAsync(run, EntryKinds.ToolRejected, new ToolRejected(Evil, Evil, 1, Evil, Evil, JsonOf(Evil), Evil, Evil, [Evil]), step: "call-1.0/-/1", scope: scope, cause: Evil);
        await journals.AppendAsync(run, EntryKinds.AnswerRejected, new AnswerRejected(Evil, Evil, 1, Evil), step: "answer-1/-/1", scope: scope, cause: Evil);
        await journals.AppendAsync(
            run, EntryKinds.DecisionMade,
            new DecisionMade(Evil, Evil, Evil, JsonOf(Evil), 0.5, new Dictionary<string, double> { [Evil] = 1 }, [Evil], Evil, Evil, false, 1, new Dictionary<string, string> { [Evil] = Evil }, Evil),
            step: "decision/-/1", scope: scope, cause: Evil);
        await journals.AppendAsync(run, EntryKinds.EscalationRaised, new EscalationRaised(Evil, Evil, Evil, Evil, Evil, Evil), step: "escalation/-/1", scope: scope, cause: Evil);
        await journals.AppendAsync(run, EntryKinds.DecisionJudged, new DecisionJudged(Evil, Evil), step: "judge/-/1", cause: Evil);

        static object Part(string type) => new { type, text = Evil, name = Evil, callId = Evil, arguments = new Dictionary<string, object> { [Evil] = Evil, ["n"] = new[] { Evil } } };
    }

    private static RawJson JsonOf(string text) => new(JsonSerializer.SerializeToUtf8Bytes(new { text, inner = new[] { text } }, SignalboxJson.Options));

    [Theory]
    [InlineData("""{"a":"\ud83d\ude00"}""", """{"a":"\ud83d\ude00"}""")]
    [InlineData("""{"a":"\ud800"}""", """ "{\"a\":\"\\ud800\"}" """)]
    [InlineData("""{"\uDC00":1}""", """ "{\"\\uDC00\":1}" """)]
    public void Of_half_a_character_is_shown_as_it_was_escaped(string stored, string shown)
    {
        var said = JsonOutput.Text(json => json.Stored(System.Text.Encoding.UTF8.GetBytes(stored)));

        Assert.Equal(JsonSerializer.Serialize(JsonDocument.Parse(said).RootElement), JsonSerializer.Serialize(JsonDocument.Parse(shown).RootElement));
    }

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

        var run = (await _store.RunAsync("runs", "--json")).Lines.Select(l => JsonDocument.Parse(l).RootElement).Single(r => r.GetProperty("run").GetString() == "r-evil1");

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
