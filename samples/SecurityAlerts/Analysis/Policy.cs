namespace SecurityAlerts;

/// <summary>
/// What must not happen whatever an analyst says, decided by code from the sources' answers. A verdict that breaks a
/// rule does not stand: the next tier is asked, and after the last one a person. What a source did not answer counts against acting, never for it.
/// What an action must not do, whoever has decided it, is in <see cref="ActionRules"/>.
/// </summary>
internal static class Policy
{
    /// <summary>The rules that a verdict breaks, in words; null if it breaks none.</summary>
    public static string? Objection(CaseFile caseFile, Verdict verdict) =>
        Violations(caseFile, verdict).ToList() is { Count: > 0 } violations ? string.Join(" ", violations) : null;

    /// <summary>Whether a decision breaks no rule.</summary>
    public static bool Allows(CaseFile caseFile, Verdict verdict) => !Violations(caseFile, verdict).Any();

    /// <summary>
    /// An address from outside got in, and it does not look like somebody who may: it failed before, tried several
    /// accounts, is on a block list, or is a scanner. Logged in as root it is one in any case.
    /// </summary>
    public static bool IsIntruderLogin(CaseFile caseFile)
    {
        var alert = caseFile.Alert;
        var outside = caseFile.Assets is { Known: true } assets
            ? assets.Position is AddressPosition.Outside or AddressPosition.Scanner
            : alert.SourceIp is not null;
        var loggedIn = alert.SuccessCount > 0 || caseFile.Logins is { Logins: > 0 };
        return outside && loggedIn && (
            caseFile.Logins is null
            || caseFile.Logins.Failures > 0
            || caseFile.Logins.UsersLoggedIn > 1
            || alert.FailedCount > 0
            || alert.Rule == "auth.root_login"
            || caseFile.Logins.LastLogin?.User == "root"
            || caseFile.Threats is null or { Listed: true }
            || caseFile.Assets is not { Known: true, Position: AddressPosition.Outside });
    }

    /// <summary>Why an account is never disabled, whoever wants it; null for one that may be.</summary>
    public static string? NeverDisabled(string account) => account == "root" ? "root is never disabled: nobody could mend the host." : null;

    private static IEnumerable<string> Violations(CaseFile caseFile, Verdict verdict) => verdict.Decision switch
    {
        Decision.BlockIp => BlockViolations(caseFile),
        Decision.DisableAccount => DisableViolations(caseFile, verdict.Account),
        Decision.Close when IsIntruderLogin(caseFile) => ["a login by an intruder is never closed."],
        _ => [],
    };

    private static IEnumerable<string> BlockViolations(CaseFile caseFile)
    {
        if (caseFile.Alert.SourceIp is not { } address)
        {
            yield return "the alert names no address, so there is nothing to block.";
            yield break;
        }
        if (caseFile.Assets is not { Known: true } assets)
        {
            yield return $"{address} cannot be blocked while it is unknown whether it is inside or staff.";
            yield break;
        }
        if (assets.Position == AddressPosition.Inside)
        {
            yield return $"{address} is an inside address and is never blocked.";
        }
        if (assets.Position == AddressPosition.Staff)
        {
            yield return $"{address} is a known source of the staff and is never blocked.";
        }
        if (assets.ScannerLists.Count > 0)
        {
            yield return $"{address} is an allow-listed scanner ({string.Join(", ", assets.ScannerLists)}) and is never blocked.";
        }
        if (!assets.AllowListKnown)
        {
            yield return $"{address} cannot be blocked while the allow-list is not available.";
        }
    }

    private static IEnumerable<string> DisableViolations(CaseFile caseFile, string? account)
    {
        if (string.IsNullOrEmpty(account))
        {
            yield return "no account is named, so there is nothing to disable.";
            yield break;
        }
        var named = TerminalText.Escape(account, 60);
        if (caseFile.Assets is not { Known: true } assets)
        {
            yield return $"{named} cannot be disabled while the accounts of {caseFile.Alert.Host} are unknown.";
            yield break;
        }
        if (!assets.Accounts.Contains(account))
        {
            yield return $"{named} is not an account of {caseFile.Alert.Host}.";
        }
        if (!caseFile.Alert.Users.Contains(account))
        {
            yield return $"{named} is not an account that the alert names.";
        }
        if (NeverDisabled(account) is { } why)
        {
            yield return why;
        }
    }
}
