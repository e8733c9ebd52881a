namespace SecurityAlerts;

/// <summary>What the policy made of a verdict: the verdict that may be carried out, and the rules that the proposed one broke.</summary>
internal sealed record PolicyRuling(Verdict Verdict, IReadOnlyList<string> Violations);

/// <summary>
/// What must not happen whatever an analyst says, decided by code from the sources' answers. A verdict that breaks a
/// rule becomes an escalation that says which. What a source did not answer counts against acting, never for it.
/// </summary>
internal static class Policy
{
    public static PolicyRuling Apply(Dossier dossier, Verdict verdict)
    {
        var violations = Violations(dossier, verdict).ToList();
        return violations.Count == 0
            ? new(verdict, [])
            : new(
                new Verdict(
                    Decision.Escalate,
                    verdict.Confidence,
                    [.. violations.Select(violation => $"Policy: {violation}"), $"The analyst had decided {verdict.Decision.InText()}.", .. verdict.Reasons]),
                violations);
    }

    /// <summary>Whether a decision breaks no rule.</summary>
    public static bool Allows(Dossier dossier, Verdict verdict) => !Violations(dossier, verdict).Any();

    /// <summary>
    /// An address from outside got in, and it does not look like somebody who may: it failed before, tried several
    /// accounts, is on a block list, or is a scanner. Logged in as root it is one in any case.
    /// </summary>
    public static bool IsIntruderLogin(Dossier dossier)
    {
        var alert = dossier.Alert;
        var outside = dossier.Assets is { Known: true } assets
            ? assets.Position is AddressPosition.Outside or AddressPosition.Scanner
            : alert.SourceIp is not null;
        var loggedIn = alert.SuccessCount > 0 || dossier.Logins is { Logins: > 0 };
        return outside && loggedIn && (
            dossier.Logins is null
            || dossier.Logins.Failures > 0
            || dossier.Logins.UsersLoggedIn > 1
            || alert.FailedCount > 0
            || alert.Rule == "auth.root_login"
            || dossier.Logins.LastLogin?.User == "root"
            || dossier.Threats is null or { Listed: true }
            || dossier.Assets is not { Known: true, Position: AddressPosition.Outside });
    }

    private static IEnumerable<string> Violations(Dossier dossier, Verdict verdict) => verdict.Decision switch
    {
        Decision.BlockIp => BlockViolations(dossier),
        Decision.DisableAccount => DisableViolations(dossier, verdict.Account),
        Decision.Close when IsIntruderLogin(dossier) => ["a login by an intruder is never closed."],
        _ => [],
    };

    private static IEnumerable<string> BlockViolations(Dossier dossier)
    {
        if (dossier.Alert.SourceIp is not { } address)
        {
            yield return "the alert names no address, so there is nothing to block.";
            yield break;
        }
        if (dossier.Assets is not { Known: true } assets)
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

    private static IEnumerable<string> DisableViolations(Dossier dossier, string? account)
    {
        if (string.IsNullOrEmpty(account))
        {
            yield return "no account is named, so there is nothing to disable.";
            yield break;
        }
        var named = TerminalText.Escape(account, 60);
        if (dossier.Assets is not { Known: true } assets)
        {
            yield return $"{named} cannot be disabled while the accounts of {dossier.Alert.Host} are unknown.";
            yield break;
        }
        if (!assets.Accounts.Contains(account))
        {
            yield return $"{named} is not an account of {dossier.Alert.Host}.";
        }
        if (!dossier.Alert.Users.Contains(account))
        {
            yield return $"{named} is not an account that the alert names.";
        }
        if (account == "root")
        {
            yield return "root is never disabled: nobody could mend the host.";
        }
    }
}
