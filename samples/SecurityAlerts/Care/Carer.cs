using Signalbox;

namespace SecurityAlerts;

/// <summary>The agent that decides about a customer's request. One tier, then a person.</summary>
internal static class Carer
{
    public const string Name = "carer";
    public const string Tier = "care";

    /// <summary>Without the log it is unknown whether somebody attacks from there.</summary>
    private const double ConfidenceMaxWithoutLogins = 0.55;

    public static Agent<CareVerdict> For(ResponseOptions options) => new(Name)
    {
        Instructions = CarePrompt.Instructions,
        Confidence = verdict => verdict.Confidence,
        Reasons = verdict => verdict.Reasons,
        Kind = verdict => InText(verdict.Decision),
        TurnsMax = options.TurnsMax,
        MissingCaps = new Dictionary<string, double> { [AlertSources.Logins] = ConfidenceMaxWithoutLogins, [CareTools.AddressHistory] = ConfidenceMaxWithoutLogins },
    };

    public static Ladder Ladder(ResponseOptions options, AnalystModels models) => new(new Tier(Tier, models.Carer.Name) { Accept = options.AcceptAt, Floor = options.FloorAt });

    /// <summary>What must not happen whatever a customer says and a model believes: nobody is let in from an address that is not theirs.</summary>
    public static string? Objection(CustomerRecord customer, CareVerdict verdict) =>
        verdict.Decision != CareDecision.Allow || customer is { Known: true, IsTheirs: true } ? null
        : customer.Known ? $"the address is in no network of {TerminalText.Escape(customer.Customer, 40)}."
        : $"{TerminalText.Escape(customer.Customer, 40)} is no customer.";

    public static string InText(CareDecision decision) => decision == CareDecision.Allow ? "allow" : "leave";
}
