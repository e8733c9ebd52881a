using System.Text.Json.Serialization;
using Signalbox;

namespace SecurityAlerts;

/// <summary>What a run carries from state to state: the alert, what the sources answered about it, and the decision as it stands.</summary>
internal sealed record AlertCase(Alert Alert)
{
    public Evidence<LoginHistory>? Logins { get; init; }

    public Evidence<ThreatReport?>? Threats { get; init; }

    public Evidence<AssetReport>? Assets { get; init; }

    /// <summary>What came of asking the analyst, with the dossier: what each tier said, what was found, what is missing.</summary>
    public Decision<Verdict>? Decision { get; init; }

    /// <summary>The decision as it stands: an analyst's or a person's; while a person is asked, the one that was proposed.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>Whose that is: a tier's, <see cref="ByWorkflow"/>, or <c>person:anna</c>.</summary>
    public string DecidedBy { get; init; } = ByWorkflow;

    /// <summary>Why the decision cannot stand as it is, so that something is undone or a person must look.</summary>
    public string? Why { get; init; }

    /// <summary>Whether what was to be done stood already, made by somebody else or by another run.</summary>
    public bool WasSoAlready { get; init; }

    /// <summary>Whether the target has only said that it is done, and could not be asked: a second look is all that shows it.</summary>
    public bool IsUnverified { get; init; }

    /// <summary>Who decided what no analyst was asked about.</summary>
    public const string ByWorkflow = "workflow";

    /// <summary>What was gathered before the analyst was asked.</summary>
    [JsonIgnore]
    public IReadOnlyList<IEvidence> Evidence => [.. new IEvidence?[] { Logins, Threats, Assets }.OfType<IEvidence>()];

    /// <summary>What the policy judges by, and a person is shown.</summary>
    [JsonIgnore]
    public CaseFile CaseFile => new(Alert, Logins?.Value, Threats?.Value, Assets?.Value, Missing());

    private Dictionary<string, string> Missing() => Evidence.Where(evidence => evidence.IsMissing).ToDictionary(evidence => evidence.Source, evidence => evidence.Reason!);
}
