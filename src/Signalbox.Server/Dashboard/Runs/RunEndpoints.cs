using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Server.Api;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>The list of runs, a run's pages, and what its forms post.</summary>
internal static class RunEndpoints
{
    private const int TextMax = 1_000;

    public static void MapRunPages(this RouteGroupBuilder all)
    {
        all.MapPage("/", () => new RazorComponentResult<RunsPage>());
        all.MapPage("/runs", (HttpContext http) => TypedResults.LocalRedirect($"{http.Request.PathBase}/{http.Request.QueryString}"));
        all.MapPage("/runs/{run}", RunAsync);
        all.MapForm("/runs/{run}", CommandAsync).RequireAuthorization(SignalboxPolicies.Operator);
        all.MapPage("/runs/{run}/entries", EntriesAsync);
        all.MapPage("/runs/{run}/entries/{seq:long}", EntryAsync);
        all.MapPage("/runs/{run}/conversations", ConversationsAsync);
    }

    private static async Task<IResult> RunAsync(string run, [FromServices] RunQueries queries, HttpContext http, string? visit = null, string? from = null) =>
        await PageAsync(run, queries, http, null, StatusCodes.Status200OK, Whole(visit), Whole(from) ?? 0);

    private static async Task<IResult> PageAsync(string run, RunQueries queries, HttpContext http, CommandResult? result, int status, int? visit = null, int from = 0)
    {
        if (Id(run) is not { } id || await queries.ViewAsync(id, http.RequestAborted) is not { } view)
        {
            return NotFound(run);
        }

        return new RazorComponentResult<RunPage>(new Dictionary<string, object?>
        {
            [nameof(RunPage.View)] = view,
            [nameof(RunPage.Visit)] = visit,
            [nameof(RunPage.From)] = from,
            [nameof(RunPage.Result)] = result,
            [nameof(RunPage.MayOperate)] = await http.MayAsync(SignalboxPolicies.Operator),
        })
        { StatusCode = status };
    }

    private static async Task<IResult> EntriesAsync(string run, [FromServices] RunQueries queries, HttpContext http, string? from = null)
    {
        if (Id(run) is not { } id || await queries.FindAsync(id, http.RequestAborted) is not { } head)
        {
            return NotFound(run);
        }

        var first = long.TryParse(from, out var seq) ? Math.Clamp(seq, 1, Math.Max(1, head.Seq)) : 1;
        return new RazorComponentResult<EntriesPage>(new Dictionary<string, object?>
        {
            [nameof(EntriesPage.Head)] = head,
            [nameof(EntriesPage.Entries)] = await queries.EntriesAsync(id, first, EntriesPage.PageSize, http.RequestAborted),
            [nameof(EntriesPage.From)] = first,
        });
    }

    private static async Task<IResult> EntryAsync(string run, long seq, [FromServices] RunQueries queries, HttpContext http)
    {
        if (Id(run) is not { } id || await queries.FindAsync(id, http.RequestAborted) is not { } head)
        {
            return NotFound(run);
        }

        return await queries.EntryAsync(id, seq, http.RequestAborted) is { } entry
            ? new RazorComponentResult<EntryPage>(new Dictionary<string, object?> { [nameof(EntryPage.Entry)] = entry, [nameof(EntryPage.Last)] = head.Seq })
            : DashboardEndpoints.NotFound("entry_not_found", $"Run '{run}' has no entry {seq}; its last one is {head.Seq}.");
    }

    private static async Task<IResult> ConversationsAsync(string run, [FromServices] RunQueries queries, HttpContext http, string? scope = null)
    {
        if (Id(run) is not { } id || await queries.FindAsync(id, http.RequestAborted) is null)
        {
            return NotFound(run);
        }

        return new RazorComponentResult<ConversationsPage>(new Dictionary<string, object?>
        {
            [nameof(ConversationsPage.Run)] = id,
            [nameof(ConversationsPage.Scope)] = scope,
            [nameof(ConversationsPage.Conversations)] = await queries.ConversationsAsync(id, scope, http.RequestAborted),
        });
    }

    /// <summary>Carries a form's command out, and shows the run as it stands then, with what became of the command.</summary>
    private static async Task<IResult> CommandAsync(string run, [FromServices] RunQueries queries, [FromServices] IRunControl control, HttpContext http)
    {
        if (Id(run) is not { } id)
        {
            return NotFound(run);
        }

        if (!http.Request.HasFormContentType)
        {
            return await PageAsync(run, queries, http, new("request_invalid", "This takes what the forms of the page post. Nothing was changed."), StatusCodes.Status415UnsupportedMediaType);
        }

        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var text = form["text"].ToString().Trim();
        var verb = form["verb"].ToString();
        RunCommand? command = form["command"].ToString() switch
        {
            _ when text.Length > TextMax => null,
            "cancel" when text.Length > 0 => new CancelRun(id, text),
            "retry" when text.Length > 0 => new RetryRun(id, text),
            "release" when Verb(verb) is { } release => new ReleaseRun(id, release, text.Length > 0 ? text : null),
            "judge" when text.Length > 0 && verb is "right" or "wrong" => new JudgeDecision(id, form["decision"].ToString(), verb == "right", text),
            _ => null,
        };
        if (command is null)
        {
            return await PageAsync(run, queries, http, new("request_invalid", $"The form is not complete: say why, in at most {TextMax} characters. Nothing was changed."), StatusCodes.Status400BadRequest);
        }

        var result = await control.ExecuteAsync(command, http.Caller(), http.RequestAborted);
        return await PageAsync(run, queries, http, result, result.IsAccepted ? StatusCodes.Status200OK : Problems.StatusOf(result.Code));
    }

    private static ReleaseVerb? Verb(string name) => name switch
    {
        "retry" => ReleaseVerb.Retry,
        "accept" => ReleaseVerb.Accept,
        "undo" => ReleaseVerb.Undo,
        "abandon" => ReleaseVerb.Abandon,
        _ => null,
    };

    private static RazorComponentResult<MessagePage> NotFound(string run) => DashboardEndpoints.NotFound("run_not_found", $"There is no run '{run}' in this store.");

    private static RunId? Id(string run) => run.Length is > 0 and <= 64 && !string.IsNullOrWhiteSpace(run) ? new RunId(run) : null;

    private static int? Whole(string? text) => int.TryParse(text, out var number) && number >= 0 ? number : null;
}
