using System.Text.Json.Serialization;
using Signalbox;

namespace SecurityAlerts;

/// <summary>What a run of customer care carries from state to state.</summary>
internal sealed record CareCase(CareRequest Request)
{
    public Evidence<CustomerRecord>? Customer { get; init; }

    public Evidence<LoginHistory>? Logins { get; init; }

    public Decision<CareVerdict>? Decision { get; init; }

    /// <summary>The decision as it stands: the carer's or a person's.</summary>
    public CareVerdict? Verdict { get; init; }

    /// <summary>The person who decided; null where the carer did.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>Why it is not as it was decided, or why a person must look.</summary>
    public string? Why { get; init; }

    /// <summary>Whether the address was let through.</summary>
    public bool IsLetIn { get; init; }

    /// <summary>Whether nothing blocked it, so that nothing had to be done.</summary>
    public bool WasSoAlready { get; init; }

    [JsonIgnore]
    public IReadOnlyList<IEvidence> Evidence => [.. new IEvidence?[] { Customer, Logins }.OfType<IEvidence>()];
}

/// <summary>The states of a request's run. Stored by name.</summary>
internal enum CareState
{
    Look,
    Decide,
    Allow,
    Verify,
    AskPerson,
    Closed,
}
