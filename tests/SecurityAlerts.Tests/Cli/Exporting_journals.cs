using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Exporting_journals : IDisposable
{
    private static readonly Payload s_message = Payload.Of("""{"role":"user","text":"ünïcode \u001b"}"""u8.ToArray());
    private static readonly Payload s_result = Payload.Of("""{"hinges":2}"""u8.ToArray());

    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Task<TestStore> TwoRunsAsync() => _store.WriteAsync(async journals =>
    {
        var first = await journals.StartAsync("r-one1");
        var second = await journals.StartAsync("r-two1");
        foreach (var run in new[] { first, second })
        {
            await journals.AppendAsync(
                run, EntryKinds.StepCompleted,
                new StepCompleted(Journals.Json("{\"messages\":[\"" + new string('0', 64) + "\"]}"), RawJson.To(s_result.Hash), 5, 1, new ModelCall("m", [s_message.Hash], Journals.Json("[]"), "stop", 1, 2)),
                step: "look/-/1", cause: "\u001b[31m ü", payloads: [s_message, s_result]);
        }
    });

    [Fact]
    public async Task Writes_every_entry_and_before_it_each_payload_once()
    {
        await TwoRunsAsync();

        var outcome = await _store.RunAsync("export");

        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        Assert.Equal("""{"signalbox":1}""", outcome.Lines[0]);
        Assert.Equal(
            ["payload " + Journals.Door.Fingerprint, "r-one1 0", "r-one1 1", "r-one1 2", "r-two1 0", "r-two1 1", "r-two1 2", "payload " + s_result.Hash, "payload " + s_message.Hash, "r-one1 3", "r-two1 3"],
            outcome.Lines.Skip(1).Select(Short));
    }

    [Fact]
    public async Task Writes_what_hashes_cover_as_it_is_stored()
    {
        await TwoRunsAsync();

        var lines = (await _store.RunAsync("export")).Lines.Skip(1).ToArray();

        Assert.Contains($$$"""{"payload":"{{{s_message.Hash}}}","json":{"role":"user","text":"ünïcode \u001b"}}""", lines);
        var previous = new Dictionary<string, byte[]>();
        foreach (var line in lines.Where(l => l.StartsWith("{\"position\"", StringComparison.Ordinal)))
        {
            var root = JsonDocument.Parse(line).RootElement;
            var entry = new Entry
            {
                Position = root.GetProperty("position").GetInt64(),
                Run = new RunId(root.GetProperty("run").GetString()!),
                Seq = root.GetProperty("seq").GetInt64(),
                Epoch = root.GetProperty("epoch").GetInt32(),
                At = root.GetProperty("at").GetInt64(),
                Kind = root.GetProperty("kind").GetString()!,
                State = root.GetProperty("state").GetString()!,
                Visit = root.GetProperty("visit").GetInt32(),
                Scope = root.GetProperty("scope").GetString()!,
                Step = root.GetProperty("step").GetString()!,
                Actor = root.GetProperty("actor").GetString()!,
                Cause = root.GetProperty("cause").GetString()!,
                Body = root.TryGetProperty("body", out var body) ? Encoding.UTF8.GetBytes(body.GetRawText()) : default,
                Salt = root.TryGetProperty("salt", out var salt) ? Convert.FromHexString(salt.GetString()!) : default,
                Hash = Convert.FromHexString(root.GetProperty("hash").GetString()!),
            };
            Assert.Equal(Convert.ToHexString(entry.Hash.Span), Convert.ToHexString(EntryHash.Compute(previous.GetValueOrDefault(entry.Run.Value) ?? EntryHash.Origin.ToArray(), entry)));
            previous[entry.Run.Value] = entry.Hash.ToArray();
        }

        Assert.Equal(2, previous.Count);
    }

    [Fact]
    public async Task Satisfies_the_independent_checker()
    {
        await using (var host = await GateHost.StartAsync(_store.Path))
        {
            var run = await host.StartRunAsync("fail", text: new string('x', 10_000));
            Assert.Equal(0, (await _store.RunAsync("retry", run.Value)).Exit);
            await host.SettleAsync(run);
            await host.StartRunAsync("fail", "key");
        }

        var outcome = await _store.RunAsync("export");

        Assert.Equal(0, outcome.Exit);
        Assert.Empty(HistoryChecker.HistoryCheck.Run(outcome.Lines));
    }

    [Fact]
    public async Task Of_agents_give_the_checker_what_the_rows_say()
    {
        RunId run;
        await using (var host = await AnalystHost.StartAsync(_store.Path))
        {
            run = await host.StartRunAsync("192.0.2.7");
        }

        var report = HistoryChecker.HistoryCheck.Report(
            (await _store.RunAsync("export")).Lines, new HistoryChecker.HistoryOptions { Budgets = ["""{"workflow":"analysis","calls":5,"tokens":12000,"rejections":2}"""] });

        Assert.Empty(report.Violations);
        var spent = (await _store.FindAsync(run)).Row.Spent;
        Assert.Equal(
            new HistoryChecker.Usage(spent.Calls, spent.InputTokens, spent.OutputTokens, spent.Micros, spent.Microseconds, spent.Rejections),
            report.Used[run.Value]);
    }

    [Fact]
    public async Task Writes_some_runs_in_commit_order()
    {
        await TwoRunsAsync();
        await _store.WriteAsync(async journals => await journals.StartAsync("r-other1"));

        var outcome = await _store.RunAsync("export", "two1", "r-one1", "r-one1");

        Assert.Equal(
            ["r-one1 0", "r-one1 1", "r-one1 2", "r-two1 0", "r-two1 1", "r-two1 2", "r-one1 3", "r-two1 3"],
            outcome.Lines.Skip(1).Select(Short).Where(l => !l.StartsWith("payload", StringComparison.Ordinal)));
        Assert.Equal(outcome.Lines.Length, outcome.Lines.Distinct().Count());
    }

    [Fact]
    public async Task Says_which_payload_is_missing()
    {
        await TwoRunsAsync();
        _store.Tamper($"UPDATE payloads SET bytes = x'7b7d' WHERE hash = x'{s_result.Hash}'");

        var outcome = await _store.RunAsync("export");

        Assert.Single(outcome.Lines, $$"""{"payload":"{{s_result.Hash}}","missing":true}""");
        Assert.Equal(
            $"""
            Payload {s_result.Hash} of entry 3 of run r-one1 is missing or altered in the store; the export says so in its place.
            The export is not all that the journals refer to: 1 fault. See: signalbox check --store FOLDER/signalbox.db

            """,
            outcome.Error);
        Assert.Equal(1, outcome.Exit);
    }

    [Fact]
    public async Task Keeps_to_lines_where_a_body_does_not()
    {
        await TwoRunsAsync();
        _store.Tamper("UPDATE entries SET body = '{' || char(10) || '\"microseconds\": 5}' WHERE position = 7");
        _store.Tamper("UPDATE entries SET body = '{half' WHERE position = 8");

        var outcome = await _store.RunAsync("export");

        Assert.Contains(outcome.Lines, l => l.Contains("\"body\":{ \"microseconds\": 5},", StringComparison.Ordinal));
        Assert.Contains(outcome.Lines, l => l.Contains("\"bodyBase64\":\"e2hhbGY=\",", StringComparison.Ordinal));
        Assert.All(outcome.Lines, line => JsonDocument.Parse(line));
        Assert.Equal(1, outcome.Exit);
    }

    [Fact]
    public async Task Writes_a_file_whole_or_not_at_all()
    {
        await TwoRunsAsync();
        var file = _store.File("journal.jsonl");

        var outcome = await _store.RunAsync("export", "--output", file);
        var written = await File.ReadAllTextAsync(file);
        var refused = await _store.RunAsync("export", "--output", _store.File("no/folder.jsonl"));
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = await Cli.RunAsync(["export", "--output", file, "--store", _store.Path], output, error, cancellationToken: stopped.Token);

        Assert.Equal((await _store.RunAsync("export")).Output, written);
        Assert.Equal((0, "Wrote 8 entries and 3 payloads to 'FOLDER/journal.jsonl'.\n"), (outcome.Exit, outcome.Error));
        Assert.Equal(2, refused.Exit);
        Assert.Equal((130, "Stopped.\n"), (exit, error.ToString()));
        Assert.Equal(written, await File.ReadAllTextAsync(file));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(file)!, "journal*"));
    }

    [Fact]
    public async Task Escapes_on_a_terminal()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-one1", "a\u202Eb\u009b"));

        Assert.Contains("a\u202Eb", (await _store.RunAsync("export")).Output.Replace("\\u202E", "\u202E", StringComparison.OrdinalIgnoreCase), StringComparison.Ordinal);
        var shown = (await _store.RunAsync(new Rendering.Surface { Clock = _store.Clock, IsTerminal = true }, "export")).Output;
        Assert.DoesNotContain(shown, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain('\u202E', shown);
    }

    private static string Short(string line)
    {
        var root = JsonDocument.Parse(line).RootElement;
        return root.TryGetProperty("payload", out var payload) ? $"payload {payload}" : $"{root.GetProperty("run")} {root.GetProperty("seq")}";
    }
}
