using Signalbox;

namespace SecurityAlerts;

/// <summary>One thing that a person may choose, by its name.</summary>
internal sealed record PersonsChoice(string Name, Decision Decision, string? Account, string What);

/// <summary>
/// What a person is shown: why the question is asked, what was proposed by whom, the evidence, and the analyst's dossier: what each tier said, why it climbed, what it found and
/// what is missing. Shown as data.
/// </summary>
internal sealed record Briefing(
    string? Why, Verdict? Proposed, string ProposedBy, CaseFile Evidence, Dossier? Dossier);

/// <summary>The question to a person. Only what the policy allows is offered; a person who has looked may always close.</summary>
internal static class PersonsChoices
{
    private const int AccountsMax = 5;

    public static IReadOnlyList<PersonsChoice> For(AlertCase @case)
    {
        var caseFile = @case.CaseFile;
        var alert = caseFile.Alert;
        var choices = new List<PersonsChoice>
        {
            new(Decision.Close.InText(), Decision.Close, null, Policy.IsIntruderLogin(caseFile)
                ? "does nothing. This looks like an intruder's login: close it only if you know who it was."
                : "does nothing."),
        };
        if (Policy.Allows(caseFile, new(Decision.BlockIp, 1, [])))
        {
            choices.Add(new(Decision.BlockIp.InText(), Decision.BlockIp, null, $"puts {alert.SourceIp} on the deny list."));
        }

        var accounts = alert.Users.Prepend(@case.Verdict?.Account).OfType<string>().Distinct()
            .Where(account => Policy.Allows(caseFile, new(Decision.DisableAccount, 1, [], account)))
            .Take(AccountsMax).ToList();
        choices.AddRange(accounts.Select(account => new PersonsChoice(
            accounts.Count == 1 ? Decision.DisableAccount.InText() : $"{Decision.DisableAccount.InText()}:{account}",
            Decision.DisableAccount,
            account,
            $"disables the account {account} on {alert.Host}.")));
        return choices;
    }

    public static Question Question(AlertCase @case, IReadOnlyList<PersonsChoice> choices)
    {
        var alert = @case.Alert;
        var about = alert.SourceIp ?? string.Join(", ", alert.Users.Take(3).Select(user => TerminalText.Escape(user, 40)));
        return new Question($"{TerminalText.Escape(alert.Id, 40)}: {TerminalText.Escape(alert.Rule, 40)} on {TerminalText.Escape(alert.Host, 40)} about {about}. What is to be done?", [.. choices.Select(choice => choice.Name)])
        {
            Meanings = choices.ToDictionary(choice => choice.Name, choice => choice.What),
            Details = new Briefing(@case.Why, @case.Verdict, @case.DecidedBy, @case.CaseFile, @case.Decision?.Dossier),
        };
    }
}
