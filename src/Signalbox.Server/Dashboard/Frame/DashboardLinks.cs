using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Signalbox.Server.Dashboard.Frame;

/// <summary>
/// The addresses of the dashboard's pages, below whatever the host put it under: the request's path base, into which the gate has moved our prefix. No page writes an address in another way. One for each request.
/// </summary>
internal sealed class DashboardLinks
{
    private readonly DashboardAssets _assets;

    public DashboardLinks(IHttpContextAccessor http, DashboardAssets assets)
        : this(SignalboxRoute.PathBaseOf(http.HttpContext ?? throw new InvalidOperationException("There is no request whose links these could be.")).ToUriComponent().TrimEnd('/'), assets)
    {
    }

    /// <summary>Links below that path, which does not end with a slash.</summary>
    public DashboardLinks(string root, DashboardAssets assets)
    {
        Root = root;
        _assets = assets;
    }

    /// <summary>What all addresses begin with: empty, or a path without the slash at its end.</summary>
    public string Root { get; }

    /// <summary>The runs.</summary>
    public string Runs => Root + "/";

    public string Approvals => Root + "/approvals";

    public string Claims => Root + "/claims";

    public string Search => Root + "/search";

    public string Statistics => Root + "/statistics";

    public string System => Root + "/system";

    public string Login => Root + "/login";

    public string Logout => Root + "/logout";

    /// <summary>The server-sent events of all runs.</summary>
    public string Events => Root + "/api/v1/events";

    /// <summary>A run's page, or a part of it: <c>#decisions</c>.</summary>
    public string Run(RunId run, string? part = null) => $"{Root}/runs/{Uri.EscapeDataString(run.ToString())}{(part is null ? "" : "#" + part)}";

    public string Entry(RunId run, long seq) => string.Create(CultureInfo.InvariantCulture, $"{Run(run)}/entries/{seq}");

    /// <summary>A run's entries, from there on.</summary>
    public string Entries(RunId run, long? from = null) => $"{Run(run)}/entries{Query(("from", from?.ToString(CultureInfo.InvariantCulture)))}";

    /// <summary>A run's page with the spans of one visit in its timeline.</summary>
    public string Visit(RunId run, int visit, int from = 0) => string.Create(CultureInfo.InvariantCulture, $"{Run(run)}?visit={visit}{(from == 0 ? "" : $"&from={from}")}#timeline");

    /// <summary>A run's conversations, or those of one scope.</summary>
    public string Conversations(RunId run, string? scope = null) => $"{Run(run)}/conversations{Query(("scope", scope))}";

    /// <summary>The page of one question.</summary>
    public string Approval(RunId run, string step) => $"{Approvals}/{Uri.EscapeDataString(run.ToString())}{Query(("step", step))}";

    public string SearchFor(string text) => Search + Query(("q", text));

    /// <summary>An asset of ours, by a name that changes with its content.</summary>
    public string Asset(string name) => $"{Root}/assets/{name}?v={_assets.Find(name)?.Version ?? throw new ArgumentException($"There is no asset '{name}'.", nameof(name))}";

    /// <summary>A query string of those members that have a value; empty if none has.</summary>
    public static string Query(params IEnumerable<(string Name, string? Value)> members)
    {
        var query = string.Join('&', members.Where(m => !string.IsNullOrEmpty(m.Value)).Select(m => $"{Uri.EscapeDataString(m.Name)}={Uri.EscapeDataString(m.Value!)}"));
        return query.Length == 0 ? "" : "?" + query;
    }
}
