using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Search;

/// <summary>The search page.</summary>
internal static class SearchEndpoints
{
    public static void MapSearch(this RouteGroupBuilder pages) => pages.MapPage("/search", PageAsync);

    private static async Task<IResult> PageAsync(HttpContext http, RunQueries queries, CancellationToken cancellationToken)
    {
        var asked = http.Request.Query;
        var form = new SearchForm
        {
            Q = Of("q"), Workflow = Of("workflow"), State = Of("state"), Kind = Of("kind"), Agent = Of("agent"), Tier = Of("tier"), Code = Of("code"), Run = Of("run"), Label = Of("label"),
            Since = Of("since"), Until = Of("until"), Order = Of("order") == "rank" ? "rank" : "", After = Of("after"),
        };
        var (query, faults) = form.Parse();
        SearchPage? page = null;
        IndexStatus? status = null;
        string? trouble = null;
        try
        {
            if (query is not null && !form.IsEmpty)
            {
                page = await queries.SearchAsync(query, cancellationToken);
                status = page.Status;
            }
            else if (queries.Index is { } index)
            {
                status = await index.StatusAsync(cancellationToken);
            }
            else
            {
                trouble = "This store has no search index.";
            }
        }
        catch (SearchQueryException e)
        {
            faults = new Dictionary<string, string> { ["q"] = e.Message };
        }
        catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException)
        {
            trouble = e.Message;
        }

        return new RazorComponentResult<FoundPage>(new Dictionary<string, object?>
        {
            [nameof(FoundPage.Form)] = form with { Faults = faults },
            [nameof(FoundPage.Page)] = page,
            [nameof(FoundPage.Status)] = status,
            [nameof(FoundPage.Trouble)] = trouble,
        }) { StatusCode = faults.Count > 0 ? StatusCodes.Status400BadRequest : trouble is not null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK };

        string Of(string name) => asked[name].ToString().Trim();
    }
}
