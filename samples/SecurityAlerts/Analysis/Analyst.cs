using Signalbox;

namespace SecurityAlerts;

/// <summary>The agent that decides what to do about an alert, and the ladder that it stands on: a fast model, a strong one, then a person.</summary>
internal static class Analyst
{
    public const string Name = "analyst";
    public const string Fast = "fast";
    public const string Strong = "strong";

    // Without the lists it is unknown whether the address is notorious; without the history, nearly everything is.
    public const double ConfidenceMaxWithoutThreats = 0.85;
    public const double ConfidenceMaxWithoutLogins = 0.55;
    public const double ConfidenceMaxWithoutAssets = 0.4;

    public static Agent<Verdict> For(ResponseOptions options) => new(Name)
    {
        Instructions = AnalystPrompt.Instructions,
        Confidence = verdict => verdict.Confidence,
        Reasons = verdict => verdict.Reasons,
        Kind = verdict => verdict.Decision.InText(),
        TurnsMax = options.TurnsMax,
        MissingCaps = new Dictionary<string, double>
        {
            [AlertSources.Logins] = ConfidenceMaxWithoutLogins,
            [AlertSources.Threats] = ConfidenceMaxWithoutThreats,
            [AlertSources.Assets] = ConfidenceMaxWithoutAssets,
            [AnalystTools.LoginHistory] = ConfidenceMaxWithoutLogins,
            [AnalystTools.ThreatReport] = ConfidenceMaxWithoutThreats,
            [AnalystTools.AssetReport] = ConfidenceMaxWithoutAssets,
        },
    };

    public static Ladder Ladder(ResponseOptions options, AnalystModels models)
    {
        // A call for somebody who knows more is heard on the next rung, however sure a tier is of it.
        var kinds = new Dictionary<string, Thresholds> { [Decision.Escalate.InText()] = new(Accept: 1, Floor: 0) };
        return new(
            new Tier(Fast, models.Fast.Name) { Accept = options.AcceptAt, Floor = options.FloorAt, Kinds = kinds },
            new Tier(Strong, models.Strong.Name) { Accept = options.AcceptAt, Floor = options.FloorAt, Kinds = kinds });
    }
}
