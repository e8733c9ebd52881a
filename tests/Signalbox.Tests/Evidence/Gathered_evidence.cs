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
            Assert.Equal(evidence, System.Text.Json.JsonSerializer.Deserialize<Evidence<int>>(json, SignalboxJson.Options));
        }
    }
}
