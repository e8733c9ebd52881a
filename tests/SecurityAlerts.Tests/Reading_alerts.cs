using System.Text;

namespace SecurityAlerts.Tests;

public sealed class A_good_folder
{
    [Fact]
    public async Task Is_read_whole_and_without_a_fault()
    {
        using var world = new World().WithGoodData();

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Empty(data.Faults);
        Assert.True(data.CanWork);
        Assert.Equal("a-1", Assert.Single(data.Alerts).Id);
        Assert.Single(data.Events!);
        Assert.Single(data.Feed!);
        Assert.Single(data.AllowList!);
        Assert.Single(data.Assets!);
    }

    [Fact]
    public async Task May_have_a_byte_order_mark_Windows_line_ends_empty_lines_and_no_last_line_end()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(World.GoodAlert("a-1") + "\r\n\r\n" + World.GoodAlert("a-2"))]);

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Empty(data.Faults);
        Assert.Equal(["a-1", "a-2"], data.Alerts.Select(alert => alert.Id));
    }

    [Fact]
    public async Task Gives_an_IPv4_mapped_address_as_its_IPv4_address()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1").Replace("192.0.2.7", "::ffff:192.0.2.7", StringComparison.Ordinal));

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal("192.0.2.7", Assert.Single(data.Alerts).SourceIp);
    }
}

public sealed class A_wrong_line_in_the_alerts
{
    public static TheoryData<string, string, string[]> Spoiled => new()
    {
        { "\"source_ip\":\"192.0.2.7\"", "\"source_ip\":\"192.0.2.700\"", ["source_ip must be an IP address; got \"192.0.2.700\"."] },
        { "\"source_ip\":\"192.0.2.7\"", "\"source_ip\":\"192.0.2\"", ["source_ip must be an IP address; got \"192.0.2\"."] },
        { "\"source_ip\":\"192.0.2.7\"", "\"source_ip\":\"192.0.02.7\"", ["source_ip must be an IP address; got \"192.0.02.7\"."] },
        { "\"source_ip\":\"192.0.2.7\"", "\"source_ip\":3221225991", ["source_ip must be an IP address; got 3221225991."] },
        { "\"failed_count\":0", "\"failed_count\":-1", ["failed_count must be a whole number from 0 to 2147483647; got -1."] },
        { "\"failed_count\":0", "\"failed_count\":\"many\"", ["failed_count must be a whole number from 0 to 2147483647; got \"many\"."] },
        { "\"failed_count\":0", "\"failed_count\":1.5", ["failed_count must be a whole number from 0 to 2147483647; got 1.5."] },
        { "\"time\":\"2025-03-03T08:00:00Z\"", "\"time\":\"yesterday\"", ["time must be a time like 2023-09-11T07:48:48Z; got \"yesterday\"."] },
        { "\"time\":\"2025-03-03T08:00:00Z\"", "\"time\":\"2025-02-30T08:00:00Z\"", ["time must be a time like 2023-09-11T07:48:48Z; got \"2025-02-30T08:00:00Z\"."] },
        { "\"users\":[]", "\"users\":\"bob\"", ["users must be a list; got \"bob\"."] },
        { "\"users\":[]", "\"users\":[\"bob\",7]", ["users[1] must be a text; got 7."] },
        { "\"rule\":\"auth.probe\"", "\"rule\":\"\"", ["rule must be a text that is not empty; got \"\"."] },
        { "\"rule\":\"auth.probe\",", "", ["the required field \"rule\" is missing."] },
        { "\"rule\":\"auth.probe\",\"severity\":\"info\"", "\"rule\":null,\"severity\":7", ["the required field \"rule\" is missing.", "severity must be a text that is not empty; got 7."] },
    };

    [Theory]
    [MemberData(nameof(Spoiled))]
    public async Task Is_named_with_all_that_is_wrong_and_the_good_lines_go_on(string good, string bad, string[] faults)
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1"), World.GoodAlert("a-2").Replace(good, bad, StringComparison.Ordinal), World.GoodAlert("a-3"));

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal(faults.Select(fault => $"alerts.jsonl:2: {fault} The line is skipped."), data.Faults.Select(fault => fault.ToString()));
        Assert.Equal(["a-1", "a-3"], data.Alerts.Select(alert => alert.Id));
    }

    [Fact]
    public async Task Is_named_when_it_is_cut()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1"), World.GoodAlert("a-2")[..40]);

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal(
            "alerts.jsonl:2: expected one whole JSON object; it breaks off at byte 41: Expected end of string, but instead reached end of data. The line is skipped.",
            Assert.Single(data.Faults).ToString());
        Assert.Single(data.Alerts);
    }

    [Theory]
    [InlineData("[1]", "expected one whole JSON object; got [1]. The line is skipped.")]
    [InlineData("{} {}", "expected one whole JSON object; it breaks off at byte 4: '{' is invalid after a single JSON value. Expected end of data. The line is skipped.")]
    [InlineData("no json", "expected one whole JSON object; it breaks off at byte 2: 'no json' is an invalid JSON literal. Expected the literal 'null'. The line is skipped.")]
    public async Task Is_named_when_it_is_no_JSON_object(string line, string fault)
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1"), line);

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal("alerts.jsonl:2: " + fault, Assert.Single(data.Faults).ToString());
    }

    [Fact]
    public async Task Is_named_when_a_field_stands_in_it_twice()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1").Replace("{", "{\"source_ip\":\"198.51.100.10\",", StringComparison.Ordinal));

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.StartsWith("alerts.jsonl:1: expected one whole JSON object; ", Assert.Single(data.Faults).ToString(), StringComparison.Ordinal);
        Assert.Empty(data.Alerts);
    }

    [Fact]
    public async Task Is_named_when_it_is_not_UTF8()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", [.. Encoding.UTF8.GetBytes(World.GoodAlert("a-1") + "\n{\"id\":\""), 0xC3, 0x28, .. "\"}\n"u8]);

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal("alerts.jsonl:2: the line is not UTF-8 text. The line is skipped.", Assert.Single(data.Faults).ToString());
        Assert.Single(data.Alerts);
    }

    [Fact]
    public async Task Is_kept_without_a_field_that_nobody_knows()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1").Replace("{", "{\"co\\u001blour\":\"red\",", StringComparison.Ordinal));

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal(
            """alerts.jsonl:1: unknown field "co\u001Blour"; known are id, time, as_of, site, host, rule, severity, summary, source_ip, users, failed_count, success_count, first_seen, last_seen, evidence_seq. The field is ignored.""",
            Assert.Single(data.Faults).ToString());
        Assert.Single(data.Alerts);
    }

    [Fact]
    public async Task Is_named_when_its_id_was_there_before()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", World.GoodAlert("a-1"), World.GoodAlert("a-2"), World.GoodAlert("a-1"));

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal("alerts.jsonl:3: id must be unique; \"a-1\" is already on line 1. The line is skipped.", Assert.Single(data.Faults).ToString());
        Assert.Equal(["a-1", "a-2"], data.Alerts.Select(alert => alert.Id));
    }
}

public sealed class A_wrong_line_around_the_alerts
{
    [Theory]
    [InlineData("events.jsonl", """{"site":"lab","seq":"x","time":"2025-03-03T08:00:00Z","type":"probe","raw":"r"}""", "events.jsonl:1: seq must be a whole number from 0 to 9223372036854775807; got \"x\". The line is skipped.")]
    [InlineData("events.jsonl", """{"site":"lab","seq":1,"time":"2025-03-03T08:00:00Z","type":"probe","raw":"r","n":0}""", "events.jsonl:1: n must be a whole number from 1 to 2147483647; got 0. The line is skipped.")]
    [InlineData("events.jsonl", """{"site":"lab","seq":1,"time":"2025-03-03T08:00:00Z","type":"probe","raw":"r","user_exists":"no"}""", "events.jsonl:1: user_exists must be true or false; got \"no\". The line is skipped.")]
    [InlineData("feed.csv", "indicator,score,lists,as_of\n1.2.3,1,l,2025-03-02", "feed.csv:2: indicator must be an IP address; got \"1.2.3\". The line is skipped.")]
    [InlineData("feed.csv", "indicator,score,lists,as_of\n192.0.2.7,high,l,2025-03-02", "feed.csv:2: score must be a whole number; got \"high\". The line is skipped.")]
    [InlineData("feed.csv", "indicator,score,lists,as_of\n192.0.2.7,1,l,2nd of March", "feed.csv:2: as_of must be a day like 2024-01-26; got \"2nd of March\". The line is skipped.")]
    [InlineData("feed.csv", "indicator,score,lists,as_of\n192.0.2.7,1", "feed.csv:2: expected 4 values separated by commas; got 2. The line is skipped.")]
    [InlineData("feed.csv", "indicator,score,lists,as_of,mood\n192.0.2.7,1,l,2025-03-02,grim", "feed.csv:1: unknown field \"mood\"; known are indicator, score, lists, as_of. The field is ignored.")]
    [InlineData("allowlist.csv", "cidr,list\n203.0.113.7/28,l", "allowlist.csv:2: cidr must be a range like 192.0.2.0/24; got \"203.0.113.7/28\". The line is skipped.")]
    [InlineData("allowlist.csv", "cidr,list\n203.0.113.0/33,l", "allowlist.csv:2: cidr must be a range like 192.0.2.0/24; got \"203.0.113.0/33\". The line is skipped.")]
    [InlineData("allowlist.csv", "cidr,list\n203.0.113.0,l", "allowlist.csv:2: cidr must be a range like 192.0.2.0/24; got \"203.0.113.0\". The line is skipped.")]
    [InlineData("assets.json", "[\n {\"site\":\"lab\",\"host\":\"h\",\"role\":\"r\",\"exposure\":\"e\",\"internal_networks\":[],\"accounts\":[],\"known_sources\":[]},\n {\"site\":\"lab\",\"host\":\"i\",\"role\":\"r\",\"exposure\":\"e\",\"internal_networks\":[\"10.0.0.0/40\"],\"accounts\":[],\"known_sources\":[]}]", "assets.json:3: internal_networks[0] must be a range like 10.0.0.0/8; got \"10.0.0.0/40\". The host that starts here is skipped.")]
    [InlineData("assets.json", "[\n7]", "assets.json:2: expected one whole JSON object; got 7. The host that starts here is skipped.")]
    public async Task Is_named_and_the_source_stays(string file, string content, string fault)
    {
        using var world = new World().WithGoodData();
        world.Write(file, content);

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal(fault, Assert.Single(data.Faults).ToString());
        Assert.All((object?[])[data.Events, data.Feed, data.AllowList, data.Assets], Assert.NotNull);
        Assert.Single(data.Alerts);
    }

    [Theory]
    [InlineData("feed.csv", "indicator,points,lists,as_of\n192.0.2.7,1,l,2025-03-02", "feed.csv:1: the first line must name the columns indicator,score,lists,as_of; \"score\" is missing. The file is not used: the threat feed is not available.")]
    [InlineData("assets.json", "[\n{\"site\":", "assets.json:3: expected JSON; it breaks off at byte 1: Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed. The file is not used: no host is known, so nothing can be blocked or disabled.")]
    [InlineData("assets.json", "{}", "assets.json:1: expected a list of hosts; got {}. The file is not used: no host is known, so nothing can be blocked or disabled.")]
    public async Task Takes_its_source_away_when_nothing_of_the_file_can_be_understood(string file, string content, string fault)
    {
        using var world = new World().WithGoodData();
        world.Write(file, content);

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal(fault, Assert.Single(data.Faults).ToString());
        Assert.Null(file == "feed.csv" ? data.Feed : data.Assets);
        Assert.True(data.CanWork);
    }
}

public sealed class A_missing_file
{
    [Theory]
    [InlineData("alerts.jsonl", "alerts.jsonl: the file is missing; without alerts there is nothing to do.", false)]
    [InlineData("events.jsonl", "events.jsonl: the file is missing; the login history is not available.", true)]
    [InlineData("feed.csv", "feed.csv: the file is missing; the threat feed is not available.", true)]
    [InlineData("allowlist.csv", "allowlist.csv: the file is missing; nothing can be blocked: it might be a research scanner.", true)]
    [InlineData("assets.json", "assets.json: the file is missing; no host is known, so nothing can be blocked or disabled.", true)]
    public async Task Is_named_and_only_the_alerts_themselves_stop_the_work(string file, string fault, bool canWork)
    {
        using var world = new World().WithGoodData();
        File.Delete(world.Path_(file));

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.Equal(fault, Assert.Single(data.Faults).ToString());
        Assert.Equal(canWork, data.CanWork);
    }

    [Fact]
    public async Task May_be_the_whole_folder()
    {
        using var world = new World();
        var folder = world.Path_("nowhere");

        var data = await AlertData.ReadAsync(folder);

        Assert.Equal($"{folder}: there is no such folder; without alerts there is nothing to do.", Assert.Single(data.Faults).ToString());
        Assert.False(data.CanWork);
    }

    [Fact]
    public async Task That_is_only_empty_is_an_empty_queue_but_no_table()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl");
        world.Write("feed.csv");

        var data = await AlertData.ReadAsync(world.Folder);

        Assert.True(data.CanWork);
        Assert.Empty(data.Alerts);
        Assert.Null(data.Feed);
        Assert.Equal(
            "feed.csv: the file is empty; expected a first line indicator,score,lists,as_of. The file is not used: the threat feed is not available.",
            Assert.Single(data.Faults).ToString());
    }
}

public sealed class Text_from_a_log
{
    [Theory]
    [InlineData("plain ünï \U0001F600", "plain ünï \U0001F600")]
    [InlineData("\u001b[2J\r\n\t\u007f\u009b", "\\u001B[2J\\u000D\\u000A\\u0009\\u007F\\u009B")]
    [InlineData("abc\u202edcba\u2066\u200b\u2028", "abc\\u202Edcba\\u2066\\u200B\\u2028")]
    public void Is_shown_without_what_a_terminal_would_obey(string text, string shown) =>
        Assert.Equal(shown, TerminalText.Escape(text));

    [Fact]
    public void Is_cut_before_half_a_character()
    {
        Assert.Equal("ab", TerminalText.Cut("ab\U0001F600", 3));
        Assert.Equal("ab...", TerminalText.Escape("ab\U0001F600", 3));
        Assert.Equal("half \\uD83D", TerminalText.Escape("half \ud83d"));
    }
}
