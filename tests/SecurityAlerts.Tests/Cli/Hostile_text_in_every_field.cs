using System.Text.Json;
using System.Text.RegularExpressions;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Serving;
using Signalbox.Server.Tests.Hostile;
using Microsoft.Extensions.Logging;

namespace Signalbox.CommandLine.Tests;

/// <summary>Every command over journals in which every field is hostile, in a terminal, in a pipe and as JSON.</summary>
public sealed partial class Hostile_text_in_every_field : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    /// <summary>Commands that only read, for every run.</summary>
    private static readonly string[] s_ofARun =
    [
        "show RUN", "show RUN --full", "show RUN --conversation", "show RUN --entry 5", "show RUN --diagram", "approvals RUN", "approvals RUN --full", "actions RUN", "diagram RUN", "check RUN", "export RUN", "show RUN --only visits",
        "show RUN --only evidence", "show RUN --only models", "show RUN --only tools", "show RUN --only decisions", "show RUN --only escalations", "show RUN --only actions", "show RUN --only approvals", "show RUN --only costs", "show RUN --only children",
    ];

    private static readonly string[] s_ofAll = ["runs", "runs --asks", "approvals", "actions", "claims", "costs", "costs --by-run", "stats", "search marked*", "search marked* --rank", "search --status", "check", "export", "keys"];

    /// <summary>Commands that change something or never end: each is tried with a hostile text in each place.</summary>
    private static readonly string[][] s_withText =
    [
        ["approve", "r-asks5", "--hash", "TEXT"], ["reject", "r-asks5", "--reason", "TEXT"], ["answer", "r-asks5", "TEXT"], ["signal", "r-asks5", "TEXT", "TEXT"], ["retry", "TEXT"], ["cancel", "TEXT"], ["release", "TEXT", "TEXT"],
        ["judge", "TEXT", "TEXT"], ["definition", "TEXT"], ["erase", "TEXT", "--reason", "TEXT"], ["backup", "TEXT/TEXT"], ["owner", "TEXT"], ["watch", "TEXT"], ["completion", "TEXT"], ["keys", "add", "TEXT", "--role", "TEXT"], ["serve", "--urls", "TEXT"],
        ["search", "TEXT"], ["runs", "--label", "TEXT"], ["show", "TEXT"], ["claims", "--resource", "TEXT"], ["stats", "--since", "TEXT"], ["TEXT"],
    ];

    private Task<TestStore> WriteAsync() => _store.WriteAsync(async journals => await new HostileJournals(journals.Store, _store.Clock).WriteAsync());

    private static void AssertShown(Outcome outcome, string command)
    {
        foreach (var text in new[] { outcome.Output, outcome.Error })
        {
            var plain = Colours().Replace(text, "").Replace("\n", "", StringComparison.Ordinal);
            Assert.True(TerminalText.IsSafe(plain), $"{command}: {HostileTexts.Steers(plain)}");
        }
    }

    [Fact]
    public async Task Is_known_for_every_command()
    {
        var help = (await _store.RunAsync("--help")).Output;
        var named = help[help.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n').Select(l => CommandName().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value).ToArray();

        Assert.True(named.Length > 20, help);
        Assert.Empty(named.Except([.. s_ofAll.Concat(s_ofARun).Select(c => c.Split(' ')[0]), .. s_withText.Select(c => c[0])]));
    }

    [Fact]
    public async Task Reaches_no_terminal_and_breaks_no_line_of_JSON()
    {
        await WriteAsync();
        var pipe = new Surface { Clock = _store.Clock };
        var terminal = pipe with { IsTerminal = true, HasColours = true, Width = 80 };
        string[] runs = ["r-long", "r-done", "r-erased", .. Enumerable.Range(0, HostileTexts.All.Count).Select(i => $"r-asks{i}"), "r-ends5", "r-held7"];
        foreach (var command in s_ofAll.Concat(runs.SelectMany(run => s_ofARun.Select(c => c.Replace("RUN", run, StringComparison.Ordinal)))))
        {
            var arguments = command.Split(' ');
            AssertShown(await _store.RunAsync(terminal, arguments), command);
            if (arguments[0] is "diagram" || command.Contains("--diagram", StringComparison.Ordinal))
            {
                continue; // text alone
            }

            var json = await _store.RunAsync(pipe, [.. arguments, "--json"]);
            if (arguments[0] != "export") // a pipe gets the bytes that hashes are made of; a terminal does not
            {
                AssertShown(json, command);
            }

            Assert.All(json.Lines, line => JsonDocument.Parse(line, StoredJson.Options).Dispose());
        }
    }

    [Fact]
    public async Task Is_found_by_its_word()
    {
        await WriteAsync();
        for (var i = 0; i < HostileTexts.All.Count; i++)
        {
            var found = await _store.RunAsync("search", HostileTexts.Word + i, "--run", $"r-asks{i}");
            Assert.Equal(0, found.Exit);
            Assert.Contains(HostileTexts.Word + i, found.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Is_text_where_a_command_is_given_it()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-asks5"));
        foreach (var text in HostileTexts.All.Select(t => t.Replace("\0", "", StringComparison.Ordinal).Replace(" \ud800 of \udc00 ", " ", StringComparison.Ordinal))) // no process is given one of these
        {
            foreach (var command in s_withText)
            {
                AssertShown(await _store.RunAsync([.. command.Select(c => c.Replace("TEXT", text, StringComparison.Ordinal))]), command[0]);
            }
        }
    }

    [Fact]
    public async Task Is_watched_without_harm()
    {
        await WriteAsync();
        for (var i = 0; i < HostileTexts.All.Count; i++)
        {
            AssertShown(await _store.RunAsync(new Surface { Clock = _store.Clock, IsTerminal = true, HasColours = true }, "watch", $"r-asks{i}"), "watch");
        }
    }

    [Fact]
    public void Is_one_line_of_a_servers_log()
    {
        foreach (var text in HostileTexts.All)
        {
            var written = new StringWriter { NewLine = "\n" };
            using var log = new TerminalLog(written);
            log.CreateLogger("category").LogError(new InvalidOperationException(text), "{Text}", text);
            Assert.Equal(1, written.ToString().Count(c => c == '\n'));
            Assert.True(TerminalText.IsSafe(written.ToString().TrimEnd('\n')));
        }
    }

    [GeneratedRegex("\u001b\\[[0-9;]*m")]
    private static partial Regex Colours();

    [GeneratedRegex("^  ([a-z]+)")]
    private static partial Regex CommandName();
}
