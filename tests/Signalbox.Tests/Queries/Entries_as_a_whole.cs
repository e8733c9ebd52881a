using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Queries;
using Xunit;

namespace Signalbox.Tests.Queries;

public sealed class Entries_as_a_whole
{
    private static readonly string s_long = new('ü', 500_000);

    private static Task<Bench> StartAsync() => Bench.OfAsync(new Flow(async visit => visit.GoTo(Step.Done, new Note(await visit.Read("page", _ => Task.FromResult(s_long))))));

    [Fact]
    public async Task Have_what_they_refer_to_in_its_place()
    {
        await using var bench = await StartAsync();
        bench.IsQuiet = true;
        await bench.RunAsync();
        var stored = await bench.EntryAsync(EntryKinds.StepCompleted);

        var view = (await bench.Queries().EntryAsync(bench.Run, stored.Seq, default))!;

        using var body = JsonDocument.Parse(view.Body!.Value.Utf8);
        Assert.Equal(s_long, body.RootElement.GetProperty("result").GetString());
        Assert.Equal(
            (stored.Position, stored.Run, stored.Seq, stored.Epoch, stored.At, stored.Kind, "One", 1, "", stored.Step, stored.Actor, stored.Cause, Convert.ToHexStringLower(stored.Hash.Span), null),
            (view.Position, view.Run, view.Seq, view.Epoch, view.At, view.Kind, view.State, view.Visit, view.Scope, view.Step, view.Actor, view.Cause, view.Hash, view.Fault));
    }

    [Fact]
    public async Task Keep_half_of_a_character_as_it_was_escaped()
    {
        await using var bench = await StartAsync();
        bench.IsQuiet = true;
        await bench.RunAsync();
        var stored = await bench.EntryAsync(EntryKinds.StepCompleted);
        var body = Encoding.UTF8.GetBytes("{\"half\":\"\\ud800\"," + Encoding.UTF8.GetString(stored.Body.Span[1..]));

        var view = await ResolvedBody.ViewAsync(bench.Harness.Store, stored with { Body = body }, Redactor.None, int.MaxValue, default);

        Assert.Contains("\"half\":\"\\ud800\"", view.Body.ToString(), StringComparison.Ordinal);
        Assert.Null(view.Fault);
    }

    [Fact]
    public async Task Are_cut_in_a_list_and_say_so()
    {
        await using var bench = await StartAsync();
        bench.IsQuiet = true;
        await bench.RunAsync();
        var seq = (await bench.EntryAsync(EntryKinds.StepCompleted)).Seq;

        var view = Assert.Single(await bench.Queries().EntriesAsync(bench.Run, seq, 1, default));

        using var body = JsonDocument.Parse(view.Body!.Value.Utf8);
        var cut = body.RootElement.GetProperty("result");
        Assert.Equal("\"" + new string('ü', (RunQueries.ListedBytesMax / 2) - 1) + "…", cut.GetProperty("$cut").GetString());
        Assert.Equal(1_000_002, cut.GetProperty("bytes").GetInt32());
        Assert.Equal(64, cut.GetProperty("payload").GetString()!.Length);
        Assert.InRange(view.Body.Value.Utf8.Length, 1, RunQueries.ListedBytesMax + 500);
        Assert.Null(view.Fault);
    }

    [Fact]
    public async Task Come_page_by_page()
    {
        await using var bench = await StartAsync();
        bench.IsQuiet = true;
        await bench.RunAsync();
        var queries = bench.Queries();

        var all = await queries.EntriesAsync(bench.Run, 0, 1_000, default);
        var paged = (await queries.EntriesAsync(bench.Run, 0, 3, default)).Concat(await queries.EntriesAsync(bench.Run, 3, 1_000, default));

        Assert.Equal((await bench.JournalAsync()).Select(e => e.Seq), all.Select(e => e.Seq));
        Assert.Equal(all.Select(e => (e.Seq, e.Body.ToString())), paged.Select(e => (e.Seq, e.Body.ToString())));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => queries.EntriesAsync(bench.Run, 0, 1_001, default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => queries.EntriesAsync(bench.Run, -1, 10, default));
        Assert.Null(await queries.EntryAsync(bench.Run, all.Count, default));
        Assert.Null(await queries.EntryAsync(bench.Run, -1, default));
    }

    [Fact]
    public async Task Say_what_of_them_is_missing()
    {
        await using var bench = await StartAsync();
        bench.IsQuiet = true;
        await bench.RunAsync();
        var entry = await bench.EntryAsync(EntryKinds.StepCompleted);
        var gone = PayloadReferences.In(entry).Single();

        var view = (await new RunQueries(new TamperedStore(bench.Harness.Store, gone), bench.Harness.Clock).EntryAsync(bench.Run, entry.Seq, default))!;

        Assert.Equal($"missing or altered: payload {gone}", view.Fault);
        Assert.Contains($$"""{"$payload":"{{gone}}","missing":true}""", view.Body.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "its body is gone: it was erased", null)]
    [InlineData("{\"result\":", "its body is no JSON; see: signalbox check", "\"{\\\"result\\\":\"")]
    [InlineData("[1]", "its body is no JSON object; see: signalbox check", "[1]")]
    public async Task Say_that_their_body_is_damaged(string body, string fault, string? shown)
    {
        await using var bench = await StartAsync();
        bench.IsQuiet = true;
        await bench.RunAsync();
        var entry = (await bench.EntryAsync(EntryKinds.StepCompleted)) with { Body = System.Text.Encoding.UTF8.GetBytes(body) };

        var view = await ResolvedBody.ViewAsync(bench.Harness.Store, entry, Redactor.None, int.MaxValue, default);

        Assert.Equal((fault, shown), (view.Fault, view.Body?.ToString()));
    }
}
