using Signalbox;
using Signalbox.Journal;

namespace SecurityAlerts;

/// <summary>What became of a customer's request whose run goes on no further by itself.</summary>
internal sealed record HandledRequest(string Id, string Run, bool IsLetIn, IReadOnlyList<string> Reasons)
{
    /// <summary>Whom it waits for; null when it is handled.</summary>
    public string? WaitsFor { get; init; }

    /// <summary>What the person may answer.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Whether that is about an action, which is approved or rejected.</summary>
    public bool AsksForApproval { get; init; }

    public static HandledRequest Of(CareRequest request, RunRow row, CareCase @case, ApprovalRequested? asked)
    {
        var reasons = @case.Verdict?.Reasons ?? [];
        return row.Status switch
        {
            RunStatus.Completed => new(request.Id, row.Run.Value, @case.IsLetIn, @case.Why is { } why ? [why, .. reasons] : reasons),
            RunStatus.Held or RunStatus.Failed or RunStatus.Canceled => new(request.Id, row.Run.Value, false, [DecidedAlert.Stopped(row), .. reasons]) { WaitsFor = DecidedAlert.AnOperator },
            _ => new(request.Id, row.Run.Value, false, asked?.Action is not null ? DecidedAlert.WhyApproval(asked) : @case.Why is { } why ? [why, .. reasons] : reasons)
            {
                WaitsFor = DecidedAlert.APerson,
                Choices = asked?.Choices ?? [],
                AsksForApproval = asked?.Action is not null,
            },
        };
    }
}

/// <summary>What became of the customers' requests.</summary>
/// <param name="Requests">Those that go on no further by themselves.</param>
/// <param name="Left">How many others there are.</param>
internal sealed record CareSummary(IReadOnlyList<HandledRequest> Requests, int Left, IReadOnlyList<OppositeWish> Opposite)
{
    public static CareSummary None { get; } = new([], 0, []);
}
