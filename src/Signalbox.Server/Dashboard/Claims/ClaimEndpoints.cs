using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Signalbox.Queries;
using Signalbox.Server.Api;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Claims;

/// <summary>Which claims are shown.</summary>
public sealed record ClaimFilter(string? Resource, ClaimPhase? Phase, string? Run)
{
    public bool IsEmpty => string.IsNullOrEmpty(Resource) && Phase is null && string.IsNullOrEmpty(Run);

    public bool Matches(ClaimRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return (string.IsNullOrEmpty(Resource) || row.Claim.Resource.Name.Contains(Resource, StringComparison.OrdinalIgnoreCase))
            && (Phase is null || row.Phase == Phase)
            && (string.IsNullOrEmpty(Run) || row.Run.Value.StartsWith(Run, StringComparison.Ordinal));
    }
}

/// <summary>Who claims what, and what became of conflicts.</summary>
internal static class ClaimEndpoints
{
    private const int ClaimsMax = 2_000;
    private const int ShownMax = 200;
    private const int ConflictsMax = 100;

    public static void MapClaims(this RouteGroupBuilder pages)
    {
        pages.MapPage("/claims", (string? resource, string? phase, string? run, HttpContext http, [FromServices] RunQueries queries, CancellationToken cancellationToken) =>
            PageAsync(http, queries, new(resource?.Trim(), Enum.TryParse<ClaimPhase>(phase, out var only) && Enum.IsDefined(only) ? only : null, run?.Trim()), null, cancellationToken));
        pages.MapForm("/claims/release", ReleaseAsync).RequireAuthorization(SignalboxPolicies.Operator);
    }

    private static async Task<IResult> ReleaseAsync(HttpContext http, [FromServices] RunQueries queries, [FromServices] IRunControl control, CancellationToken cancellationToken)
    {
        if (http.FindCaller() is not { } caller)
        {
            return TypedResults.Unauthorized();
        }

        if (!http.Request.HasFormContentType)
        {
            return TypedResults.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        }

        const int ReasonMax = 2_000;
        var form = await http.Request.ReadFormAsync(cancellationToken);
        var (run, action, reason) = (form["run"].ToString(), form["action"].ToString(), form["reason"].ToString());
        CommandResult result;
        if (string.IsNullOrWhiteSpace(run) || run.Length > 64 || string.IsNullOrWhiteSpace(action))
        {
            result = new("claim_not_standing", "The form names no run and no action.");
        }
        else if (string.IsNullOrWhiteSpace(reason) || reason.Length > ReasonMax)
        {
            result = new("reason_missing", $"A release needs a reason, for the record, of {Shown.Number(ReasonMax)} characters at most.");
        }
        else
        {
            result = await control.ExecuteAsync(new ReleaseClaim(new RunId(run), action, reason.Trim()), caller, cancellationToken);
        }

        return await PageAsync(http, queries, new(null, null, null), result, cancellationToken);
    }

    private static async Task<IResult> PageAsync(HttpContext http, RunQueries queries, ClaimFilter filter, CommandResult? result, CancellationToken cancellationToken)
    {
        var all = await queries.ClaimsAsync(new ClaimQuery { Limit = ClaimsMax }, cancellationToken);
        var rows = all.Where(filter.Matches).OrderBy(c => c.Claim.Resource.Path, StringComparer.Ordinal).ThenBy(c => c.Position).ToList();
        IReadOnlyList<RunConflict> conflicts = [];
        string? fault = null;
        try
        {
            conflicts = await queries.ConflictsAsync(ConflictsMax, cancellationToken);
        }
        catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException)
        {
            fault = e.Message; // the index is disposable; the claims are shown without it
        }

        return new RazorComponentResult<ClaimsPage>(new Dictionary<string, object?>
        {
            [nameof(ClaimsPage.Rows)] = rows.Take(ShownMax).ToList(),
            [nameof(ClaimsPage.All)] = all,
            [nameof(ClaimsPage.Filter)] = filter,
            [nameof(ClaimsPage.HasMore)] = rows.Count > ShownMax || all.Count >= ClaimsMax,
            [nameof(ClaimsPage.Conflicts)] = conflicts,
            [nameof(ClaimsPage.Fault)] = fault,
            [nameof(ClaimsPage.IsOfIndex)] = queries.Index is not null,
            [nameof(ClaimsPage.MayRelease)] = await http.MayAsync(SignalboxPolicies.Operator),
            [nameof(ClaimsPage.Result)] = result,
        })
        { StatusCode = result switch { null or { IsAccepted: true } => StatusCodes.Status200OK, { Code: "reason_missing" } => StatusCodes.Status400BadRequest, _ => Problems.StatusOf(result.Code) } };
    }
}
