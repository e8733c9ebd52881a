namespace Signalbox.CommandLine.Tests;

public sealed class A_run_by_its_key : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Theory]
    [InlineData("show", "order 17")]
    [InlineData("show", "order 17", "--only", "visits")]
    [InlineData("cancel", "order 17")]
    [InlineData("signal", "order 17", "bell")]
    [InlineData("answer", "order 17", "yes")]
    [InlineData("approvals", "order 17")]
    [InlineData("actions", "order 17")]
    [InlineData("claims", "--run", "order 17")]
    [InlineData("definition", "order 17")]
    [InlineData("diagram", "order 17")]
    [InlineData("check", "order 17")]
    [InlineData("export", "order 17")]
    [InlineData("runs", "--after", "order 17")]
    public async Task Is_taken_by_every_command(params string[] words)
    {
        await WriteAsync(("r-door1", "order 17"), ("r-door2", "order 18"));

        var byKey = await _store.RunAsync(words);

        Assert.True(byKey.Exit == 0, byKey.Error);
        Assert.DoesNotContain("r-door2", byKey.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("retry", "order 17")]
    [InlineData("release", "order 17", "--abandon")]
    [InlineData("judge", "order 17", "d-1", "--right")]
    [InlineData("approve", "order 17")]
    [InlineData("reject", "order 17", "--reason", "no")]
    [InlineData("erase", "order 17", "--reason", "gone")]
    public async Task Is_found_where_a_command_then_refuses(params string[] words)
    {
        await WriteAsync(("r-door1", "order 17"));

        var byKey = await _store.RunAsync(words);

        Assert.NotEqual(0, byKey.Exit);
        Assert.DoesNotContain("run_not_found", byKey.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong_use", byKey.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task May_be_longer_than_any_id()
    {
        var key = "https://example.com/orders/" + new string('7', 100);
        await WriteAsync(("r-door1", key));

        Assert.StartsWith("Run r-door1 ", (await _store.RunAsync("show", key)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_go_before_an_id_that_begins_so()
    {
        await WriteAsync(("r-door1", null), ("r-other", "r-door"));

        var outcome = await _store.RunAsync("cancel", "r-door");

        Assert.Equal(
            """
            run_ambiguous: 'r-door' is the key or the beginning of the id of several runs; give the id of the one you mean:
              r-door1  door v2  Waiting in Start, started 2026-01-01 00:00:00Z
              r-other  door v2  Waiting in Start, started 2026-01-01 00:00:03Z, key r-door

            """,
            outcome.Error);
        Assert.Equal((1, ""), (outcome.Exit, outcome.Output));
    }

    [Fact]
    public async Task Never_goes_before_an_id()
    {
        await WriteAsync(("r-door1", null), ("r-other", "r-door1"));

        Assert.StartsWith("Run r-door1 ", (await _store.RunAsync("show", "r-door1")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_is_of_none_is_answered_with_those_that_look_alike()
    {
        await WriteAsync(("r-door1", "Order 17"), ("r-door2", "order 18"), ("r-door3", "return 17"));

        var outcome = await _store.RunAsync("show", "order 1");

        Assert.Equal(
            """
            run_not_found: The store 'FOLDER/signalbox.db' has no run 'order 1': none whose id is that or begins so, and none with that key. Perhaps you mean one of those below. See what it has: signalbox runs --store FOLDER/signalbox.db
              r-door2  door v2  Waiting in Start, started 2026-01-01 00:00:03Z, key order 18
              r-door1  door v2  Waiting in Start, started 2026-01-01 00:00:00Z, key Order 17

            """,
            outcome.Error);
    }

    private Task<TestStore> WriteAsync(params (string Run, string? Key)[] runs) => _store.WriteAsync(async journals =>
    {
        foreach (var (run, key) in runs)
        {
            var started = await journals.StartAsync(run, key);
            await journals.AskAsync(started);
        }
    });
}
