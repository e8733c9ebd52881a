using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Showing_a_run : IDisposable
{
    private static readonly Payload s_message = Payload.Of("""{"role":"user","text":"Is the door safe?"}"""u8.ToArray());
    private static readonly Payload s_dossier = Payload.Of("""{"hinges":2}"""u8.ToArray());

    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Task<TestStore> ARunAsync() => _store.WriteAsync(async journals =>
    {
        var run = await journals.StartAsync("r-door1", "front", ("floor", "1"));
        await journals.AppendAsync(run, EntryKinds.StepAttemptFailed, new StepFailed("timed_out", "timed out after 2 s", null, 2_000_000, 1, "evidence"), step: "camera/-/1", cause: "timed out after 2 s");
        await journals.AppendAsync(run, EntryKinds.StepFailed, new StepFailed("timed_out", "timed out after 2 s", null, 4_000_000, 2, "evidence"), step: "camera/-/1", cause: "timed out after 2 s");
        await journals.AppendAsync(
            run, EntryKinds.StepCompleted,
            new StepCompleted(null, Journals.Json("""{"value":{"open":true,"confidence":0.8},"model":"m"}"""), 1_250_000, 1, new ModelCall("claude-haiku-5-5", [s_message.Hash], Journals.Json("[]"), "stop", 1200, 40)),
            step: "verdict/-/1", payloads: s_message);
        await journals.AppendAsync(run, EntryKinds.StepCompleted, new StepCompleted(null, RawJson.To(s_dossier.Hash), 500, 3), step: "dossier/-/1", scope: "side", payloads: s_dossier);
        await journals.EnterAsync(run, "Start", "Ask", "0.8 is below 0.9", 2);
        await journals.AppendAsync(run, EntryKinds.ActionIntended, new ActionIntended("a1", "unlock", Journals.Json("""{"door":1}"""), new string('0', 64), "T3"), step: "unlock/-/1", cause: "to be done");
        await journals.AppendAsync(run, EntryKinds.ActionExecuted, new ActionExecuted("a1", Journals.Json("\"click\""), null, 30_000), step: "unlock/-/1", cause: "the target answered");
        await journals.AppendAsync(run, EntryKinds.ActionVerified, new ActionObserved("a1", "unlock", null, "the bolt is back", MadeByUs: true, Probes: 2), step: "unlock/-/1", actor: "engine", cause: "the bolt is back");
        await journals.AppendAsync(run, EntryKinds.WaitOpened, new WaitOpened("bell", Microseconds.From(_store.Clock.GetUtcNow().AddHours(1))), step: "bell/-/1");
        await journals.AskAsync(run);
    });

    [Fact]
    public async Task Tells_its_whole_story()
    {
        await ARunAsync();

        var outcome = await _store.RunAsync("show", "r-door1");

        Assert.Equal(
            """
            Run r-door1  door v2
              status    Waiting, asks
              state     Ask, visit 2
              key       front
              labels    floor=1
              started   2026-01-01 00:00:00Z (12s ago)
              changed   2026-01-01 00:00:12Z (just now)
              worker    none, epoch 1
              path      Start > Ask

            Timeline
              2026-01-01 (UTC)
               0  00:00:00.000      +0 ms  started by client:test

               1  00:00:00.000      +0 ms  Start, visit 1
                                             because: the run starts (client:test)
               2  00:00:01.000     +1.0 s  taken by worker w-1, epoch 1
               3  00:00:02.000     +2.0 s  step camera: attempt 1 failed after 2.0 s (timed_out)
                                             timed out after 2 s
               4  00:00:03.000     +3.0 s  step camera: MISSING, timed out after 2 s (timed_out; 2 attempts, 4.0
                                           s)
               5  00:00:04.000     +4.0 s  model call verdict: claude-haiku-5-5, 1,200 tokens in, 40 out, 1.3 s
                                             = {"open":true,"confidence":0.8}
               6  00:00:05.000     +5.0 s  step side: dossier: 0.5 ms, 3 attempts
                                             = (payload HASH…, shown by --full)

               7  00:00:06.000     +6.0 s  Ask, visit 2
                                             because: 0.8 is below 0.9 (workflow:door)
               8  00:00:07.000     +7.0 s  action unlock: intended, target class T3, attempt 1
                                             id: a1
                                             arguments: {"door":1}
               9  00:00:08.000     +8.0 s  action unlock: executed in 30 ms
                                             the target's reply (proves nothing): "click"
              10  00:00:09.000     +9.0 s  action unlock: VERIFIED, made by this run
                                             proof: the bolt is back (2 looks)
              11  00:00:10.000    +10.0 s  waits for the signal 'bell', at most until 2026-01-01 01:00:09Z
              12  00:00:11.000    +11.0 s  question approval: Open the door?
                                             choices: yes | no
              13  00:00:12.000    +12.0 s  parked: only durable waits are left

            Open question approval
              Open the door?
              choices   yes | no
              answer    signalbox answer r-door1 yes --store FOLDER/signalbox.db
              answer    signalbox answer r-door1 no --store FOLDER/signalbox.db

            Waits
              signal 'bell', at most until 2026-01-01 01:00:09Z (in 59 min 57 s)

            Next
              It waits for a signal: signalbox signal r-door1 bell 'JSON' --store FOLDER/signalbox.db

            """.Replace("HASH", s_dossier.Hash.Value[..12], StringComparison.Ordinal),
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
    }

    [Theory]
    [InlineData(3_000_000L, "step feed: 0.2 ms, from the cache, 3.0 s old")]
    [InlineData(0L, "step feed: 0.2 ms, from the cache, 0 ms old")]
    [InlineData(null, "step feed: 0.2 ms")]
    public async Task Says_what_came_from_the_cache_and_how_old_it_was(long? age, string line)
    {
        await _store.WriteAsync(async journals => await journals.AppendAsync(
            await journals.StartAsync("r-door1"), EntryKinds.StepCompleted, new StepCompleted(null, Journals.Json("7"), 200, Type: "evidence", CachedMicroseconds: age), step: "feed/-/1"));

        var outcome = await _store.RunAsync("show", "r-door1");

        Assert.Contains(line + "\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_bodies_with_their_payloads_in_place()
    {
        await ARunAsync();

        var outcome = await _store.RunAsync("show", "r-door1", "--full");

        Assert.Contains("\"text\": \"Is the door safe?\"", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\"hinges\": 2", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("$payload", outcome.Output.Replace(Journals.Door.Fingerprint, "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_which_payload_is_missing()
    {
        await ARunAsync();
        _store.Tamper($"DELETE FROM payloads WHERE hash = x'{s_dossier.Hash}'");

        var outcome = await _store.RunAsync("show", "r-door1", "--full");

        Assert.Equal(0, outcome.Exit);
        Assert.Contains($"\"$payload\": \"{s_dossier.Hash}\",", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\"missing\": true", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_a_run_of_which_a_body_is_damaged()
    {
        await ARunAsync();
        _store.Tamper("UPDATE entries SET body = '{\"microseconds\":\"x\"' WHERE seq IN (5, 12)");

        var outcome = await _store.RunAsync("show", "r-door1");

        Assert.Equal(0, outcome.Exit);
        Assert.Contains("step.completed verdict\n                                 its body cannot be read; see: signalbox check", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("(the question cannot be read; entry 12)", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await _store.RunAsync("show", "r-door1", "--full")).Exit);
        Assert.Equal(0, (await _store.RunAsync("show", "r-door1", "--json", "--full")).Exit);
    }

    [Fact]
    public async Task Draws_its_workflow()
    {
        await ARunAsync();

        var outcome = await _store.RunAsync("show", "r-door1", "--diagram");

        Assert.Equal(Journals.Door.ToMermaid(), outcome.Output);
        Assert.Equal(outcome.Output, (await _store.RunAsync("definition", "door", "--mermaid")).Output);
        Assert.Equal(outcome.Output, (await _store.RunAsync("definition", "door1", "--mermaid")).Output);
    }

    [Fact]
    public async Task Writes_one_object_for_programs()
    {
        await ARunAsync();

        using var shown = JsonDocument.Parse((await _store.RunAsync("show", "r-door1", "--json", "--full")).Output);
        var root = shown.RootElement;

        Assert.Equal("r-door1", root.GetProperty("run").GetString());
        Assert.Equal(["Start", "Ask"], root.GetProperty("path").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(
            """[{"scope":"","step":"approval/-/1","title":"Open the door?","choices":["yes","no"],"askedAt":"2026-01-01T00:00:11.000000Z","seq":12}]""", root.GetProperty("questions").GetRawText());
        var entries = root.GetProperty("entries").EnumerateArray().ToArray();
        Assert.Equal(14, entries.Length);
        Assert.Equal("""{"position":7,"seq":6,"epoch":1,"at":"2026-01-01T00:00:05.000000Z","kind":"step.completed","state":"Start","visit":1,"scope":"side","step":"dossier/-/1","actor":"workflow:door","body":{"result":{"hinges":2},"microseconds":500,"attempts":3}}""", entries[6].GetRawText());
    }

    [Theory]
    [InlineData("r-door1")]
    [InlineData("r-d")]
    [InlineData("door")]
    public async Task Takes_the_beginning_of_an_id(string prefix)
    {
        await ARunAsync();

        Assert.StartsWith("Run r-door1 ", (await _store.RunAsync("show", prefix)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prefers_the_id_itself_to_those_that_begin_with_it()
    {
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync("r-x");
            await journals.StartAsync("r-x1");
        });

        Assert.StartsWith("Run r-x ", (await _store.RunAsync("show", "r-x")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_the_runs_that_a_beginning_fits()
    {
        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync("r-x1");
            await journals.StartAsync("r-x2");
        });

        var outcome = await _store.RunAsync("show", "x");

        Assert.Equal(
            """
            run_ambiguous: 'x' is the key or the beginning of the id of several runs; give the id of the one you mean:
              r-x2  door v2  Running in Start, started 2026-01-01 00:00:01Z
              r-x1  door v2  Running in Start, started 2026-01-01 00:00:00Z

            """,
            outcome.Error);
        Assert.Equal((1, ""), (outcome.Exit, outcome.Output));
    }

    [Fact]
    public async Task Says_where_to_look_for_a_run_that_is_not_there()
    {
        await ARunAsync();

        var outcome = await _store.RunAsync("show", "r-window");

        Assert.Equal("run_not_found: The store 'FOLDER/signalbox.db' has no run 'r-window': none whose id is that or begins so, and none with that key. See what it has: signalbox runs --store FOLDER/signalbox.db\n", outcome.Error);
        Assert.Equal((1, ""), (outcome.Exit, outcome.Output));
    }

    [Fact]
    public async Task Shows_long_journals_whole()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-long");
            for (var i = 0; i < 30; i++)
            {
                var drafts = Enumerable.Range(0, 50).Select(n => new EntryDraft { Kind = EntryKinds.StepCompleted, Step = $"s{i}x{n}/-/1", Body = Body.Write(new StepCompleted(null, Journals.Json("1"), 1)) });
                await journals.Store.CommitAsync(new() { Run = run, Entries = [.. drafts] }, default);
            }
        });

        var outcome = await _store.RunAsync("show", "r-long");

        Assert.Equal(1500, outcome.Lines.Count(l => l.Contains(" step s", StringComparison.Ordinal)));
        Assert.All(outcome.Lines, line => Assert.InRange(TextWidth.Of(line), 1, 100));
    }
}
