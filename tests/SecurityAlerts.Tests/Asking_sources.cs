using System.Text.Json;

namespace SecurityAlerts.Tests;

public sealed class A_login_history
{
    private static readonly DateTimeOffset Noon = new(2025, 3, 3, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Shows_nothing_later_than_asked()
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());
        var before = await sources.LoginsAsync(new("lab", "203.0.113.99", ["deploy"], At(10, 20, 30), At(10, 20, 30)), default);
        var after = await sources.LoginsAsync(new("lab", "203.0.113.99", ["deploy"], At(10, 20, 52), At(10, 25, 52)), default);

        Assert.Equal((8, 0, null), (before.Failures, before.Logins, before.LastLogin));
        Assert.Equal(8, before.Lines.Count);
        Assert.Equal((12, 1, "deploy"), (after.Failures, after.Logins, after.LastLogin?.User));
        Assert.Equal((12, 12), (after.LastLogin!.FailuresBefore, after.LastLogin.FailuresBeforeOnThisAccount));
        Assert.Equal(12, after.FailuresBeforeFirstLogin);
    }

    [Fact]
    public async Task Shows_no_real_event_after_any_alerts_as_of()
    {
        var data = await World.RealAlertsAsync();
        var sources = new AlertSources(data, new ManualClock());
        var rawLater = data.Events!.ToLookup(e => (e.Site, TerminalText.Cut(e.Raw, 160)));

        foreach (var alert in data.Alerts)
        {
            var history = await sources.LoginsAsync(LoginQuery.For(alert), default);

            Assert.True(history.LastSeen is null || history.LastSeen <= alert.AsOf);
            Assert.True(history.LastLogin is null || history.LastLogin.Time <= alert.AsOf);
            Assert.True(history.Session is null || history.Session.Time <= alert.AsOf);
            Assert.All(history.Lines, line => Assert.Contains(rawLater[(alert.Site, line)], e => e.Time <= alert.AsOf));
        }
    }

    [Fact]
    public async Task Stays_within_its_site()
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());

        var elsewhere = await sources.LoginsAsync(new("shop", "203.0.113.99", ["deploy"], Noon, Noon), default);
        var nowhere = await sources.LoginsAsync(new("no such site", "203.0.113.99", ["deploy"], Noon, Noon), default);

        Assert.Equal((0, 0, 0), (elsewhere.Failures, elsewhere.Logins, elsewhere.Lines.Count));
        Assert.Equal((0, 0, 0), (nowhere.Failures, nowhere.Logins, nowhere.Lines.Count));
    }

    [Fact]
    public async Task Knows_a_key_that_was_used_before_and_from_where()
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());

        var history = await sources.LoginsAsync(new("lab", "192.0.2.33", ["carol"], At(11, 2, 17), At(11, 7, 17)), default);

        Assert.True(history.LastLogin!.KeyKnownBefore);
        Assert.False(history.LastLogin.LoggedInFromHereBefore);
        Assert.Equal(["198.51.100.10"], history.LastLogin.KeySources);
        Assert.Equal((1, "198.51.100.10"), (history.Accounts![0].LoginsBefore, history.Accounts![0].SourcesBefore[0]));
    }

    [Fact]
    public async Task Knows_who_was_root_when_an_account_was_created_and_from_where()
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());

        var history = await sources.LoginsAsync(new("lab", null, ["backup"], At(13, 10, 12), At(13, 15, 12)), default);

        Assert.Equal(("alice", "198.51.100.10", "publickey"), (history.Session!.User, history.Session.LoginAddress, history.Session.LoginMethod));
        Assert.Empty(history.Session.OthersAsRoot);
        Assert.Equal(At(13, 10, 12), history.Accounts![0].CreatedAt);
    }

    [Fact]
    public async Task Counts_an_attempt_that_was_logged_twice_once()
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());

        var history = await sources.LoginsAsync(new("lab", "192.0.2.77", [], At(9, 12, 23), At(9, 17, 23)), default);

        // Two of root and one each of four names that do not exist, logged as invalid user and as failure.
        Assert.Equal((6, 4), (history.Failures, history.FailuresOnUnknownUsers));
        Assert.Equal(5, history.UsersTried);
    }

    [Fact]
    public async Task Stays_small_whatever_the_log_holds()
    {
        using var world = new World().WithGoodData();
        world.Write("events.jsonl", [.. Enumerable.Range(1, 500).Select(n =>
            $$"""{"site":"lab","seq":{{n}},"time":"2025-03-03T08:00:00Z","type":"auth_failed","source_ip":"192.0.2.7","user":"u{{n}}{{new string('x', 3000)}}","raw":"{{new string('r', 3000)}}"}""")]);
        var sources = new AlertSources(await AlertData.ReadAsync(world.Folder), new ManualClock());

        var history = await sources.LoginsAsync(new("lab", "192.0.2.7", [], Noon, Noon), default);

        Assert.Equal((500, 500, 20, 16), (history.Failures, history.UsersTried, history.UsersTriedNames.Count, history.Lines.Count));
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(history, CaseFile.Json).Length, 1, 8000);
    }

    private static DateTimeOffset At(int hour, int minute, int second) => new(2025, 3, 3, hour, minute, second, TimeSpan.Zero);
}

public sealed class A_source
{
    [Fact]
    public async Task Joins_what_several_lists_say_about_an_address()
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());

        var listed = await sources.ThreatsAsync("203.0.113.67", default);
        var unlisted = await sources.ThreatsAsync("192.0.2.1", default);

        Assert.Equal((true, 2, "2025-03-02"), (listed.Listed, listed.Score, listed.AsOf));
        Assert.Equal(["example-blocklist", "example-bruteforce"], listed.Lists);
        Assert.Equal((false, 0, null), (unlisted.Listed, unlisted.Score, unlisted.AsOf));
    }

    [Theory]
    [InlineData("lab", "gate-1", "10.1.2.3", AddressPosition.Inside)]
    [InlineData("lab", "gate-1", "198.51.100.10", AddressPosition.Staff)]
    [InlineData("lab", "gate-1", "203.0.113.130", AddressPosition.Scanner)]
    [InlineData("lab", "gate-1", "203.0.113.144", AddressPosition.Outside)]
    [InlineData("lab", "gate-1", "2001:db8::1", AddressPosition.Outside)]
    [InlineData("lab", "gate-1", null, AddressPosition.None)]
    [InlineData("lab", "db-1", "10.1.2.3", AddressPosition.Unknown)]
    [InlineData("shop", "db-1", "198.51.100.10", AddressPosition.Outside)]
    public async Task Knows_where_an_address_stands_to_a_host(string site, string host, string? address, object position)
    {
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock());

        var report = await sources.AssetsAsync(site, host, address, default);

        Assert.Equal(position, report.Position);
        Assert.Equal(report.Known, report.Accounts.Count > 0);
    }

    [Fact]
    public async Task Whose_file_is_missing_says_so_instead_of_answering()
    {
        using var world = new World().WithGoodData();
        File.Delete(world.Path_("events.jsonl"));
        File.Delete(world.Path_("feed.csv"));
        File.Delete(world.Path_("assets.json"));
        File.Delete(world.Path_("allowlist.csv"));
        var data = await AlertData.ReadAsync(world.Folder);
        var sources = new AlertSources(data, new ManualClock());

        var logins = await Assert.ThrowsAsync<SourceUnavailableException>(() => sources.LoginsAsync(LoginQuery.For(data.Alerts[0]), default));
        var threats = await Assert.ThrowsAsync<SourceUnavailableException>(() => sources.ThreatsAsync("192.0.2.7", default));
        var assets = await Assert.ThrowsAsync<SourceUnavailableException>(() => sources.AssetsAsync("lab", "gate-1", "192.0.2.7", default));

        Assert.Equal("The source 'logins' is not available: events.jsonl could not be read. The faults of the input say why.", logins.Message);
        Assert.Equal(["logins", "threats", "assets"], [logins.SourceName, threats.SourceName, assets.SourceName]);
    }

    [Fact]
    public async Task That_was_slowed_down_answers_after_its_time_and_not_before()
    {
        var clock = new ManualClock();
        var slow = SlowSources.Parse(["threats=2.5"], out _);
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), clock, slow);

        var answer = sources.ThreatsAsync("203.0.113.66", default);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(answer.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.True((await answer).Listed);
    }

    [Fact]
    public async Task That_was_slowed_down_stops_when_nobody_waits_any_more()
    {
        var slow = SlowSources.Parse(["logins=60"], out _);
        var sources = new AlertSources(await AlertData.ReadAsync(World.OwnAlerts), new ManualClock(), slow);
        using var patience = new CancellationTokenSource();

        var answer = sources.LoginsAsync(new("lab", "203.0.113.66", [], default, default), patience.Token);
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public void Is_slowed_down_only_by_an_option_that_can_be_understood()
    {
        var slow = SlowSources.Parse(["threats=3", "weather=1", "logins", "assets=-1"], out var wrong);

        Assert.Equal(TimeSpan.FromSeconds(3), slow.DelayOf("threats"));
        Assert.Equal(TimeSpan.Zero, slow.DelayOf("logins"));
        Assert.Equal(
            ["weather=1", "logins", "assets=-1"],
            wrong.Select(text => text.Replace("--slow must be SOURCE=SECONDS with a source of logins, threats, assets and 0 to 3600 seconds; got \"", "", StringComparison.Ordinal).TrimEnd('.').TrimEnd('"')));
    }
}
