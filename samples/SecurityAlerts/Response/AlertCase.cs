using System.Text.Json.Serialization;
using Signalbox;

namespace SecurityAlerts;

/// <summary>What a run carries from state to state: the alert, what the sources answered about it, and the decision as it stands.</summary>
internal sealed record AlertCase(Alert Alert)
{
    public Evidence<LoginHistory>? Logins { get; init; }

    public Evidence<ThreatReport?>? Threats { get; init; }

    public Evidence<AssetReport>? Assets { get; init; }

    /// <summary>The decision as it stands: an analyst's, the policy's, or a person's.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>Whose decision that is: a model, <see cref="ByWorkflow"/>, or <c>person:anna</c>.</summary>
    public string DecidedBy { get; init; } = ByWorkflow;

    /// <summary>Why the decision cannot stand as it is, so that something is undone or a person must look.</summary>
    public string? Why { get; init; }

    /// <summary>Whether what was to be done stood already, made by somebody else or by another run.</summary>
    public bool WasSoAlready { get; init; }

    /// <summary>Who decided what no analyst was asked about.</summary>
    public const string ByWorkflow = "workflow";

    /// <summary>What an analyst and a person are shown.</summary>
    [JsonIgnore]
    public Dossier Dossier => new(Alert, Logins?.Value, Threats?.Value, Assets?.Value, Missing());

    private Dictionary<string, string> Missing()
    {
        var missing = new Dictionary<string, string>();
        Add(Logins?.Source, Logins?.Reason);
        Add(Threats?.Source, Threats?.Reason);
        Add(Assets?.Source, Assets?.Reason);
        return missing;

        void Add(string? source, string? reason)
        {
            if (source is not null && reason is not null)
            {
                missing[source] = reason;
            }
        }
    }
}
