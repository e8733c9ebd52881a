using System.Net;

namespace SecurityAlerts;

/// <summary>
/// The three sources an alert is judged by, answered from the data of one folder. Indexed once; safe to ask from many
/// runs at a time. A source whose file is unusable throws <see cref="SourceUnavailableException"/>.
/// </summary>
internal sealed class AlertSources
{
    public const string Logins = "logins";
    public const string Threats = "threats";
    public const string Assets = "assets";

    public static readonly IReadOnlyList<string> Names = [Logins, Threats, Assets];

    // An answer is recorded in a journal and read by a model: a few KB, whatever the log holds.
    private const int LinesMax = 16;
    private const int LineCharsMax = 160;
    private const int NamesMax = 20;
    private const int NameCharsMax = 64;
    private const int SourcesMax = 5;
    private const int AccountsMax = 200;

    private static readonly TimeSpan FailuresCountFor = TimeSpan.FromHours(24);
    private static readonly TimeSpan SessionReachesBack = TimeSpan.FromMinutes(30);

    private readonly TimeProvider _clock;
    private readonly SlowSources _slow;
    private volatile Known _known;

    public AlertSources(AlertData data, TimeProvider clock, SlowSources? slow = null)
    {
        _clock = clock;
        _slow = slow ?? SlowSources.None;
        _known = new Known(data);
    }

    private AlertData Data => _known.Data;

    /// <summary>From here on answers come from newer data of the same machines. What was answered stays as it is.</summary>
    public void Renew(AlertData data) => _known = new Known(data);

    /// <summary>What the site's log holds on an address and on the accounts of an alert, and nothing later than the query's time.</summary>
    public async Task<LoginHistory> LoginsAsync(LoginQuery query, CancellationToken cancellationToken)
    {
        await AnswerAsync(Logins, AlertData.EventsFile, Data.Events, cancellationToken);
        var log = _known.Logs.GetValueOrDefault(query.Site, SiteLog.Empty);
        var seen = log.From(query.Address).Where(e => e.Time <= query.AsOf).ToList();
        var failed = seen.Where(e => IsFailure(e) || IsInvalidUser(e)).ToList();
        var logins = seen.Where(IsLogin).ToList();
        var tried = failed.Select(e => e.User).OfType<string>().Distinct().ToList();
        var firstLogin = logins.Count > 0 ? logins[0].Time : DateTimeOffset.MaxValue;

        return new(
            query.Address,
            query.AsOf,
            Failures: Attempts(failed),
            FailuresBeforeFirstLogin: Attempts(failed.Where(e => e.Time <= firstLogin)),
            FailuresOnUnknownUsers: Attempts(failed.Where(IsOnUnknownUser)),
            ExhaustedConnections: failed.Count(e => e.Method == "too_many_attempts"),
            Probes: seen.Where(e => e.Type == "probe").Sum(e => e.Repeats),
            Logins: logins.Sum(e => e.Repeats),
            DaysSeen: seen.Select(e => e.Time.UtcDateTime.Date).Distinct().Count(),
            FirstSeen: seen.Count > 0 ? seen[0].Time : null,
            LastSeen: seen.Count > 0 ? seen[^1].Time : null,
            UsersTried: tried.Count,
            UsersTriedNames: [.. tried.Take(NamesMax).Select(name => TerminalText.Cut(name, NameCharsMax))],
            UsersLoggedIn: logins.Select(e => e.User).Distinct().Count(),
            LastLogin: (logins.LastOrDefault(e => e.Time <= query.Time) ?? logins.FirstOrDefault()) is { } login ? Describe(login, log, failed) : null,
            Lines: [.. (query.Address is null ? log.Around(query.Time, SessionReachesBack) : seen)
                .TakeLast(LinesMax).Select(e => TerminalText.Cut(e.Raw, LineCharsMax))],
            Accounts: [.. query.Users.Take(NamesMax).Select(user => DescribeAccount(user, log, query.Time))],
            Session: log.SessionAt(query.Time, SessionReachesBack, query.Users));
    }

    /// <summary>When an account came into being and where it has logged in from, before a time.</summary>
    public async Task<AccountHistory> AccountAsync(string site, string user, DateTimeOffset time, CancellationToken cancellationToken)
    {
        await AnswerAsync(Logins, AlertData.EventsFile, Data.Events, cancellationToken);
        return DescribeAccount(TerminalText.Cut(user, NameCharsMax), _known.Logs.GetValueOrDefault(site, SiteLog.Empty), time);
    }

    /// <summary>The other addresses of an address's network (its /24, or /64 in IPv6) that the site's log holds, and nothing later than a time.</summary>
    public async Task<Neighbourhood> NeighboursAsync(string site, IPAddress address, DateTimeOffset asOf, CancellationToken cancellationToken)
    {
        await AnswerAsync(Logins, AlertData.EventsFile, Data.Events, cancellationToken);
        var network = AddressText.NetworkOf(address);
        var own = AddressText.Of(address);
        var seen = _known.Logs.GetValueOrDefault(site, SiteLog.Empty).Addresses
            .Where(other => other.Key != own && AddressText.TryParse(other.Key, out var parsed) && network.Contains(parsed))
            .Select(other => (Address: other.Key, Events: other.Where(e => e.Time <= asOf).ToList()))
            .Where(other => other.Events.Count > 0)
            .Select(other => new Neighbour(
                other.Address,
                Attempts(other.Events.Where(e => IsFailure(e) || IsInvalidUser(e))),
                other.Events.Where(IsLogin).Sum(e => e.Repeats),
                other.Events[^1].Time))
            .OrderByDescending(other => other.Failures).ThenByDescending(other => other.LastSeen)
            .ToList();
        return new(network.ToString(), seen.Count, seen.Count(other => other.Failures > 0), [.. seen.Take(NamesMax)]);
    }

    /// <summary>What the threat feed holds on an address.</summary>
    public async Task<ThreatReport> ThreatsAsync(string address, CancellationToken cancellationToken)
    {
        await AnswerAsync(Threats, AlertData.FeedFile, Data.Feed, cancellationToken);
        var entries = _known.Feed[address].ToList();
        return new(
            address,
            entries.Count > 0,
            entries.Select(entry => entry.Score).DefaultIfEmpty().Max(),
            [.. entries.Select(entry => entry.List).Distinct().Take(NamesMax)],
            entries.Select(entry => entry.AsOf).Max());
    }

    /// <summary>What is known of a host, and where an address stands to it.</summary>
    public async Task<AssetReport> AssetsAsync(string site, string host, string? address, CancellationToken cancellationToken)
    {
        await AnswerAsync(Assets, AlertData.AssetsFile, Data.Assets, cancellationToken);
        var asset = Data.Assets!.FirstOrDefault(asset => asset.Site == site && asset.Host == host);
        IReadOnlyList<string> scanners = address is null ? []
            : [.. (Data.AllowList ?? []).Where(range => range.Range.Contains(IPAddress.Parse(address))).Select(range => range.List).Distinct()];
        return new(
            site,
            host,
            Known: asset is not null,
            asset?.Role,
            asset?.Exposure,
            Position(address, asset, scanners),
            AllowListKnown: Data.AllowList is not null,
            scanners,
            [.. (asset?.Accounts ?? []).Take(AccountsMax)],
            [.. (asset?.KnownSources ?? []).Take(AccountsMax)],
            [.. (asset?.InternalNetworks ?? []).Take(AccountsMax).Select(network => network.ToString())]);
    }

    private static AddressPosition Position(string? address, Asset? asset, IReadOnlyList<string> scanners) =>
        address is null ? AddressPosition.None
        : asset is null ? AddressPosition.Unknown
        : asset.InternalNetworks.Any(network => network.Contains(IPAddress.Parse(address))) ? AddressPosition.Inside
        : asset.KnownSources.Contains(address) ? AddressPosition.Staff
        : scanners.Count > 0 ? AddressPosition.Scanner
        : AddressPosition.Outside;

    private static LoginRecord Describe(LogEvent login, SiteLog log, List<LogEvent> failed)
    {
        var failedBefore = failed.Where(e => e.Time <= login.Time && e.Time > login.Time - FailuresCountFor).ToList();
        var earlier = log.LoginsOf(login.User).Where(e => e.Time < login.Time).ToList();
        var sameKey = earlier.Where(e => login.Key is not null && e.Key == login.Key).ToList();
        return new(
            login.User ?? "",
            login.Time,
            login.Method,
            Attempts(failedBefore),
            Attempts(failedBefore.Where(e => e.User == login.User)),
            earlier.Any(e => e.SourceIp == login.SourceIp),
            sameKey.Count > 0,
            Sources(sameKey));
    }

    private static AccountHistory DescribeAccount(string user, SiteLog log, DateTimeOffset time)
    {
        var before = log.LoginsOf(user).Where(e => e.Time < time).ToList();
        return new(user, log.CreatedAt(user, time), before.Count, Sources(before));
    }

    private static IReadOnlyList<string> Sources(List<LogEvent> logins) =>
        [.. logins.Select(e => e.SourceIp).OfType<string>().Distinct().Take(SourcesMax)];

    /// <summary>
    /// Failed attempts. For a user that does not exist sshd may log one attempt twice, as an invalid user and as a
    /// failure, or only one of the two: the larger count is nearer the truth than the sum.
    /// </summary>
    private static int Attempts(IEnumerable<LogEvent> failed)
    {
        int onUsers = 0, invalid = 0, failedInvalid = 0;
        foreach (var e in failed)
        {
            onUsers += IsOnUnknownUser(e) ? 0 : e.Repeats;
            invalid += IsInvalidUser(e) ? e.Repeats : 0;
            failedInvalid += !IsInvalidUser(e) && IsOnUnknownUser(e) ? e.Repeats : 0;
        }
        return onUsers + Math.Max(invalid, failedInvalid);
    }

    private static bool IsInvalidUser(LogEvent e) => e.Type == "invalid_user";

    private static bool IsOnUnknownUser(LogEvent e) => IsInvalidUser(e) || e.UserExists == false;

    private static bool IsFailure(LogEvent e) => e.Type == "auth_failed";

    private static bool IsLogin(LogEvent e) => e.Type == "auth_ok";

    private async Task AnswerAsync(string source, string file, object? loaded, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_slow.DelayOf(source) is var delay && delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, _clock, cancellationToken);
        }
        if (loaded is null)
        {
            throw new SourceUnavailableException(source, file);
        }
    }

    /// <summary>Data with its indexes, exchanged as a whole.</summary>
    private sealed class Known(AlertData data)
    {
        public AlertData Data => data;

        public Dictionary<string, SiteLog> Logs { get; } = (data.Events ?? []).GroupBy(e => e.Site).ToDictionary(site => site.Key, site => new SiteLog(site), StringComparer.Ordinal);

        public ILookup<string, FeedEntry> Feed { get; } = (data.Feed ?? []).ToLookup(entry => entry.Indicator, StringComparer.Ordinal);
    }

    /// <summary>One site's log in order of time, indexed by address and by account.</summary>
    private sealed class SiteLog
    {
        public static readonly SiteLog Empty = new([]);

        private readonly ILookup<string, LogEvent> _byAddress;
        private readonly ILookup<string, LogEvent> _logins;
        private readonly List<LogEvent> _hostEvents;

        public SiteLog(IEnumerable<LogEvent> events)
        {
            var inOrder = events.OrderBy(e => e.Time).ThenBy(e => e.Seq).ToList();
            _byAddress = inOrder.Where(e => e.SourceIp is not null).ToLookup(e => e.SourceIp!, StringComparer.Ordinal);
            _logins = inOrder.Where(e => IsLogin(e) && e.User is not null).ToLookup(e => e.User!, StringComparer.Ordinal);
            _hostEvents = [.. inOrder.Where(e => e.SourceIp is null)];
        }

        /// <summary>What each address did, in order of time.</summary>
        public IEnumerable<IGrouping<string, LogEvent>> Addresses => _byAddress;

        public IEnumerable<LogEvent> From(string? address) => address is null ? [] : _byAddress[address];

        public IEnumerable<LogEvent> LoginsOf(string? user) => user is null ? [] : _logins[user];

        public DateTimeOffset? CreatedAt(string user, DateTimeOffset asOf) =>
            _hostEvents.FirstOrDefault(e => e.Type == "account_created" && e.User == user && e.Time <= asOf)?.Time;

        public IEnumerable<LogEvent> Around(DateTimeOffset time, TimeSpan reach) =>
            _hostEvents.Where(e => e.Time <= time && e.Time > time - reach);

        /// <summary>The last person who worked as root shortly before a moment, rather one that is asked about, and that person's login.</summary>
        public PrivilegedSession? SessionAt(DateTimeOffset time, TimeSpan reach, IReadOnlyList<string> users)
        {
            // Root's own "su" is an echo of the sudo before it: the person is whoever was not root yet.
            var acts = Around(time, reach).Where(e => e.Type == "priv" && e.User is not null and not "root").ToList();
            var acted = acts.LastOrDefault(e => users.Contains(e.User!)) ?? acts.LastOrDefault();
            if (acted is null)
            {
                return null;
            }

            var login = LoginsOf(acted.User).LastOrDefault(e => e.Time <= acted.Time);
            var asRoot = LoginsOf("root").Where(e => e.Time <= time && e.Time > time - reach);
            return new(
                acted.User!,
                acted.Time,
                acted.Command is null ? null : TerminalText.Cut(acted.Command, LineCharsMax),
                login?.SourceIp,
                login?.Method,
                login?.Time,
                OthersAsRoot: [.. acts.Concat(asRoot).Select(e => e.User!).Where(user => user != acted.User).Distinct().Take(NamesMax)]);
        }
    }
}
