using System.Globalization;
using System.Text.RegularExpressions;

namespace SecurityAlerts;

/// <summary>
/// Reads what sshd, sudo, su and useradd write to a machine's own log (syslog times such as <c>Mar  3 08:10:02</c>, or RFC 3339), as events. Other programs' lines are no business of ours; a line that is no log line at all is a fault.
/// Text from outside: who guesses at passwords chooses the names that stand in these lines. So each pattern covers its whole line, and takes the last address, which sshd itself wrote.
/// </summary>
internal static partial class SshLog
{
    private const int BytesMax = 256 * 1024 * 1024;
    private const int LineBytesMax = 16 * 1024;

    /// <summary>The events of a log in order. <paramref name="writtenAt"/> tells the year of times that have none: the latest in which no line lies more than a day after it.</summary>
    public static List<LogEvent> Read(byte[] log, string file, DateTimeOffset writtenAt, List<Fault> faults)
    {
        if (log.Length > BytesMax)
        {
            faults.Add(new(file, null, $"the log has {log.Length} bytes; at most {BytesMax} are read. Rotate it, or give the part that matters."));
            return [];
        }

        var lines = new List<(int Number, LogLine Line)>();
        foreach (var (number, bytes) in InputFolder.Lines(log))
        {
            if (bytes.Length > LineBytesMax)
            {
                faults.Add(new(file, number, $"the line has {bytes.Length} bytes; at most {LineBytesMax} are read.{InputFolder.LineSkipped}"));
                continue;
            }

            // A log holds whatever bytes a stranger sent as a name: they are kept as replacement characters.
            var text = System.Text.Encoding.UTF8.GetString(bytes.Span);
            if (LogLine.TryParse(text) is { } line)
            {
                lines.Add((number, line));
            }
            else
            {
                faults.Add(new(file, number, $"expected a log line that begins with a time and a host; got \"{InputFolder.Show(text)}\".{InputFolder.LineSkipped}"));
            }
        }

        return [.. WithYears(lines, writtenAt).Select(dated => EventOf(dated.Number, dated.Line, dated.Time)).OfType<LogEvent>()];
    }

    /// <summary>Read backwards, since the last line is the one whose year is known: where the day of the year rises, the year before begins.</summary>
    private static (int Number, LogLine Line, DateTimeOffset Time)[] WithYears(List<(int Number, LogLine Line)> lines, DateTimeOffset writtenAt)
    {
        var dated = new (int, LogLine, DateTimeOffset)[lines.Count];
        var next = writtenAt;
        for (var i = lines.Count - 1; i >= 0; i--)
        {
            var line = lines[i].Line;
            var time = line.Time ?? InYear(line, next.Year);
            if (line.Time is null && time > next + TimeSpan.FromDays(1))
            {
                time = InYear(line, next.Year - 1);
            }

            dated[i] = (lines[i].Number, line, time);
            next = time;
        }

        return dated;
    }

    private static DateTimeOffset InYear(LogLine line, int year)
    {
        // The 29th of February belongs to the last year that had one.
        while (line.Month == 2 && line.Day == 29 && !DateTime.IsLeapYear(year))
        {
            year--;
        }

        return new DateTimeOffset(year, line.Month, line.Day, 0, 0, 0, TimeSpan.Zero) + line.TimeOfDay;
    }

    private static LogEvent? EventOf(int number, LogLine line, DateTimeOffset time)
    {
        var (text, repeats) = Repeated().Match(line.Message) is { Success: true } again
            ? (again.Groups["line"].Value, int.Parse(again.Groups["n"].Value, CultureInfo.InvariantCulture))
            : (line.Message, 1);
        return line.Program switch
        {
            "sshd" or "sshd-session" or "sshd-auth" => OfSshd(text) is { } found ? found with { Site = line.Host, Seq = number, Time = time, Raw = line.Raw, Repeats = repeats } : null,
            "sudo" when Sudo().Match(text) is { Success: true } sudo => Privilege(sudo.Groups["user"].Value, sudo.Groups["target"].Value, sudo.Groups["command"].Value),
            "su" when Su().Match(text) is { Success: true } su => Privilege(su.Groups["user"].Value, su.Groups["target"].Value, "su"),
            "useradd" when NewUser().Match(text) is { Success: true } added => Event("account_created") with { User = added.Groups["user"].Value, AccountId = long.Parse(added.Groups["uid"].Value, CultureInfo.InvariantCulture) },
            _ => null,
        };

        LogEvent Event(string type) => Empty(type) with { Site = line.Host, Seq = number, Time = time, Raw = line.Raw, Repeats = repeats };

        LogEvent Privilege(string user, string target, string command) => Event("priv") with { User = user, Target = target, Command = command };
    }

    private static LogEvent? OfSshd(string text)
    {
        if (Accepted().Match(text) is { Success: true } accepted)
        {
            return Of("auth_ok", accepted) is { } login ? login with { Method = accepted.Groups["method"].Value, Key = accepted.Groups["key"] is { Success: true } key ? key.Value : null } : null;
        }

        if (Failed().Match(text) is { Success: true } failed)
        {
            return Of("auth_failed", failed) is { } attempt ? attempt with { Method = failed.Groups["method"].Value, UserExists = !failed.Groups["invalid"].Success } : null;
        }

        if (Exhausted().Match(text) is { Success: true } exhausted)
        {
            return Of("auth_failed", exhausted) is { } attempts ? attempts with { Method = "too_many_attempts", UserExists = !exhausted.Groups["invalid"].Success } : null;
        }

        if (GaveUp().Match(text) is { Success: true } gaveUp)
        {
            return Of("auth_failed", gaveUp) is { } attempt ? attempt with { Method = "preauth_closed", UserExists = true } : null;
        }

        return InvalidUser().Match(text) is { Success: true } invalid ? Of("invalid_user", invalid)
            : Probe().Match(text) is { Success: true } probe ? Of("probe", probe)
            : null;
    }

    private static LogEvent? Of(string type, Match match) => AddressText.TryParse(match.Groups["ip"].Value, out var address)
        ? Empty(type) with { SourceIp = AddressText.Of(address), User = match.Groups["user"].Value is { Length: > 0 } user ? user : null }
        : null;

    private static LogEvent Empty(string type) => new("", 0, default, type, "", null, null, null, null, null, 1, null, null);

    [GeneratedRegex(@"^message repeated (?<n>[0-9]{1,6}) times: \[ (?<line>.*)\]$", RegexOptions.ExplicitCapture)]
    private static partial Regex Repeated();

    [GeneratedRegex(@"^Accepted (?<method>[a-z/-]+) for (?<user>.*) from (?<ip>\S+) port [0-9]+ ssh2(: (?<key>\S+ \S+))?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Accepted();

    [GeneratedRegex(@"^Failed (?<method>[a-z/-]+) for (?<invalid>invalid user )?(?<user>.*) from (?<ip>\S+) port [0-9]+ ssh2(: \S+ \S+)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Failed();

    [GeneratedRegex(@"^(error: )?maximum authentication attempts exceeded for (?<invalid>invalid user )?(?<user>.*) from (?<ip>\S+) port [0-9]+ ssh2( \[preauth\])?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Exhausted();

    [GeneratedRegex(@"^(Connection (closed|reset) by|Disconnected from) authenticating user (?<user>.*) (?<ip>\S+) port [0-9]+ \[preauth\]$", RegexOptions.ExplicitCapture)]
    private static partial Regex GaveUp();

    [GeneratedRegex(@"^Invalid user (?<user>.*) from (?<ip>\S+?)( port [0-9]+)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex InvalidUser();

    [GeneratedRegex(@"^(Connection (closed|reset) by (?<ip>\S+)( port [0-9]+)? \[preauth\]|Received disconnect from (?<ip>\S+?):? port [0-9]+:.*\[preauth\]|Did not receive identification string from (?<ip>\S+)( port [0-9]+)?|Bad protocol version identification '.*' from (?<ip>\S+)( port [0-9]+)?|(fatal: )?Unable to negotiate with (?<ip>\S+) port [0-9]+: .*|banner exchange: Connection from (?<ip>\S+) port [0-9]+: .*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Probe();

    [GeneratedRegex(@"^ *(?<user>\S+) : (TTY=\S+ ; )?PWD=.* ; USER=(?<target>\S+) ; (ENV=.* ; )?COMMAND=(?<command>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Sudo();

    [GeneratedRegex(@"^(Successful su for (?<target>\S+) by (?<user>\S+)|\(to (?<target>\S+)\) (?<user>\S+) on \S+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Su();

    [GeneratedRegex(@"^new user: name=(?<user>[^,]+), UID=(?<uid>[0-9]{1,10}), .*$", RegexOptions.ExplicitCapture)]
    private static partial Regex NewUser();
}

/// <summary>One line of a system log. <see cref="Time"/> is null where the line says no year.</summary>
internal sealed partial record LogLine(string Raw, DateTimeOffset? Time, int Month, int Day, TimeSpan TimeOfDay, string Host, string Program, string Message)
{
    private static readonly string[] Months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    public static LogLine? TryParse(string text)
    {
        if (Syslog().Match(text) is { Success: true } syslog)
        {
            var month = Array.IndexOf(Months, syslog.Groups["month"].Value) + 1;
            var day = Number(syslog, "day");
            var (hour, minute, second) = (Number(syslog, "h"), Number(syslog, "m"), Number(syslog, "s"));
            return month == 0 || day < 1 || day > DateTime.DaysInMonth(2024, month) || hour > 23 || minute > 59 || second > 60 ? null
                : new(text, null, month, day, new TimeSpan(hour, minute, Math.Min(second, 59)), syslog.Groups["host"].Value, syslog.Groups["program"].Value, syslog.Groups["message"].Value);
        }

        return Rfc3339().Match(text) is { Success: true } dated
            && DateTimeOffset.TryParse(dated.Groups["time"].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? new(text, time, time.Month, time.Day, time.TimeOfDay, dated.Groups["host"].Value, dated.Groups["program"].Value, dated.Groups["message"].Value)
            : null;
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<month>[A-Z][a-z]{2}) +(?<day>[0-9]{1,2}) (?<h>[0-9]{2}):(?<m>[0-9]{2}):(?<s>[0-9]{2}) (?<host>\S+) (?<program>[^\s:\[]+)(\[[0-9]+\])?: ?(?<message>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Syslog();

    [GeneratedRegex(@"^(?<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})) (?<host>\S+) (?<program>[^\s:\[]+)(\[[0-9]+\])?: ?(?<message>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Rfc3339();
}
