using System.Globalization;

namespace SecurityAlerts;

/// <summary>
/// Raises alerts from a machine's events. What a source or an account has been reported for is not reported again for a day. The same events give the same alerts under the same ids, and later events change
/// none that is raised already: so a log that grows may be read again and again.
/// </summary>
internal static class AlertRules
{
    private const int BruteForceFailures = 5;
    private const int EvidenceMax = 10;

    private static readonly TimeSpan BruteForceWithin = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan BurstEndsAfter = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan FailuresCountFor = TimeSpan.FromHours(24);
    private static readonly TimeSpan QuietFor = TimeSpan.FromHours(24);
    private static readonly TimeSpan JudgedAfter = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CreatedTogether = TimeSpan.FromMinutes(1);
    private static readonly HashSet<string> Shells = new(StringComparer.Ordinal) { "su", "sh", "bash", "dash", "zsh", "ksh", "fish" };
    private static readonly HashSet<string> ShellOptions = new(StringComparer.Ordinal) { "-", "-i", "-l", "--login", "root" };

    /// <summary>The alerts of one machine's events (in order of time) that are due by <paramref name="now"/>, in order of time.</summary>
    public static IReadOnlyList<Alert> Raise(IReadOnlyList<LogEvent> events, DateTimeOffset now)
    {
        var raised = events.Where(e => e.SourceIp is not null).GroupBy(e => e.SourceIp!).SelectMany(OfSource).Concat(OfRoot(events)).Concat(OfAccounts(events));
        return [.. WithoutRepetitions(raised.OrderBy(alert => alert.Time).ThenBy(alert => alert.EvidenceSeq[^1])).Where(alert => alert.Time <= now)];
    }

    private static IEnumerable<Alert> OfSource(IGrouping<string, LogEvent> source)
    {
        var events = source.ToList();
        foreach (var burst in Bursts(events.Where(e => e.Type != "auth_ok")))
        {
            yield return OfBurst(burst);
        }

        var seen = new HashSet<string?>();
        foreach (var login in events.Where(e => e.Type == "auth_ok"))
        {
            var failed = events.Where(e => IsFailure(e) && e.Seq < login.Seq && e.Time >= login.Time - FailuresCountFor).ToList();
            if (login.User == "root")
            {
                yield return Of("auth.root_login", "high", "Direct root login", login.Time, [.. failed, login]);
            }

            if (failed.Count > 0)
            {
                yield return Of("auth.success_after_failures", "high", "Successful ssh login from a source that failed within the previous 24 hours", login.Time, [.. failed, login]);
            }
            else if (!seen.Contains(login.User))
            {
                yield return Of("auth.new_source_login", "medium", "First successful ssh login of this account from this source", login.Time, [login]);
            }

            seen.Add(login.User);
        }
    }

    /// <summary>A burst ends when the source has been silent for half an hour.</summary>
    private static IEnumerable<List<LogEvent>> Bursts(IEnumerable<LogEvent> events)
    {
        var burst = new List<LogEvent>();
        foreach (var e in events)
        {
            if (burst.Count > 0 && e.Time - burst[^1].Time > BurstEndsAfter)
            {
                yield return burst;
                burst = [];
            }

            burst.Add(e);
        }

        if (burst.Count > 0)
        {
            yield return burst;
        }
    }

    private static Alert OfBurst(List<LogEvent> burst)
    {
        var window = new Queue<LogEvent>();
        foreach (var e in burst)
        {
            window.Enqueue(e);
            while (window.Peek().Time < e.Time - BruteForceWithin)
            {
                window.Dequeue();
            }

            if (IsFailure(e) && Failures(window) >= BruteForceFailures)
            {
                return Of("auth.bruteforce", "medium", "Five or more failed ssh logins from one source within 10 minutes", e.Time, [.. window]);
            }
        }

        var over = burst[^1].Time + BurstEndsAfter;
        return burst.Any(IsFailure)
            ? Of("auth.low_rate_failures", "low", "A few failed ssh logins from one source", over, burst)
            : Of("auth.probe", "info", "ssh connection without a login attempt", over, burst);
    }

    /// <summary>Root's own "su" is an echo of the sudo before it.</summary>
    private static IEnumerable<Alert> OfRoot(IReadOnlyList<LogEvent> events)
    {
        var logins = new Dictionary<string, LogEvent>(StringComparer.Ordinal);
        foreach (var e in events)
        {
            if (e is { Type: "auth_ok", User: { } user })
            {
                logins[user] = e;
            }
            else if (e is { Type: "priv", Target: "root", User: { } person and not "root", Command: { } command } && IsShell(command))
            {
                yield return Of("priv.root_shell", "medium", "A user became root through sudo or su", e.Time, [e]) with { SourceIp = logins.GetValueOrDefault(person)?.SourceIp };
            }
        }
    }

    private static IEnumerable<Alert> OfAccounts(IReadOnlyList<LogEvent> events)
    {
        var together = new List<LogEvent>();
        foreach (var e in events.Where(e => e is { Type: "account_created", AccountId: >= 1000 }))
        {
            if (together.Count > 0 && e.Time - together[0].Time > CreatedTogether)
            {
                yield return Created(together);
                together = [];
            }

            together.Add(e);
        }

        if (together.Count > 0)
        {
            yield return Created(together);
        }

        // Due when nothing can be added to it any more, so that its id does not change under a log that grows.
        static Alert Created(List<LogEvent> created) =>
            Of("account.created", "medium", created.Count == 1 ? "Local account created" : "Local accounts created", created[0].Time + CreatedTogether, created);
    }

    private static bool IsShell(string command)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 0 && Shells.Contains(words[0][(words[0].LastIndexOf('/') + 1)..]) && words.Skip(1).All(ShellOptions.Contains);
    }

    private static IEnumerable<Alert> WithoutRepetitions(IEnumerable<Alert> alerts)
    {
        var last = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var alert in alerts)
        {
            var about = string.Join('\n', [alert.Rule, alert.SourceIp ?? "", .. IsAboutAnAccount(alert) ? alert.Users : []]);
            if (!last.TryGetValue(about, out var before) || alert.Time - before >= QuietFor)
            {
                last[about] = alert.Time;
                yield return alert;
            }
        }
    }

    private static bool IsAboutAnAccount(Alert alert) => alert.Rule is not ("auth.bruteforce" or "auth.low_rate_failures" or "auth.probe");

    private static Alert Of(string rule, string severity, string summary, DateTimeOffset time, List<LogEvent> evidence)
    {
        var last = evidence[^1];
        // Not the line's number, which changes when the log is rotated.
        var account = last is { SourceIp: not null, Type: "auth_ok" } ? "/" + last.User : "";
        var id = string.Create(CultureInfo.InvariantCulture, $"{last.SourceIp ?? last.User}{account}/{rule[(rule.IndexOf('.', StringComparison.Ordinal) + 1)..]}/{time.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}@{last.Site}");
        return new Alert(
            id, time, time + JudgedAfter, last.Site, last.Site, rule, severity, summary, last.SourceIp, [.. evidence.Select(e => e.User).OfType<string>().Distinct().Order(StringComparer.Ordinal)],
            Failures(evidence), evidence.Count(e => e.Type == "auth_ok"), evidence[0].Time, last.Time, [.. evidence.TakeLast(EvidenceMax).Select(e => e.Seq)]);
    }

    /// <summary>sshd may log one attempt twice, as an invalid user and as a failure, or only one of the two: the larger count is nearer the truth than the sum.</summary>
    private static int Failures(IEnumerable<LogEvent> events)
    {
        var (failed, invalid) = (0, 0);
        foreach (var e in events)
        {
            failed += e.Type == "auth_failed" ? e.Repeats : 0;
            invalid += e.Type == "invalid_user" ? e.Repeats : 0;
        }

        return Math.Max(failed, invalid);
    }

    private static bool IsFailure(LogEvent e) => e.Type is "auth_failed" or "invalid_user";
}
