using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Evidence;

public sealed class Gathered_evidence
{
    [Fact]
    public async Task Has_what_was_found_and_says_why_the_rest_is_missing()
    {
        var never = new TaskCompletionSource<int>();
        var found = new EvidenceSource<string, int>("logins", (ip, _) => Task.FromResult(ip.Length));
        var slow = new EvidenceSource<string, int>("threats", (_, _) => never.Task);
        var broken = new EvidenceSource<string, int>("assets", (_, _) => throw new IOException("no route"));
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var (a, b, c) = await visit.Gather(found.For("192.0.2.7"), slow.For("192.0.2.7").Within(TimeSpan.FromSeconds(2)), broken.For("192.0.2.7"));
            return visit.GoTo(Step.Done, new Note($"{a.Source}={a.Value} {a.IsMissing}, {b.Source}: {b.Reason}, {c.Source}: {c.Reason}"));
        }));
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.RunAsync();

        Assert.Equal("logins=9 False, threats: timed out after 2 s, assets: IOException: no route", (await bench.NoteAsync()).Text);
        Assert.InRange((bench.Harness.Clock.GetUtcNow() - begun).TotalSeconds, 2, 2.1);
    }

    [Fact]
    public async Task Is_asked_side_by_side()
    {
        var (now, most) = (0, 0);
        Bench? world = null;
        var source = new EvidenceSource<int, int>("s", async (n, ct) =>
        {
            most = Math.Max(most, ++now);
            await Task.Delay(TimeSpan.FromSeconds(1), world!.Harness.Clock, ct);
            now--;
            return n;
        });
        await using var bench = world = await Bench.OfAsync(new Flow(async visit =>
        {
            var (a, b, c, d) = await visit.Gather(source.For(1), source.For(2), source.For(3), source.For(4));
            return visit.GoTo(Step.Done, new Note("", a.Value + b.Value + c.Value + d.Value));
        }));
        await bench.RunAsync();

        Assert.Equal((4, 10), (most, (await bench.NoteAsync()).Number));
    }

    [Fact]
    public async Task Of_any_number_of_questions_comes_in_their_order()
    {
        Bench? world = null;
        var source = new EvidenceSource<int, int>("s", async (n, ct) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(n), world!.Harness.Clock, ct);
            return n == 2 ? throw new IOException("no route") : n;
        });
        await using var bench = world = await Bench.OfAsync(new Flow(async visit =>
        {
            var all = await visit.Gather([.. new[] { 3, 2, 1 }.Select(source.For)]);
            var none = await visit.Gather(Array.Empty<EvidenceQuery<int>>());
            return visit.GoTo(Step.Done, new Note(string.Join(", ", all.Select(e => e.Reason ?? $"{e.Value}")), none.Count));
        }));
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.RunAsync();

        Assert.Equal(("3, IOException: no route, 1", 0), ((await bench.NoteAsync()).Text, (await bench.NoteAsync()).Number));
        Assert.InRange((bench.Harness.Clock.GetUtcNow() - begun).TotalSeconds, 3, 3.1);
    }

    [Fact]
    public async Task Of_two_equal_questions_at_once_is_refused()
    {
        var source = new EvidenceSource<int, int>("s", async (n, _) =>
        {
            await Task.Yield();
            return n;
        });
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Gather([source.For(1), source.For(1)]);
            return visit.GoTo(Step.Done);
        }));
        var row = await bench.RunAsync();

        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.Contains("asks in state 'One' for two steps 's' with equal arguments at once", row.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_different_types_can_be_looked_at_alike()
    {
        IReadOnlyList<IEvidence> dossier = [Signalbox.Evidence.Found("logins", 7), Signalbox.Evidence.Missing<string>("threats", "timed out after 2 s")];

        Assert.Equal(["logins: found", "threats: timed out after 2 s"], dossier.Select(e => $"{e.Source}: {(e.IsMissing ? e.Reason : "found")}"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Is_never_cached_for_no_time(int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new EvidenceSource<int, int>("s", (n, _) => Task.FromResult(n)).For(1).CachedFor(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public async Task Is_asked_as_often_as_said_and_once_unless_said()
    {
        var calls = 0;
        var source = new EvidenceSource<int, int>("s", (_, _) => throw new IOException($"{++calls}"));
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Gather(source.For(1));
            var missing = await visit.Gather(source.For(2).Attempts(3));
            return visit.GoTo(Step.Done, new Note(missing.Reason!, calls));
        }));
        await bench.RunAsync();

        Assert.Equal(("IOException: 4", 4), ((await bench.NoteAsync()).Text, (await bench.NoteAsync()).Number));
    }

    [Fact]
    public async Task That_is_missing_stays_missing_after_a_crash()
    {
        var calls = 0;
        var gate = new Gate();
        var source = new EvidenceSource<int, int>("s", (_, _) => ++calls == 1 ? throw new IOException("down") : Task.FromResult(1));
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var evidence = await visit.Gather(source.For(1));
            await gate.PassAsync();
            return visit.GoTo(Step.Done, new Note(evidence.Reason ?? "found"));
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal(("IOException: down", 1), ((await bench.NoteAsync()).Text, calls));
    }

    [Fact]
    public void Travels_in_a_case_and_comes_back_as_it_was()
    {
        foreach (var evidence in new[] { Signalbox.Evidence.Found("s", 7), Signalbox.Evidence.Missing<int>("s", "timed out after 2 s") })
        {
            var json = System.Text.Json.JsonSerializer.Serialize(evidence, SignalboxJson.Options);
            Assert.Equal(evidence.IsMissing ? "{\"source\":\"s\",\"value\":0,\"reason\":\"timed out after 2 s\"}" : "{\"source\":\"s\",\"value\":7}", json);
            Assert.Equal(evidence, System.Text.Json.JsonSerializer.Deserialize<Evidence<int>>(json, SignalboxJson.Options));
        }
    }
}
