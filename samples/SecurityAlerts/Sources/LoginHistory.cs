namespace SecurityAlerts;

/// <summary>What to look up in a site's log. Nothing after <see cref="AsOf"/> is shown.</summary>
/// <param name="Time">When the alert was raised: "before" means before this.</param>
internal sealed record LoginQuery(string Site, string? Address, IReadOnlyList<string> Users, DateTimeOffset Time, DateTimeOffset AsOf)
{
    public static LoginQuery For(Alert alert) => new(alert.Site, alert.SourceIp, alert.Users, alert.Time, alert.AsOf);
}

/// <summary>
/// A site's log as of one moment, summed up around one address and a few accounts. Small enough for a journal: lists are
/// cut at the limits of <see cref="AlertSources"/>, counts are not.
/// </summary>
/// <param name="ExhaustedConnections">Connections in which sshd refused further attempts: several tries behind one log line.</param>
/// <param name="UsersTried">Names that failed, whether they exist or not.</param>
/// <param name="Accounts">The accounts that the alert names; null where nobody asked for them.</param>
/// <param name="Session">Who worked as root shortly before the alert; null where nobody is seen, or nobody asked.</param>
internal sealed record LoginHistory(
    string? Address,
    DateTimeOffset AsOf,
    int Failures,
    int FailuresBeforeFirstLogin,
    int FailuresOnUnknownUsers,
    int ExhaustedConnections,
    int Probes,
    int Logins,
    int DaysSeen,
    DateTimeOffset? FirstSeen,
    DateTimeOffset? LastSeen,
    int UsersTried,
    IReadOnlyList<string> UsersTriedNames,
    int UsersLoggedIn,
    LoginRecord? LastLogin,
    IReadOnlyList<string> Lines,
    IReadOnlyList<AccountHistory>? Accounts = null,
    PrivilegedSession? Session = null)
{
    /// <summary>The history of an alert that names no address.</summary>
    public static LoginHistory OfNobody(DateTimeOffset asOf) => new(null, asOf, 0, 0, 0, 0, 0, 0, 0, null, null, 0, [], 0, null, []);
}

/// <summary>One successful login from the address asked about, the latest that the alert can be about.</summary>
/// <param name="FailuresBefore">Failed attempts from this address in the 24 hours before it, on this account alone, and in all.</param>
/// <param name="LoggedInFromHereBefore">The account has logged in from this address earlier.</param>
/// <param name="KeyKnownBefore">The same key has logged in to the account earlier, from any address.</param>
/// <param name="KeySources">The addresses that key was used from earlier.</param>
internal sealed record LoginRecord(
    string User,
    DateTimeOffset Time,
    string? Method,
    int FailuresBefore,
    int FailuresBeforeOnThisAccount,
    bool LoggedInFromHereBefore,
    bool KeyKnownBefore,
    IReadOnlyList<string> KeySources);

/// <summary>An account that the alert names: when it came into being, and where it has logged in from before.</summary>
internal sealed record AccountHistory(string User, DateTimeOffset? CreatedAt, int LoginsBefore, IReadOnlyList<string> SourcesBefore);

/// <summary>Who was at work on the host when something changed there, and where that person had logged in from.</summary>
/// <param name="Command">The last command run as root before the alert.</param>
/// <param name="OthersAsRoot">Who else became root in the same time, so that the change may be theirs.</param>
internal sealed record PrivilegedSession(
    string User,
    DateTimeOffset Time,
    string? Command,
    string? LoginAddress,
    string? LoginMethod,
    DateTimeOffset? LoginTime,
    IReadOnlyList<string> OthersAsRoot);

/// <summary>Who worked as root shortly before the alert, if anybody is seen.</summary>
internal sealed record SessionReport(bool Found, PrivilegedSession? Session = null);

/// <summary>Other addresses of the same network that the site's log holds, those with the most failures first.</summary>
/// <param name="Count">How many there are; <paramref name="Seen"/> may be cut.</param>
internal sealed record Neighbourhood(string Network, int Count, int WithFailures, IReadOnlyList<Neighbour> Seen);

/// <summary>One of them, as of the alert.</summary>
internal sealed record Neighbour(string Address, int Failures, int Logins, DateTimeOffset LastSeen);
