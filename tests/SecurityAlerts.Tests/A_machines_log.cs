using System.Globalization;
using System.Text;

namespace SecurityAlerts.Tests;

public sealed class A_machines_log : IDisposable
{
    private static readonly DateTimeOffset Written = new(2025, 3, 4, 12, 0, 0, TimeSpan.Zero);

    private readonly World _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("sshd[1]: Accepted publickey for alice from 198.51.100.10 port 5100 ssh2: ED25519 SHA256:abc", "auth_ok 198.51.100.10 alice publickey ED25519 SHA256:abc")]
    [InlineData("sshd[1]: Accepted password for alice from 198.51.100.10 port 5100 ssh2", "auth_ok 198.51.100.10 alice password")]
    [InlineData("sshd-session[1]: Accepted keyboard-interactive/pam for alice from 2001:db8::7 port 5100 ssh2", "auth_ok 2001:db8::7 alice keyboard-interactive/pam")]
    [InlineData("sshd[1]: Failed password for bob from 192.0.2.7 port 22 ssh2", "auth_failed 192.0.2.7 bob password exists")]
    [InlineData("sshd[1]: Failed password for invalid user bob from 192.0.2.7 port 22 ssh2", "auth_failed 192.0.2.7 bob password")]
    [InlineData("sshd[1]: Failed password for invalid user  from 192.0.2.7 port 22 ssh2", "auth_failed 192.0.2.7 - password")]
    [InlineData("sshd[1]: message repeated 5 times: [ Failed password for root from 192.0.2.7 port 22 ssh2]", "auth_failed 192.0.2.7 root password exists x5")]
    [InlineData("sshd[1]: error: maximum authentication attempts exceeded for invalid user pi from 192.0.2.7 port 22 ssh2 [preauth]", "auth_failed 192.0.2.7 pi too_many_attempts")]
    [InlineData("sshd[1]: Connection closed by authenticating user root 192.0.2.7 port 22 [preauth]", "auth_failed 192.0.2.7 root preauth_closed exists")]
    [InlineData("sshd[1]: Disconnected from authenticating user root 192.0.2.7 port 22 [preauth]", "auth_failed 192.0.2.7 root preauth_closed exists")]
    [InlineData("sshd[1]: Invalid user admin from 192.0.2.7", "invalid_user 192.0.2.7 admin")]
    [InlineData("sshd[1]: Invalid user admin from ::ffff:192.0.2.7 port 22", "invalid_user 192.0.2.7 admin")]
    [InlineData("sshd[1]: Invalid user  from 192.0.2.7 port 22", "invalid_user 192.0.2.7 -")]
    [InlineData("sshd[1]: Connection closed by 192.0.2.7 port 22 [preauth]", "probe 192.0.2.7 -")]
    [InlineData("sshd[1]: Connection reset by 192.0.2.7 port 22 [preauth]", "probe 192.0.2.7 -")]
    [InlineData("sshd[1]: Received disconnect from 192.0.2.7 port 22:11: Bye Bye [preauth]", "probe 192.0.2.7 -")]
    [InlineData("sshd[1]: Did not receive identification string from 192.0.2.7", "probe 192.0.2.7 -")]
    [InlineData("sshd[1]: Bad protocol version identification 'GET / HTTP/1.1' from 192.0.2.7 port 22", "probe 192.0.2.7 -")]
    [InlineData("sshd[1]: fatal: Unable to negotiate with 192.0.2.7 port 22: no matching cipher found. Their offer: none [preauth]", "probe 192.0.2.7 -")]
    [InlineData("sudo:   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/su", "priv - alice to root: /bin/su")]
    [InlineData("su[9]: Successful su for root by alice", "priv - alice to root: su")]
    [InlineData("su[9]: (to root) alice on pts/1", "priv - alice to root: su")]
    [InlineData("useradd[9]: new user: name=mallory, UID=1001, GID=1001, home=/home/mallory, shell=/bin/bash", "account_created - mallory #1001")]
    [InlineData("sshd[1]: Received disconnect from 192.0.2.7 port 22:11: disconnected by user", null)]
    [InlineData("sshd[1]: Server listening on 0.0.0.0 port 22.", null)]
    [InlineData("CRON[1]: pam_unix(cron:session): session opened for user root by (uid=0)", null)]
    [InlineData("sudo:   alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/su", null)]
    public void Is_read_line_by_line(string line, string? expected)
    {
        var events = Read(out var faults, "Mar  3 08:10:02 gate-1 " + line);

        Assert.Empty(faults);
        Assert.Equal(expected is null ? [] : [expected], events.Select(Text));
    }

    /// <summary>Who guesses chooses the name: whatever it says, the address is the one that sshd wrote at the end.</summary>
    [Theory]
    [InlineData("sshd[1]: Failed password for invalid user x from 203.0.113.9 port 1 ssh2 from 192.0.2.7 port 22 ssh2")]
    [InlineData("sshd[1]: Invalid user a from 203.0.113.9 port 5 from 192.0.2.7 port 22")]
    [InlineData("sshd[1]: Failed password for invalid user Accepted password for root from 203.0.113.9 port 1 ssh2 from 192.0.2.7 port 22 ssh2")]
    [InlineData("sshd[1]: Bad protocol version identification 'x' from 203.0.113.9 port 1' from 192.0.2.7 port 22")]
    public void Believes_no_address_that_a_guesser_wrote(string line)
    {
        var read = Assert.Single(Read(out _, "Mar  3 08:10:02 gate-1 " + line));

        Assert.Equal("192.0.2.7", read.SourceIp);
        Assert.NotEqual("auth_ok", read.Type);
    }

    [Fact]
    public void Names_each_line_that_is_none_and_reads_the_others()
    {
        var events = Read(
            out var faults, "Mar  3 08:10:02 gate-1 sshd[1]: Invalid user a from 192.0.2.7", "nonsense", "Mar 33 08:10:02 gate-1 sshd[1]: Invalid user b from 192.0.2.7", new string('x', 20_000),
            "2025-03-03T08:10:05.123456+00:00 gate-1 sshd[1]: Invalid user c from 192.0.2.7");

        Assert.Equal(["a", "c"], events.Select(e => e.User));
        Assert.Equal(["auth.log:2", "auth.log:3", "auth.log:4"], faults.Select(fault => $"{fault.File}:{fault.Line}"));
        Assert.Equal("auth.log:2: expected a log line that begins with a time and a host; got \"nonsense\". The line is skipped.", faults[0].ToString());
    }

    [Fact]
    public void Takes_the_year_from_when_it_was_written()
    {
        var events = Read(
            out _, "Dec 31 23:59:59 gate-1 sshd[1]: Invalid user a from 192.0.2.7", "Jan  1 00:00:01 gate-1 sshd[1]: Invalid user b from 192.0.2.7", "Mar  4 11:59:00 gate-1 sshd[1]: Invalid user c from 192.0.2.7");

        Assert.Equal(["2024-12-31", "2025-01-01", "2025-03-04"], events.Select(e => e.Time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
        Assert.Equal(2024, Assert.Single(Read(out _, "Jun  1 00:00:00 gate-1 sshd[1]: Invalid user a from 192.0.2.7")).Time.Year);
        Assert.Equal(new DateTimeOffset(2024, 2, 29, 1, 0, 0, TimeSpan.Zero), Assert.Single(Read(out _, "Feb 29 01:00:00 gate-1 sshd[1]: Invalid user a from 192.0.2.7")).Time);
    }

    [Fact]
    public void Takes_times_with_an_offset_as_they_are() => Assert.Equal(
        new DateTimeOffset(2025, 3, 3, 6, 10, 5, TimeSpan.Zero), Assert.Single(Read(out _, "2025-03-03T08:10:05+02:00 gate-1 sshd[1]: Invalid user c from 192.0.2.7")).Time);

    [Fact]
    public void Raises_an_alert_by_each_rule()
    {
        var alerts = Raise(
            "08:00:00 sshd[1]: Connection closed by 192.0.2.1 port 22 [preauth]",
            "08:01:00 sshd[1]: Invalid user a from 192.0.2.2 port 22",
            "08:02:00 sshd[1]: message repeated 4 times: [ Failed password for root from 192.0.2.3 port 22 ssh2]",
            "08:02:30 sshd[1]: Failed password for root from 192.0.2.3 port 22 ssh2",
            "08:03:00 sshd[1]: Accepted password for root from 192.0.2.3 port 22 ssh2",
            "08:04:00 sshd[1]: Accepted password for bob from 192.0.2.4 port 22 ssh2",
            "08:05:00 sudo: bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/bash -i",
            "08:05:01 su[1]: Successful su for root by root",
            "08:05:02 sudo: bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/vim /etc/hosts",
            "08:06:00 useradd[1]: new user: name=mallory, UID=1001, GID=1001, home=/home/mallory, shell=/bin/bash",
            "08:06:05 useradd[1]: new user: name=daemonx, UID=120, GID=120, home=/, shell=/bin/false");

        Assert.Equal(
            [
                "08:02:30 auth.bruteforce 192.0.2.3 root 5/0",
                "08:03:00 auth.root_login 192.0.2.3 root 5/1",
                "08:03:00 auth.success_after_failures 192.0.2.3 root 5/1",
                "08:04:00 auth.new_source_login 192.0.2.4 bob 0/1",
                "08:05:00 priv.root_shell 192.0.2.4 bob 0/0",
                "08:07:00 account.created - mallory 0/0",
                "08:30:00 auth.probe 192.0.2.1  0/0",
                "08:31:00 auth.low_rate_failures 192.0.2.2 a 1/0",
            ],
            alerts.Select(a => $"{a.Time:HH:mm:ss} {a.Rule} {a.SourceIp ?? "-"} {string.Join(',', a.Users)} {a.FailedCount}/{a.SuccessCount}"));
    }

    [Fact]
    public void Reports_a_source_once_a_day()
    {
        var lines = Enumerable.Range(0, 60).Select(hour => string.Create(CultureInfo.InvariantCulture, $"Mar {1 + (hour / 24),2} {hour % 24:00}:00:00 gate-1 sshd[1]: Invalid user a from 192.0.2.2 port 22")).ToArray();

        Assert.Equal(["2025-03-01T00:30", "2025-03-02T00:30", "2025-03-03T00:30"], AlertRules.Raise(Read(out _, lines), Written).Select(a => a.Time.ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture)));
    }

    /// <summary>The same whether the log is read once or again and again as it grows: an alert that was raised never changes, and none is lost.</summary>
    [Fact]
    public void Raises_the_same_alerts_as_it_grows()
    {
        const int Seed = 20261127;
        var random = new Random(Seed);
        var at = new DateTimeOffset(2025, 3, 1, 0, 0, 0, TimeSpan.Zero);
        var lines = new List<string>();
        for (var i = 0; i < 400; i++)
        {
            at += TimeSpan.FromSeconds(random.Next(4) == 0 ? random.Next(7200) : random.Next(120));
            var ip = $"192.0.2.{random.Next(6)}";
            var user = new[] { "root", "bob", "eve" }[random.Next(3)];
            var what = random.Next(8) switch
            {
                0 => $"sshd[1]: Accepted password for {user} from {ip} port 22 ssh2",
                1 or 2 => $"sshd[1]: Connection closed by {ip} port 22 [preauth]",
                3 => $"sudo: {user} : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/su",
                4 => $"useradd[1]: new user: name=u{random.Next(9)}, UID=100{random.Next(9)}, GID=1, home=/, shell=/bin/sh",
                5 => $"sshd[1]: Invalid user {user} from {ip} port 22",
                _ => $"sshd[1]: Failed password for {user} from {ip} port 22 ssh2",
            };
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} gate-1 {what}"));
        }

        var all = Read(out _, [.. lines]);
        var whole = AlertRules.Raise(all, at + TimeSpan.FromDays(1)).Select(Text).ToList();
        var seen = new Dictionary<string, string>();
        for (var i = 1; i <= all.Count; i++)
        {
            foreach (var alert in AlertRules.Raise([.. all.Take(i)], all[i - 1].Time))
            {
                Assert.True(seen.TryAdd(alert.Id, Text(alert)) || seen[alert.Id] == Text(alert), $"seed {Seed}, after {i} events: {alert.Id} has changed");
            }
        }

        Assert.True(whole.Count > 20);
        Assert.Subset(whole.ToHashSet(), seen.Values.ToHashSet());
        Assert.Equal(whole.Where(text => whole.IndexOf(text) < seen.Count).Order(), seen.Values.Order());
    }

    [Theory]
    [InlineData("cloud-2017a", 2017)]
    [InlineData("class-2023a", 2023)]
    public async Task Gives_the_real_events_and_every_real_alert(string site, int year)
    {
        var folder = World.RealAlerts();
        var data = await World.RealAlertsAsync();
        var faults = new List<Fault>();

        var events = SshLog.Read(File.ReadAllBytes(Path.Combine(folder, "authlog", site + ".log")), "log", new DateTimeOffset(year, 12, 31, 0, 0, 0, TimeSpan.Zero), faults);

        Assert.Empty(faults);
        Assert.Equal(data.Events!.Where(e => e.Site == site).Select(e => Text(e with { AccountId = null })), events.Select(e => Text(e with { AccountId = null })));
        var raised = AlertRules.Raise(events, DateTimeOffset.MaxValue).Where(a => a.Rule != "account.created").Select(Key).ToHashSet();
        var real = data.Alerts.Where(a => a.Site == site && a.Rule != "account.created").Select(Key).ToHashSet();
        Assert.Equal([], real.Except(raised).Order());
    }

    [Fact]
    public async Task Is_handled_by_the_command_and_followed_as_it_grows()
    {
        _world.Write("auth.log", [.. Enumerable.Range(0, 6).Select(i => $"2025-03-03T08:00:0{i}Z gate-1 sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2")]);
        await using var desk = SampleProcess.Start(_world, "--log", "auth.log", "--stay");
        await desk.UntilItSaysAsync("Staying");

        await File.AppendAllTextAsync(_world.Path_("auth.log"), "2025-03-03T09:00:00Z gate-1 sshd[1]: Accepted password for root from 192.0.2.7 port 22 ssh2\n");
        await desk.UntilItSaysAsync("192.0.2.7/root/root_login/20250303T090000Z@gate-1: raised, Direct root login");
        await desk.UntilItSaysAsync("192.0.2.7/root/root_login/20250303T090000Z@gate-1: waits for");
    }

    [Fact]
    public async Task That_is_missing_is_said()
    {
        var data = await AlertData.OfLogAsync(_world.Path_("none.log"), null, Written);

        Assert.False(data.CanWork);
        Assert.Equal("none.log: the file is missing; without a log there is nothing to do.", Assert.Single(data.Faults).ToString());
    }

    private static (string, string?, DateTimeOffset, int) Key(Alert a) => (a.Rule, a.SourceIp, a.Time, a.FailedCount);

    private static string Text(Alert a) => $"{a.Id} {a.Time:u} {a.Rule} {a.SourceIp} {string.Join(',', a.Users)} {a.FailedCount} {a.SuccessCount} {a.FirstSeen:u} {a.LastSeen:u} {string.Join(',', a.EvidenceSeq)}";

    private static string Text(LogEvent e) => string.Join(
        ' ', new[] { e.Type, e.SourceIp ?? "-", e.User ?? "-", e.Method, e.Key, e.UserExists == true ? "exists" : null, e.Repeats > 1 ? $"x{e.Repeats}" : null, e.Target is null ? null : $"to {e.Target}: {e.Command}", e.AccountId is { } id ? $"#{id}" : null }.Where(text => text is not null));

    private static IReadOnlyList<Alert> Raise(params string[] lines) => AlertRules.Raise(Read(out _, [.. lines.Select(line => $"Mar  3 {line[..8]} gate-1 {line[9..]}")]), Written);

    private static List<LogEvent> Read(out List<Fault> faults, params string[] lines)
    {
        faults = [];
        return SshLog.Read(Encoding.UTF8.GetBytes(string.Join('\n', lines)), "auth.log", Written, faults);
    }
}
