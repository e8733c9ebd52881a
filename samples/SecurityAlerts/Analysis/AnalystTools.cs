using System.ComponentModel;
using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>
/// The tools that the analyst may call: reads of the three sources, bound to the site and the time of the alert that the run is about. A model chooses addresses and accounts, and never whose log
/// it reads or as of when. What was gathered already is answered as it was gathered, so that the analyst and the policy judge by the same evidence.
/// </summary>
internal sealed class AnalystTools : ToolSource
{
    public const string LoginHistory = "login_history";
    public const string ThreatReport = "threat_report";
    public const string AssetReport = "asset_report";
    public const string RootSession = "root_session";
    public const string AccountHistory = "account_history";
    public const string Neighbours = "neighbours";

    public static readonly string[] Names = [LoginHistory, ThreatReport, AssetReport, RootSession, AccountHistory, Neighbours];

    private readonly AlertSources _sources;

    public AnalystTools(AlertSources sources, ResponseOptions options)
    {
        _sources = sources;
        var limits = new ToolOptions { Within = options.SourceLimit };
        Tools =
        [
            Tool.Read(LoginHistory, "What the host's log holds on an address: failed and successful logins, when it was seen, the last login and how it was made, the last lines. Nothing later than the alert.", LoginHistoryAsync, limits),
            Tool.Read(ThreatReport, "What block lists say about an address.", ThreatReportAsync, limits),
            Tool.Read(AssetReport, "What is known of the alert's host (its accounts, its staff's addresses, its inside networks), and where the alert's address stands to it: staff, inside, scanner or outside.", AssetReportOf, limits),
            Tool.Read(RootSession, "Who worked as root on the host in the half hour before the alert, and where that person had logged in from.", RootSessionOf, limits),
            Tool.Read(AccountHistory, "An account of the host before the alert: when it was created, how often it has logged in, and from where.", AccountHistoryAsync, limits),
            Tool.Read(Neighbours, "Other addresses of an address's network (its /24) that the host's log holds, and what they did. Nothing later than the alert.", NeighboursAsync, limits),
        ];
    }

    public override IReadOnlyList<Tool> Tools { get; }

    private async Task<LoginHistory> LoginHistoryAsync([Description("An IP address.")] string address, ToolContext context, CancellationToken cancellationToken)
    {
        var known = context.Case<AlertCase>();
        var alert = known.Alert;
        var asked = AddressText.Of(Parsed(address));
        var history = asked == alert.SourceIp
            ? Gathered(known.Logins)
            : await _sources.LoginsAsync(new(alert.Site, asked, [], alert.Time, alert.AsOf), cancellationToken);
        return history with { Accounts = null, Session = null };
    }

    private async Task<ThreatReport> ThreatReportAsync([Description("An IP address.")] string address, ToolContext context, CancellationToken cancellationToken)
    {
        var known = context.Case<AlertCase>();
        var asked = AddressText.Of(Parsed(address));
        return asked == known.Alert.SourceIp ? Gathered(known.Threats)! : await _sources.ThreatsAsync(asked, cancellationToken);
    }

    private static AssetReport AssetReportOf(ToolContext context) => Gathered(context.Case<AlertCase>().Assets);

    private static SessionReport RootSessionOf(ToolContext context)
    {
        var session = Gathered(context.Case<AlertCase>().Logins).Session;
        return new(session is not null, session);
    }

    private Task<AccountHistory> AccountHistoryAsync([Description("The account's name.")] string user, ToolContext context, CancellationToken cancellationToken)
    {
        var alert = context.Case<AlertCase>().Alert;
        return _sources.AccountAsync(alert.Site, user, alert.Time, cancellationToken);
    }

    private Task<Neighbourhood> NeighboursAsync([Description("An IP address.")] string address, ToolContext context, CancellationToken cancellationToken)
    {
        var alert = context.Case<AlertCase>().Alert;
        return _sources.NeighboursAsync(alert.Site, Parsed(address), alert.AsOf, cancellationToken);
    }

    private static T Gathered<T>(Evidence<T>? evidence) => evidence switch
    {
        { IsMissing: false, Value: { } found } => found,
        { IsMissing: true } => throw new InvalidOperationException($"the source '{evidence.Source}' is missing: {evidence.Reason}"),
        _ => throw new InvalidOperationException("that source was not asked"),
    };

    private static IPAddress Parsed(string address) => AddressText.TryParse(address, out var parsed) ? parsed
        : throw new ArgumentException($"an IP address is expected, such as 192.0.2.7; got \"{TerminalText.Escape(address, 60)}\"");
}
