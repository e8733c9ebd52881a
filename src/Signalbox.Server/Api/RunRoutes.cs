using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Server.Api;

/// <summary>What the API reads. All of it comes from the one query layer.</summary>
internal static class RunRoutes
{
    private const int LimitMax = 1_000;
    private static readonly QueryParameter Limit = new("limit", $"How many at most, from 1 to {LimitMax}.", "integer");

    public static void MapReads(this RouteGroupBuilder api)
    {
        api.MapGet("/runs", RunsAsync).Reads<RunsPageResource>(
            "runs", "Runs that match, the newest start first.", new("workflow", "Of this workflow."), new("version", "Of this version of it.", "integer"), new("status", "In one of these statuses.", IsMany: true), new("state", "In this state."),
            new("label", "With this label, as name=value.", IsMany: true), new("idPrefix", "Whose id begins so."), new("key", "Started under this key."), new("asksAPerson", "Only those with an open question.", "boolean"), new("since", "Started then or later."), new("until", "Started before."),
            new("after", "Go on after this run of an earlier page ('next')."), Limit);
        api.MapGet("/runs/{run}", RunAsync).ReadsRun<RunDetail>("run", "Everything about a run.");
        Part(api, "visits", "The states it stayed in.", v => v.Visits);
        Part(api, "timeline", "Its spans, each after the one that it lies in.", v => v.Spans);
        Part(api, "evidence", "What sources answered, and what is missing.", v => v.Evidence);
        Part(api, "decisions", "Its decisions with confidence, reasons and outcome.", v => v.Decisions);
        Part(api, "escalations", "What moved up the ladder, and why.", v => v.Escalations);
        Part(api, "model-calls", "Model calls, those that failed too.", v => v.ModelCalls);
        Part(api, "tool-calls", "Tool calls: answered, failed or rejected.", v => v.ToolCalls);
        Part(api, "actions", "Its actions, with their proof.", v => v.Actions);
        Part(api, "approvals", "Its questions to people, and who answered what.", v => v.Approvals);
        Part(api, "costs", "What agents used up, money in millionths.", v => v.Costs);
        api.MapGet("/runs/{run}/conversations", ConversationsAsync).ReadsRun<IReadOnlyList<ConversationView>>("conversations", "What models were asked and answered, word for word.", new QueryParameter("scope", "This scope alone, and those within it."));
        api.MapGet("/runs/{run}/entries", EntriesAsync).ReadsRun<EntriesPage>(
            "entries", "Its entries in order. A value longer than 8 KiB is cut.", new QueryParameter("from", "From this seq on ('next' of an earlier page).", "integer"), Limit);
        api.MapGet("/runs/{run}/entries/{seq:long}", EntryAsync).ReadsRun<EntryView>("entry", "One entry, whole.");
        api.MapGet("/approvals", InboxAsync).Reads<QuestionsResource>("inbox", "The open questions to people, the one that is due first before the others. 'hash' goes into the answer.", Limit);
        api.MapGet("/claims", ClaimsAsync).Reads<ClaimsPageResource>(
            "claims", "Who has a stake in what.", new("resource", "Overlapping this address, network, or name such as account/web-01/root."), new("run", "Of this run."), new("phase", "In one of these phases.", IsMany: true),
            new("after", "Go on after this position ('next' of an earlier page).", "integer"), Limit);
        api.MapGet("/conflicts", async (HttpContext context, RunQueries queries) =>
                Json(new ConflictsResource(await queries.ConflictsAsync(new ApiQuery(context).Limit(100, LimitMax), context.RequestAborted))))
            .Reads<ConflictsResource>("conflicts", "Conflicts between actions and how they were ruled, the newest first.", Limit);
        api.MapGet("/search", SearchAsync).Reads<SearchPage>(
            "search", "Entries by their text.", new("q", "Words, \"phrases\", begin*, -without, and exact tokens such as 192.0.2.7."), new("workflow", "Of this workflow."), new("state", "Written in this state."),
            new("kind", "Of this kind of entry; tool.* for a family.", IsMany: true), new("agent", "Of this agent."), new("tier", "Of this tier."), new("code", "With this outcome code."), new("run", "Of this run."),
            new("label", "Of runs with this label, as name=value.", IsMany: true), new("since", "Written then or later."), new("until", "Written before."), new("byRank", "The best first, in place of the newest.", "boolean"),
            new("after", "Go on after an earlier page ('next')."), Limit);
        api.MapGet("/statistics", async (HttpContext context, RunQueries queries) =>
            {
                var query = new ApiQuery(context);
                return Json(await queries.StatisticsAsync(
                    new() { Since = query.Time("since"), Until = query.Time("until"), Workflow = query.Text("workflow"), Buckets = (int)(query.Whole("buckets", 1, 500) ?? 24) }, context.RequestAborted));
            })
            .Reads<Statistics>(
                "statistics", "What runs came to in a stretch of time.", new("since", "From then on."), new("until", "Until then."), new("workflow", "Of this workflow."), new("buckets", "Into how many stretches the time is cut, from 1 to 500.", "integer"));
        api.MapGet("/definitions/{fingerprint}", DefinitionAsync).ReadsRun<WorkflowDefinition>("definition", "A workflow's definition, by its fingerprint.", new QueryParameter("format", "json or mermaid."));
        api.MapGet("/system", async (HttpContext context, RunQueries queries) => Json(await queries.SystemAsync(context.RequestAborted)))
            .Reads<SystemView>("system", "Whether everything works: store, owner, workers, runs, index, each with a verdict.");
        api.MapGet("/me", Me).Reads<CallerResource>("me", "Who asks, with which roles, and the antiforgery token that a page sends along with what it changes.");
    }

    /// <summary>An answer in the API's own form.</summary>
    public static JsonHttpResult<T> Json<T>(T value, int status = StatusCodes.Status200OK) => TypedResults.Json(value, ApiJson.Options, statusCode: status);

    private static void Part<T>(RouteGroupBuilder api, string name, string summary, Func<RunView, IReadOnlyList<T>> part) => api
        .MapGet($"/runs/{{run}}/{name}", async (string run, HttpContext context, RunQueries queries) => Json(part(await ViewAsync(run, queries, context.RequestAborted))))
        .ReadsRun<IReadOnlyList<T>>("run." + name, summary);

    private static async Task<RunView> ViewAsync(string run, RunQueries queries, CancellationToken cancellationToken)
    {
        var id = ApiQuery.RunOf(run);
        return await queries.ViewAsync(id, cancellationToken) ?? throw ApiQuery.NotFound(id);
    }

    private static async Task<RunHead> HeadAsync(string run, RunQueries queries, CancellationToken cancellationToken)
    {
        var id = ApiQuery.RunOf(run);
        return await queries.FindAsync(id, cancellationToken) ?? throw ApiQuery.NotFound(id);
    }

    private static async Task<IResult> RunsAsync(HttpContext context, RunQueries queries)
    {
        var query = new ApiQuery(context);
        var wanted = new RunQuery
        {
            Workflow = query.Text("workflow"),
            Version = (int?)query.Whole("version", 1, int.MaxValue),
            Statuses = query.Names<RunStatus>("status"),
            State = query.Text("state"),
            IdPrefix = query.Text("idPrefix"),
            Key = query.Text("key"),
            Labels = query.Labels("label"),
            AsksAPerson = query.Flag("asksAPerson"),
            Since = query.Time("since"),
            Until = query.Time("until"),
            After = query.Run("after"),
            Limit = query.Limit(50, LimitMax),
        };
        if (wanted.After is { } after && await queries.FindAsync(after, context.RequestAborted) is null)
        {
            throw ApiQuery.NotFound(after);
        }

        var runs = await queries.RunsAsync(wanted, context.RequestAborted);
        return Json(new RunsPageResource([.. runs.Select(RunResource.Of)], runs.Count == wanted.Limit ? runs[^1].Row.Run : null));
    }

    private static async Task<IResult> RunAsync(string run, HttpContext context, RunQueries queries) => Json(RunDetail.Of(await ViewAsync(run, queries, context.RequestAborted)));

    private static async Task<IResult> ConversationsAsync(string run, HttpContext context, RunQueries queries)
    {
        var head = await HeadAsync(run, queries, context.RequestAborted);
        return Json(await queries.ConversationsAsync(head.Row.Run, new ApiQuery(context).Text("scope"), context.RequestAborted));
    }

    private static async Task<IResult> EntriesAsync(string run, HttpContext context, RunQueries queries)
    {
        var query = new ApiQuery(context);
        var head = await HeadAsync(run, queries, context.RequestAborted);
        var limit = query.Limit(100, RunQueries.ListedMax);
        var entries = await queries.EntriesAsync(head.Row.Run, query.Whole("from", 0, long.MaxValue) ?? 0, limit, context.RequestAborted);
        return Json(new EntriesPage(entries, entries.Count == limit ? entries[^1].Seq + 1 : null));
    }

    private static async Task<IResult> EntryAsync(string run, long seq, HttpContext context, RunQueries queries)
    {
        var head = await HeadAsync(run, queries, context.RequestAborted);
        return Json(await queries.EntryAsync(head.Row.Run, seq, context.RequestAborted)
            ?? throw Problems.Exception(StatusCodes.Status404NotFound, "entry_not_found", $"Run '{head.Row.Run}' has no entry {seq}; its last one is {head.Seq}."));
    }

    private static async Task<IResult> InboxAsync(HttpContext context, RunQueries queries)
    {
        var cards = await queries.InboxAsync(new ApiQuery(context).Limit(100, LimitMax), context.RequestAborted);
        return Json(new QuestionsResource([.. cards.Select(c => QuestionResource.Of(c, queries.Clock.GetUtcNow()))]));
    }

    private static async Task<IResult> ClaimsAsync(HttpContext context, RunQueries queries)
    {
        var query = new ApiQuery(context);
        var limit = query.Limit(100, LimitMax);
        var rows = await queries.ClaimsAsync(
            new()
            {
                Overlapping = query.Text("resource") is { } name ? [ResourceOf(name)] : null,
                Run = query.Run("run"),
                Phases = query.Names<ClaimPhase>("phase"),
                After = query.Whole("after", 0, long.MaxValue),
                Limit = limit,
            },
            context.RequestAborted);
        return Json(new ClaimsPageResource([.. rows.Select(ClaimResource.Of)], rows.Count >= limit ? rows[^1].Position : null));
    }

    /// <summary>What somebody means by a resource: an address, a network, or names from the outermost to the innermost.</summary>
    private static Resource ResourceOf(string text)
    {
        try
        {
            var name = text.StartsWith("ip/", StringComparison.Ordinal) ? text[3..] : text;
            return name.Split('/')[0] is var first && System.Net.IPAddress.TryParse(first, out _) ? Resource.AddressOrNetwork(name) : Resource.Of(text.Split('/')[0], text.Split('/')[1..]);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw ApiQuery.Wrong($"'resource' wants an address, a network, or a name such as account/web-01/root: {e.Message.TrimEnd('.')}.");
        }
    }

    private static async Task<IResult> SearchAsync(HttpContext context, RunQueries queries)
    {
        var query = new ApiQuery(context);
        return Json(await queries.SearchAsync(
            new()
            {
                Text = query.Text("q") is { } text ? text.Length <= SearchQuery.TextMax ? text : throw ApiQuery.Wrong($"'q' has at most {SearchQuery.TextMax} characters.") : "",
                Workflow = query.Text("workflow"),
                State = query.Text("state"),
                Kinds = query.Texts("kind"),
                Agent = query.Text("agent"),
                Tier = query.Text("tier"),
                Code = query.Text("code"),
                Run = query.Run("run"),
                Labels = query.Labels("label"),
                Since = query.Time("since"),
                Until = query.Time("until"),
                ByRank = query.Flag("byRank"),
                After = query.Text("after"),
                Limit = query.Limit(50, LimitMax),
            },
            context.RequestAborted));
    }

    private static async Task<IResult> DefinitionAsync(string fingerprint, HttpContext context, RunQueries queries)
    {
        var isHash = fingerprint.Length == 64 && fingerprint.All(char.IsAsciiHexDigitLower);
        var stored = isHash ? await queries.Reader.FindPayloadAsync(new PayloadHash(fingerprint), context.RequestAborted) : null;
        WorkflowDefinition? definition = null;
        try
        {
            definition = stored is { } bytes ? WorkflowDefinition.FromJson(bytes.Span) : null; // any payload has an address: only a definition is shown here
        }
        catch (System.Text.Json.JsonException)
        {
        }

        if (definition is null || definition.Fingerprint != fingerprint)
        {
            throw Problems.Exception(StatusCodes.Status404NotFound, "definition_missing", "The store has no definition of that fingerprint; a run says its own.");
        }

        return new ApiQuery(context).Text("format") switch
        {
            null or "json" => Json(definition),
            "mermaid" => TypedResults.Text(definition.ToMermaid(), "text/plain", System.Text.Encoding.UTF8),
            _ => throw ApiQuery.Wrong("'format' wants json or mermaid."),
        };
    }

    private static JsonHttpResult<CallerResource> Me(HttpContext context, IAntiforgery antiforgery)
    {
        var (caller, token) = (context.Caller(), antiforgery.GetAndStoreTokens(context));
        return Json(new CallerResource(caller.Actor, Caller.IsPerson(caller.Actor), caller.Roles, token.RequestToken ?? "", token.HeaderName ?? ""));
    }
}
