using Signalbox;

namespace SecurityAlerts;

/// <summary>The tools that the carer may call: what was gathered about the request. It chooses neither whose record it reads nor which address.</summary>
internal sealed class CareTools : ToolSource
{
    public const string CustomerRecord = "customer_record";
    public const string AddressHistory = "address_history";

    public static readonly string[] Names = [CustomerRecord, AddressHistory];

    public override IReadOnlyList<Tool> Tools { get; } =
    [
        Tool.Read(CustomerRecord, "Whether the number is a customer's, their networks, and whether the address lies in one of them.", RecordOf),
        Tool.Read(AddressHistory, "What the host's log holds on the address: failed and successful logins, when it was seen. Nothing later than the request.", HistoryOf),
    ];

    private static CustomerRecord RecordOf(ToolContext context) => Gathered(context.Case<CareCase>().Customer);

    private static LoginHistory HistoryOf(ToolContext context) => Gathered(context.Case<CareCase>().Logins);

    private static T Gathered<T>(Evidence<T>? evidence) => evidence switch
    {
        { IsMissing: false, Value: { } found } => found,
        { IsMissing: true } => throw new InvalidOperationException($"the source '{evidence.Source}' is missing: {evidence.Reason}"),
        _ => throw new InvalidOperationException("that source was not asked"),
    };
}
