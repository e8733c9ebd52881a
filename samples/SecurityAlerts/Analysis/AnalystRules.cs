namespace SecurityAlerts;

/// <summary>
/// The offline analyst's judgement: one method for each of the eight rules that raise an alert, over nothing but the
/// case file. Written as a person in a security operations centre would argue, so that each reason names its fact.
/// </summary>
internal static class AnalystRules
{
    /// <summary>Where the lists could have changed the decision, their silence weighs more than <see cref="Analyst.ConfidenceMaxWithoutThreats"/> says.</summary>
    private const double ConfidenceMaxWithoutThreatsThatMatter = 0.7;

    private const int ReasonsMax = 5;

    /// <summary>People mistype a password a few times. More failures than this before a login are guesses.</summary>
    private const int TyposMax = 9;

    /// <summary>Whether an alert is about what was done as root, so that the address alone says little.</summary>
    public static bool IsAboutRoot(Alert alert) => alert.Rule is "priv.root_shell" or "account.created";

    public static Verdict Judge(CaseFile caseFile, Surroundings surroundings)
    {
        var facts = new Facts(caseFile);
        var verdict = facts.Position == AddressPosition.Unknown
            ? Escalate(0.4, $"Nothing is known about host {facts.Host}, so nobody can say who is staff there and who is not.")
            : IsAboutRoot(caseFile.Alert) && !surroundings.LookedFurther
            ? Escalate(0.5, $"{facts.Names}: who was at work as root stands in the host's sessions, and a first look does not open them.")
            : caseFile.Alert.Rule switch
            {
                "auth.probe" => Probe(facts),
                "auth.low_rate_failures" => LowRateFailures(facts),
                "auth.bruteforce" => BruteForce(facts),
                "auth.success_after_failures" => SuccessAfterFailures(facts),
                "auth.new_source_login" => NewSourceLogin(facts),
                "auth.root_login" => RootLogin(facts),
                "priv.root_shell" => RootShell(facts),
                "account.created" => AccountCreated(facts),
                var rule => Escalate(0.5, $"The rule \"{Shown(rule)}\" is not one that this analyst knows."),
            };
        return Surrounded(WeighMissing(verdict, facts, caseFile), surroundings);
    }

    private static Verdict Probe(Facts facts) => facts.Position switch
    {
        AddressPosition.Staff or AddressPosition.Inside when !facts.Guessing => Close(0.95, $"{facts.Who} connected without a login attempt."),
        AddressPosition.Staff or AddressPosition.Inside => OwnAddressAttacks(facts),
        AddressPosition.Scanner => ScannerSeen(facts),
        _ when facts.Logins > 0 => UnknownSourceLoggedIn(facts),
        _ when facts.Listed => Block(facts.ListedConfidence, facts.ListedReason, $"It made {Count(facts.Connections, "connection")} without a login attempt."),
        _ when facts.Attempts > 0 => Block(0.85, $"{facts.Who} did not only connect: it also failed to log in, {Times(facts.Attempts)}."),
        _ when facts.Connections >= 5 || facts.DaysSeen > 1 => Block(0.85, $"{facts.Who} keeps coming back: {Count(facts.Connections, "connection")} without a login attempt on {Count(facts.DaysSeen, "day")}."),
        _ => Close(0.85, $"{facts.Who} connected {Times(facts.Connections)} and tried nothing: the noise of the internet.", facts.NotListedReason),
    };

    private static Verdict LowRateFailures(Facts facts) => facts.Position switch
    {
        AddressPosition.Staff or AddressPosition.Inside when facts.Attempts <= TyposMax => Close(0.92, $"{facts.Who} failed {Times(facts.Attempts)}: somebody mistyped.", facts.LoginsReason),
        AddressPosition.Staff or AddressPosition.Inside => OwnAddressAttacks(facts),
        AddressPosition.Scanner => ScannerSeen(facts),
        _ when facts.Logins > 0 => UnknownSourceLoggedIn(facts),
        _ when facts.Listed => Block(facts.ListedConfidence, facts.ListedReason, facts.AttemptsReason),
        _ when facts.Exhausted > 0 => Block(0.9, $"{facts.Who} went on until sshd refused further attempts in one connection.", facts.AttemptsReason),
        _ when facts.Attempts >= 2 => Block(0.85, $"{facts.Who} tries again and again, and has never logged in.", facts.AttemptsReason),
        _ => Close(0.8, $"{facts.Who} failed once, has never logged in and did not come back: the noise of the internet.", facts.AttemptsReason, facts.NotListedReason),
    };

    private static Verdict BruteForce(Facts facts) => facts.Position switch
    {
        AddressPosition.Staff or AddressPosition.Inside when facts.Attempts <= TyposMax && facts.Logins > 0 =>
            Close(0.8, $"{facts.Who} failed {Times(facts.Attempts)} and also logs in: somebody has trouble with a password."),
        AddressPosition.Staff or AddressPosition.Inside => OwnAddressAttacks(facts),
        AddressPosition.Scanner => ScannerSeen(facts),
        _ when facts.Logins > 0 && facts.Attempts <= TyposMax => UnknownSourceLoggedIn(facts),
        _ when facts.Logins > 0 => Block(0.9,
            $"{facts.Who} guesses passwords: {facts.Attempts} failed attempts.",
            $"It has also logged in, as {facts.UsersLoggedIn} different accounts, so these passwords are in strange hands: have them changed."),
        _ => Block(facts.Listed ? 0.98 : 0.95, $"{facts.Who} guesses passwords: {facts.Attempts} failed attempts, no login.", facts.AttemptsReason, facts.Listed ? facts.ListedReason : null),
    };

    private static Verdict SuccessAfterFailures(Facts facts)
    {
        if (facts.LastLogin is not { } login)
        {
            return Escalate(0.5, $"{facts.Who} logged in after failures, but the log shows no such login.");
        }
        return facts.Position switch
        {
            AddressPosition.Staff or AddressPosition.Inside when login.FailuresBefore <= TyposMax =>
                Close(0.92, $"{facts.Who} failed {Times(login.FailuresBefore)} and then logged in as {Shown(login.User)}: somebody mistyped.", facts.LoginsReason),
            AddressPosition.Staff or AddressPosition.Inside => OwnAddressAttacks(facts),
            _ when facts.Listed => Disable(0.9, login.User, facts.ListedReason, $"It has logged in as {Shown(login.User)} after {login.FailuresBefore} failures."),
            _ when login.FailuresBeforeOnThisAccount > TyposMax => Disable(0.92, login.User,
                $"{facts.Who} failed {login.FailuresBeforeOnThisAccount} times on {Shown(login.User)} within a day and then got in: nobody mistypes that often.",
                login.LoggedInFromHereBefore ? "The account has logged in from there before, so its password was in strange hands already." : null,
                "Block the address as well."),
            _ when login.FailuresBefore > TyposMax => Disable(0.85, login.User,
                $"{facts.Who} tried {login.FailuresBefore} times within a day, on {facts.UsersTried} accounts, and then logged in as {Shown(login.User)}."),
            _ => UnknownSourceLoggedIn(facts),
        };
    }

    private static Verdict NewSourceLogin(Facts facts) => facts.Position switch
    {
        AddressPosition.Staff or AddressPosition.Inside => Close(0.95, $"{facts.Who} is a place this account may log in from."),
        _ when facts.LastLogin is null => Escalate(0.5, $"{facts.Who} logged in from a new source, but the log shows no such login."),
        _ when facts.Listed => Disable(0.9, facts.LastLogin.User, facts.ListedReason, $"It has logged in as {Shown(facts.LastLogin.User)}."),
        AddressPosition.Outside when facts.ProvenByKey => Close(0.8, $"{Shown(facts.LastLogin.User)} used a key that has logged in from {string.Join(", ", facts.LastLogin.KeySources)} before: the same person elsewhere.", facts.NotListedReason),
        _ => UnknownSourceLoggedIn(facts),
    };

    private static Verdict RootLogin(Facts facts) => facts.Position switch
    {
        AddressPosition.Staff when facts.LastLogin?.Method == "publickey" => Close(0.85, $"{facts.Who} logged in as root with a key."),
        AddressPosition.Staff or AddressPosition.Inside => Escalate(0.75, $"{facts.Who} logged in as root without a key; ask who it was."),
        _ when facts.LastLogin is null => Escalate(0.5, $"{facts.Who} logged in as root, but the log shows no such login."),
        AddressPosition.Outside when facts.Listed || facts.LastLogin.FailuresBefore > TyposMax => Block(0.9,
            facts.LastLogin.FailuresBefore > 0 ? $"{facts.Who} is in as root after {facts.LastLogin.FailuresBefore} failures." : $"{facts.Who} is in as root.", facts.Listed ? facts.ListedReason : null, "Root cannot be disabled; the host must be looked at as well."),
        _ => Escalate(0.85, $"{facts.Who} logged in directly as root, and nothing proves who it is."),
    };

    private static Verdict RootShell(Facts facts)
    {
        if (facts.Session is not { LoginAddress: { } from } session)
        {
            return Escalate(0.8, $"{facts.Names} became root, and the log does not show where that person had logged in from.");
        }
        return facts.StandsAt(from) switch
        {
            AddressPosition.Staff or AddressPosition.Inside => Close(0.92, $"{Shown(session.User)} became root in a session from {from}, a known source, logged in with {session.LoginMethod}: administration."),
            _ when facts.GuessedIn(from) => Disable(0.9, session.User, $"{Shown(session.User)} became root in a session from {from}, which had guessed passwords or stands on block lists."),
            _ => Escalate(0.85, $"{Shown(session.User)} became root in a session from {from}, which is not a known source."),
        };
    }

    private static Verdict AccountCreated(Facts facts)
    {
        if (facts.Session is not { LoginAddress: { } from } session)
        {
            return Escalate(0.85, $"{facts.Names} was created, and nobody is seen who became root shortly before.");
        }
        if (session.OthersAsRoot.Count > 0)
        {
            return Escalate(0.8, $"{facts.Names} was created while {Shown(session.User)} and {string.Join(", ", session.OthersAsRoot.Select(Shown))} were root: it is not clear by whom.");
        }
        return facts.StandsAt(from) switch
        {
            AddressPosition.Staff or AddressPosition.Inside => Close(0.9, $"{facts.Names} was created by {Shown(session.User)} in a session from {from}, a known source, logged in with {session.LoginMethod}."),
            _ => Escalate(0.88, $"{facts.Names} was created in a session of {Shown(session.User)} from {from}, which is not a known source."),
        };
    }

    /// <summary>An address nobody knows is in, and no rule has proved it an attacker: a person can ask the account's owner.</summary>
    private static Verdict UnknownSourceLoggedIn(Facts facts)
    {
        var login = facts.LastLogin;
        return Escalate(facts.UsersLoggedIn > 1 ? 0.85 : 0.75,
            login is null ? $"{facts.Who} logged in." : $"{facts.Who} logged in as {Shown(login.User)} with {login.Method}, and nothing proves who it is: ask the owner of the account.",
            facts.UsersLoggedIn > 1 ? $"It has logged in as {facts.UsersLoggedIn} different accounts." : null,
            facts.Attempts > 0 ? facts.AttemptsReason : null,
            facts.AgeReason);
    }

    private static Verdict OwnAddressAttacks(Facts facts) =>
        Escalate(0.85, $"{facts.Who} made {facts.Attempts} failed attempts. It must not be blocked, and this is more than mistyping: the machine there may be taken over.");

    private static Verdict ScannerSeen(Facts facts) =>
        facts.Logins > 0 ? Escalate(0.9, $"{facts.Who} is allow-listed as a research scanner, and yet it logged in.")
        : facts.Attempts > TyposMax ? Escalate(0.8, $"{facts.Who} is allow-listed as a research scanner, and yet it made {facts.Attempts} login attempts.")
        : Close(0.93, $"{facts.Who} is a research scanner on the allow-list ({facts.ScannerLists}).");

    /// <summary>Neighbours change no decision: a network has many tenants. They are worth a word.</summary>
    private static Verdict Surrounded(Verdict verdict, Surroundings surroundings) =>
        surroundings.Neighbours is { WithFailures: > 0 } neighbours && verdict.Reasons.Count < ReasonsMax
            ? verdict with { Reasons = [.. verdict.Reasons, $"Of {neighbours.Network}, {Count(neighbours.Count, "more address", "es")} stood in the log by then, {neighbours.WithFailures} with failed logins."] }
            : verdict;

    private static Verdict WeighMissing(Verdict verdict, Facts facts, CaseFile caseFile)
    {
        var confidence = verdict.Confidence;
        var reasons = verdict.Reasons.ToList();
        Weigh(caseFile.Logins, AlertSources.Logins, AnalystTools.LoginHistory, Analyst.ConfidenceMaxWithoutLogins, "so failures and logins are known from the alert alone");
        Weigh(caseFile.Assets, AlertSources.Assets, AnalystTools.AssetReport, Analyst.ConfidenceMaxWithoutAssets, "so nobody can say whether this is staff");
        if (caseFile.Alert.SourceIp is not null)
        {
            // A list can turn closing into blocking, and never the other way round; of staff and inside addresses nobody asks it.
            var acts = verdict.Decision is Decision.BlockIp or Decision.DisableAccount;
            var couldMatter = !acts && (facts.Position is AddressPosition.Outside || (facts.Position is AddressPosition.Scanner && facts.Logins > 0));
            Weigh(caseFile.Threats, AlertSources.Threats, AnalystTools.ThreatReport, couldMatter ? ConfidenceMaxWithoutThreatsThatMatter : Analyst.ConfidenceMaxWithoutThreats, "so it is unknown whether the address is on block lists");
        }
        return verdict with { Confidence = confidence, Reasons = reasons };

        void Weigh(object? answer, string source, string tool, double confidenceMax, string consequence)
        {
            if (answer is null)
            {
                confidence = Math.Min(confidence, confidenceMax);
                reasons.Add((caseFile.Missing.GetValueOrDefault(source), caseFile.Missing.GetValueOrDefault(tool)) switch
                {
                    (null, { } failed) => $"The tool {tool} gave no answer ({TerminalText.Escape(failed, 200)}), {consequence}.",
                    var (missing, _) => $"Missing: {source} ({missing ?? "no answer"}), {consequence}.",
                });
            }
        }
    }

    private static Verdict Close(double confidence, params ReadOnlySpan<string?> reasons) => Answer(Decision.Close, confidence, reasons);

    private static Verdict Block(double confidence, params ReadOnlySpan<string?> reasons) => Answer(Decision.BlockIp, confidence, reasons);

    private static Verdict Escalate(double confidence, params ReadOnlySpan<string?> reasons) => Answer(Decision.Escalate, confidence, reasons);

    private static Verdict Disable(double confidence, string account, params ReadOnlySpan<string?> reasons) =>
        Answer(Decision.DisableAccount, confidence, reasons) with { Account = account };

    private static Verdict Answer(Decision decision, double confidence, ReadOnlySpan<string?> reasons) =>
        new(decision, confidence, [.. reasons.ToArray().OfType<string>()]);

    // Who attacks chooses the names, and reasons are printed.
    private static string Shown(string name) => TerminalText.Escape(name, 40);

    private static string Times(int n) => n switch { 1 => "once", 2 => "twice", _ => $"{n} times" };

    private static string Count(int n, string noun, string plural = "s") => n == 1 ? $"1 {noun}" : $"{n} {noun}{plural}";

    /// <summary>The case file as an analyst reads it: with a source missing, what the alert itself says stands in.</summary>
    private sealed class Facts(CaseFile caseFile)
    {
        private readonly Alert _alert = caseFile.Alert;
        private readonly LoginHistory? _history = caseFile.Logins;

        public AddressPosition Position { get; } =
            caseFile.Assets is { Known: true } assets ? assets.Position : AddressPosition.Unknown;

        public int Attempts => Math.Max(_alert.FailedCount, _history?.Failures ?? 0);
        public int Logins => Math.Max(_alert.SuccessCount, _history?.Logins ?? 0);
        public int Connections => Math.Max(1, _history?.Probes ?? 0);
        public int Exhausted => _history?.ExhaustedConnections ?? 0;
        public int DaysSeen => Math.Max(1, _history?.DaysSeen ?? 0);
        public int UsersTried => Math.Max(_history?.UsersTried ?? 0, 1);
        public int UsersLoggedIn => _history?.UsersLoggedIn ?? 0;
        public bool Guessing => Attempts > TyposMax;
        public LoginRecord? LastLogin => _history?.LastLogin;
        public PrivilegedSession? Session => _history?.Session;

        public bool Listed => caseFile.Threats?.Listed == true;
        public double ListedConfidence => Math.Min(0.97, 0.88 + 0.02 * caseFile.Threats!.Score);
        public string ListedReason => $"{Who} stands on block lists ({string.Join(", ", caseFile.Threats!.Lists)}, score {caseFile.Threats.Score}).";
        public string? NotListedReason => caseFile.Threats is { Listed: false } ? "It stands on no block list." : null;

        public bool ProvenByKey => Attempts == 0 && LastLogin is { KeyKnownBefore: true } login
            && login.KeySources.Any(source => StandsAt(source) is AddressPosition.Staff or AddressPosition.Inside);

        public string Host => Shown(_alert.Host);

        public string Names => _alert.Users.Count switch
        {
            0 => "Somebody",
            <= 3 => string.Join(", ", _alert.Users.Select(Shown)),
            var n => $"{Shown(_alert.Users[0])} (and {n - 1} more)",
        };

        public string Who => Position switch
        {
            AddressPosition.Staff => $"{_alert.SourceIp}, a known source of the staff,",
            AddressPosition.Inside => $"{_alert.SourceIp}, an inside address,",
            AddressPosition.Scanner => $"{_alert.SourceIp}, a scanner,",
            AddressPosition.None => "Somebody without an address",
            _ => $"{_alert.SourceIp}, an unknown address outside,",
        };

        public string ScannerLists => string.Join(", ", caseFile.Assets?.ScannerLists ?? []);

        public string? LoginsReason => _history is { Logins: > 0 } ? $"That source has logged in {Times(_history.Logins)} by then." : null;

        public string AttemptsReason
        {
            get
            {
                var names = _history?.UsersTriedNames is { Count: > 0 } tried ? tried : _alert.Users;
                return $"Failed logins in the log: {Attempts}" + (names.Count == 0 ? "." : $", on {string.Join(", ", names.Take(5).Select(Shown))}{(names.Count > 5 ? " and more" : "")}.");
            }
        }

        public string? AgeReason =>
            _history?.Accounts?.FirstOrDefault(account => account.User == LastLogin?.User) is { CreatedAt: { } created } account
            && _alert.Time - created < TimeSpan.FromDays(1)
                ? $"The account {Shown(account.User)} was created less than a day before."
                : null;

        /// <summary>Where an address that the log names stands, by the lists that the asset source gave.</summary>
        public AddressPosition StandsAt(string address) =>
            caseFile.Assets is not { Known: true } assets || !AddressText.TryParse(address, out var parsed) ? AddressPosition.Unknown
            : assets.StaffSources.Contains(address) ? AddressPosition.Staff
            : assets.InternalNetworks.Any(network => RangeText.TryParse(network, out var range) && range.Contains(parsed)) ? AddressPosition.Inside
            : AddressPosition.Outside;

        /// <summary>The history and the lists are about the alert's own address, so they speak of no other.</summary>
        public bool GuessedIn(string address) => address == _alert.SourceIp && (Listed || _history is { FailuresBeforeFirstLogin: > 0 });
    }
}

/// <summary>What stands around the alert's own evidence, and whether anybody looked.</summary>
internal sealed record Surroundings(bool LookedFurther, Neighbourhood? Neighbours);
