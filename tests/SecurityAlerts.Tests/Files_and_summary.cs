using System.Net;
using System.Text;

namespace SecurityAlerts.Tests;

public sealed class A_deny_list
{
    private static readonly IPAddress Address = IPAddress.Parse("198.51.100.7");

    [Fact]
    public async Task Holds_an_address_once_however_often_it_is_added()
    {
        using var world = new World();
        var list = new DenyListFile(world.Path_("deny.list"), new ManualClock());

        Assert.True(await list.AddAsync(Address, "r-1", default));
        Assert.False(await list.AddAsync(Address, "r-2", default));
        Assert.False(await list.AddAsync(IPAddress.Parse("::ffff:198.51.100.7"), "r-3", default));

        Assert.Equal("198.51.100.7  # run r-1, since 2025-03-04T09:00:00Z\n", world.Read("deny.list"));
        Assert.True(await list.ContainsAsync(IPAddress.Parse("::ffff:198.51.100.7"), default));
        Assert.False(await list.ContainsAsync(IPAddress.Parse("198.51.100.70"), default));
    }

    [Fact]
    public async Task Gives_the_world_back_as_it_was_when_an_address_is_removed()
    {
        using var world = new World();
        byte[] before = [.. "# kept by hand\r\n\n192.0.2.1 # the neighbours\r\nnot an address\n"u8, 0xFF, 0xFE, (byte)'\n', .. "::ffff:192.0.2.9\n 203.0.113.0/24\n"u8];
        world.Write("deny.list", before);
        var list = new DenyListFile(world.Path_("deny.list"), new ManualClock());

        Assert.True(await list.AddAsync(Address, "r-1", default));
        Assert.True(await list.RemoveAsync(Address, default));
        Assert.False(await list.RemoveAsync(Address, default));

        Assert.Equal(before, File.ReadAllBytes(world.Path_("deny.list")));
    }

    [Fact]
    public async Task Names_the_lines_it_does_not_understand_and_keeps_them()
    {
        using var world = new World();
        world.Write("deny.list", "# a comment", "192.0.2.1", "not an address # at all", "::ffff:192.0.2.9", "203.0.113.0/24", "1.2", "\u001b[2J");
        var list = new DenyListFile(world.Path_("deny.list"), new ManualClock());

        var content = await list.ReadAsync(default);

        Assert.Equal(["192.0.2.1", "192.0.2.9"], content.Entries);
        Assert.Equal(
            [
                "deny.list:3: expected one IP address; got \"not an address\". The line is kept.",
                "deny.list:5: expected one IP address; got \"203.0.113.0/24\". The line is kept.",
                "deny.list:6: expected one IP address; got \"1.2\". The line is kept.",
                "deny.list:7: expected one IP address; got \"\\u001B[2J\". The line is kept.",
            ],
            content.Faults.Select(fault => fault.ToString()));
    }

    [Fact]
    public async Task Ends_a_last_line_that_somebody_left_open()
    {
        using var world = new World();
        world.Write("deny.list", Encoding.UTF8.GetBytes("192.0.2.1"));
        var list = new DenyListFile(world.Path_("deny.list"), new ManualClock());

        await list.AddAsync(Address, "r-1", default);

        Assert.Equal("192.0.2.1\n198.51.100.7  # run r-1, since 2025-03-04T09:00:00Z\n", world.Read("deny.list"));
    }

    [Fact]
    public async Task Sees_what_others_wrote_since()
    {
        using var world = new World();
        var list = new DenyListFile(world.Path_("deny.list"), new ManualClock());
        await list.AddAsync(Address, "r-1", default);

        world.Write("deny.list", "192.0.2.1");

        Assert.False(await list.ContainsAsync(Address, default));
        Assert.True(await list.ContainsAsync(IPAddress.Parse("192.0.2.1"), default));
        File.Delete(world.Path_("deny.list"));
        Assert.Empty((await list.ReadAsync(default)).Entries);
    }

    [Fact]
    public async Task Loses_nothing_to_writers_at_the_same_time()
    {
        using var world = new World();
        var addresses = Enumerable.Range(1, 40).Select(n => IPAddress.Parse($"192.0.2.{n}")).ToList();

        // Two objects, as two workers of one host have; every address is added by both.
        DenyListFile[] lists = [new(world.Path_("deny.list"), TimeProvider.System), new(world.Path_("deny.list"), TimeProvider.System)];
        var added = await Task.WhenAll(lists.SelectMany(list => addresses.Select(address => Task.Run(() => list.AddAsync(address, "r-1", default)))));

        Assert.Equal(40, added.Count(was => was));
        Assert.Equal(addresses.Select(address => address.ToString()).Order(), (await lists[0].ReadAsync(default)).Entries.Order());
    }

    [Fact]
    public async Task Waits_for_another_process_that_is_writing()
    {
        using var world = new World();
        var clock = new ManualClock();
        var list = new DenyListFile(world.Path_("deny.list"), clock);
        Task<bool> adding;
        using (new FileStream(world.Path_("deny.list.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            adding = list.AddAsync(Address, "r-1", default);
            Assert.False(adding.IsCompleted);
        }
        clock.Advance(TimeSpan.FromMilliseconds(20));

        Assert.True(await adding);
    }

    [Fact]
    public async Task Says_when_another_process_does_not_let_go()
    {
        using var world = new World();
        var clock = new ManualClock();
        var path = world.Path_("deny.list");
        var list = new DenyListFile(path, clock);
        using var other = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

        var adding = list.AddAsync(Address, "r-1", default);
        clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(
            $"{path} has been locked by another process for 10 s ({path}.lock). Nothing was written; end that process or try again.",
            (await Assert.ThrowsAsync<IOException>(() => adding)).Message);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Is_not_harmed_by_what_a_crash_left_behind()
    {
        using var world = new World();
        world.Write("deny.list", "192.0.2.1");
        world.Write("deny.list.new", "half a li");
        world.Write("deny.list.lock");
        var list = new DenyListFile(world.Path_("deny.list"), new ManualClock());

        Assert.False(await list.ContainsAsync(Address, default));
        await list.AddAsync(Address, "r-1", default);

        Assert.Equal("192.0.2.1\n198.51.100.7  # run r-1, since 2025-03-04T09:00:00Z\n", world.Read("deny.list"));
        Assert.False(File.Exists(world.Path_("deny.list.new")));
    }

    [Fact]
    public async Task Keeps_its_permissions_and_its_link()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes, and links need a privilege there.");
            return;
        }
        using var world = new World();
        world.Write("real.list", "192.0.2.1");
        File.SetUnixFileMode(world.Path_("real.list"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.CreateSymbolicLink(world.Path_("deny.list"), "real.list");

        await new DenyListFile(world.Path_("deny.list"), new ManualClock()).AddAsync(Address, "r-1", default);

        Assert.NotNull(new FileInfo(world.Path_("deny.list")).LinkTarget);
        Assert.Contains("198.51.100.7", world.Read("real.list"), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(world.Path_("real.list")));
    }

    [Fact]
    public async Task Takes_no_second_line_from_a_runs_name()
    {
        using var world = new World();

        await new DenyListFile(world.Path_("deny.list"), new ManualClock()).AddAsync(Address, "r\n10.0.0.1 #ü", default);

        Assert.Equal("198.51.100.7  # run r\\u000A10.0.0.1 ??, since 2025-03-04T09:00:00Z\n", world.Read("deny.list"));
    }
}

public sealed class A_list_of_disabled_accounts
{
    [Fact]
    public async Task Keeps_an_account_for_each_host()
    {
        using var world = new World();
        world.Write("disabled.accounts", "gate-1\tbob", "gate-1", "db-1 bob too");
        var list = new DisabledAccountsFile(world.Path_("disabled.accounts"), new ManualClock());

        Assert.False(await list.AddAsync("gate-1", "bob", "r-1", default));
        Assert.True(await list.AddAsync("db-1", "bob", "r-1", default));
        Assert.True(await list.RemoveAsync("gate-1", "bob", default));

        Assert.Equal("gate-1\ndb-1 bob too\ndb-1 bob  # run r-1, since 2025-03-04T09:00:00Z\n", world.Read("disabled.accounts"));
        Assert.True(await list.ContainsAsync("db-1", "bob", default));
        Assert.Equal(
            ["disabled.accounts:1: expected a host and an account; got \"gate-1\". The line is kept.", "disabled.accounts:2: expected a host and an account; got \"db-1 bob too\". The line is kept."],
            (await list.ReadAsync(default)).Faults.Select(fault => fault.ToString()));
    }

    [Theory]
    [InlineData("bob\nalice")]
    [InlineData("bob #")]
    [InlineData("")]
    public async Task Refuses_a_name_that_is_more_than_a_word(string account)
    {
        using var world = new World();
        var list = new DisabledAccountsFile(world.Path_("disabled.accounts"), new ManualClock());

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => list.AddAsync("gate-1", account, "r-1", default));

        Assert.StartsWith("The account must be one word of printable ASCII without '#'; got \"", refused.Message, StringComparison.Ordinal);
    }
}

public sealed class The_decisions_file
{
    [Fact]
    public async Task Holds_one_object_an_alert_and_replaces_the_last_one_whole()
    {
        using var world = new World();
        world.Write("decisions.jsonl", "old");
        world.Write("decisions.jsonl.new", "left by a crash");

        await DecisionsFile.WriteAsync(
            world.Path_("decisions.jsonl"),
            [
                new("a-1", Decision.BlockIp, 0.95, "fast", "r-1", ["It isn't staff.", "\u001b[2J\u009b"]) { Model = "offline-fast", Cost = 0.0012m },
                new("a-2", Decision.Close, 0.5, "fast", "r-2", []) { WaitsFor = "a person" },
            ],
            default);

        Assert.Equal(
            """
            {"id":"a-1","decision":"block_ip","confidence":0.95,"decided_by":"fast","run":"r-1","reasons":["It isn't staff.","\u001B[2J\u009B"],"model":"offline-fast","cost":0.0012}
            {"id":"a-2","decision":"escalate","confidence":0.5,"decided_by":"fast","run":"r-2","reasons":[],"model":null,"cost":0}

            """,
            world.Read("decisions.jsonl"));
        Assert.False(File.Exists(world.Path_("decisions.jsonl.new")));
    }
}

public sealed class The_summary
{
    [Fact]
    public void Says_what_was_decided_by_whom_what_waits_what_was_wrong_and_what_to_do_next()
    {
        var text = Summary.Format(
            [
                new("own-01", Decision.Close, 0.93, "fast", "r-1", ["A scanner."]),
                new("own-02", Decision.BlockIp, 0.96, "fast", "r-2", ["Listed."]) { WasSoAlready = true },
                new("own-03", Decision.Close, 1, "maria", "r-3", ["It was me."]),
                new("own-08", Decision.Escalate, 0.75, "fast", "r-8", ["192.0.2.201, an unknown address outside, logged in as \u001b[2Jbob with password, and nothing proves it."]) { WaitsFor = "a person", Choices = ["close", "block_ip"] },
                new("own-09", Decision.Escalate, 0.75, "fast", "r-9", ["The run is Held in Execute (action_in_doubt): the list cannot be read."]) { WaitsFor = "an operator" },
            ],
            new AgentFigures(),
            [
                new("alerts.jsonl", 3, "source_ip must be an IP address; got \"192.0.2.700\". The line is skipped."),
                new("alerts.jsonl", 5, "unknown field \"colour\"; known are id, time, as_of, site, host, rule, severity, summary, source_ip. The field is ignored."),
                new("feed.csv", null, "the file is missing; the threat feed is not available."),
            ],
            TimeSpan.FromSeconds(1.234),
            [
                new("signalbox approvals", "what waits for you"),
                new("signalbox runs --store signalbox.db", "every run and what became of it"),
            ]);

        Assert.Equal(
            """
            5 alerts in 1.2 s: 3 decided, 1 waiting for a person, 1 stopped and waiting for an operator.

              close                2
              block_ip             1   (1 of them found done already, and verified)
              disable_account      0
              escalate             2

            Decided by
              fast                                         2
              maria                                        1

            Waiting for a person
              own-08                  r-8              close, block_ip?
                  192.0.2.201, an unknown address outside, logged in as \u001B[2Jbob with password, and nothing
                  proves it.

            Waiting for an operator
              own-09                  r-9
                  The run is Held in Execute (action_in_doubt): the list cannot be read.

            2 faults in alerts.jsonl
              alerts.jsonl:3: source_ip must be an IP address; got "192.0.2.700". The line is skipped.
              alerts.jsonl:5: unknown field "colour"; known are id, time, as_of, site, host, rule, severity,
                  summary, source_ip. The field is ignored.

            1 fault in feed.csv
              feed.csv: the file is missing; the threat feed is not available.

            Next
              signalbox approvals                  what waits for you
              signalbox runs --store signalbox.db  every run and what became of it

            """,
            text);
    }

    [Fact]
    public void Stays_within_100_columns_and_a_screen_or_two_and_holds_no_control_character()
    {
        var alerts = Enumerable.Range(1, 500).Select(n => new DecidedAlert(
            $"alert-with-a-rather-long-name-{n}", Decision.Escalate, 0.5, "fast", "r-" + new string('7', 60), [new string('x', 300) + "\u001b"])
        {
            WaitsFor = "a person",
        });
        var faults = Enumerable.Range(1, 500).Select(n => new Fault("events.jsonl", n, string.Join(' ', Enumerable.Repeat("word", 60))));

        var lines = Summary.Format([.. alerts], new AgentFigures(), [.. faults], TimeSpan.FromSeconds(754), [new("signalbox approvals --store " + new string('s', 80), "what waits for you")]).Split('\n');

        Assert.Equal("500 alerts in 12 min 34 s: 0 decided, 500 waiting for a person.", lines[0]);
        Assert.All(lines.Where(line => !line.Contains("--store", StringComparison.Ordinal)), line => Assert.InRange(line.Length, 0, 100));
        Assert.InRange(lines.Length, 20, 60);
        Assert.Contains("  and 490 more", lines);
        Assert.Contains("  and 495 more", lines);
        Assert.DoesNotContain(lines, line => line.Any(char.IsControl));
    }

    [Fact]
    public void Of_nothing_is_one_line() =>
        Assert.Equal("0 alerts in 0.0 s: 0 decided, 0 waiting for a person.\n", Summary.Format([], new AgentFigures(), [], TimeSpan.Zero, []));
}
