using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Approvals;

/// <summary>The inbox, the page of one question, and what its forms post to.</summary>
internal static class ApprovalEndpoints
{
    private const int QuestionsMax = 100;

    public static void MapApprovals(this RouteGroupBuilder pages)
    {
        pages.MapPage("/approvals", InboxAsync);
        pages.MapPage("/approvals/{run}", AskAsync);
        pages.MapForm("/approvals/{run}", AnswerAsync).RequireAuthorization(SignalboxPolicies.Approver);
    }

    private static async Task<IResult> InboxAsync(HttpContext http, [FromServices] RunQueries queries, CancellationToken cancellationToken)
    {
        var (caller, isApprover) = (http.FindCaller(), await http.MayAsync(SignalboxPolicies.Approver));
        var now = queries.Clock.GetUtcNow();
        var cards = await queries.InboxAsync(QuestionsMax + 1, cancellationToken);
        return new RazorComponentResult<InboxPage>(new Dictionary<string, object?>
        {
            [nameof(InboxPage.Questions)] = cards.Take(QuestionsMax).Select(c => (c, Standing.Of(c, caller, isApprover, now))).ToList(),
            [nameof(InboxPage.Now)] = now,
            [nameof(InboxPage.HasMore)] = cards.Count > QuestionsMax,
        });
    }

    private static async Task<IResult> AskAsync(string run, string? step, string? full, HttpContext http, [FromServices] RunQueries queries, CancellationToken cancellationToken) =>
        Id(run) is { } id && await queries.FindAsync(id, cancellationToken) is { } head
            ? await PageAsync(http, queries, head, step, full == "1", null, cancellationToken)
            : NoRun(run);

    private static async Task<IResult> AnswerAsync(string run, string? step, string? full, HttpContext http, [FromServices] RunQueries queries, [FromServices] IRunControl control, CancellationToken cancellationToken)
    {
        if (http.FindCaller() is not { } caller)
        {
            return TypedResults.Unauthorized();
        }

        if (!http.Request.HasFormContentType)
        {
            return TypedResults.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        }

        // Read before anything is looked up: what is too long is refused whatever it is about.
        var form = await http.Request.ReadFormAsync(cancellationToken);
        if (Id(run) is not { } id || await queries.FindAsync(id, cancellationToken) is not { } head)
        {
            return NoRun(run);
        }

        var posted = new PostedAnswer(form["choice"], step, form["asked"], form["hash"], form["comment"], form["edited"], full == "1");
        var open = Waits(head, step);
        var card = open is [var wait] ? await queries.CardAsync(head, wait, cancellationToken) : null;
        if (Answering.Fault(posted, card) is { } fault)
        {
            return await PageAsync(http, queries, head, step, posted.Full, fault, cancellationToken);
        }

        AnswerResult result;
        try
        {
            var said = await control.ExecuteAsync(Answering.Command(id, posted, card), caller, cancellationToken);
            head = await queries.FindAsync(id, cancellationToken) ?? head;
            var waits = card is null ? null : head.Waits.FirstOrDefault(w => w.Seq == card.Wait.Seq && w.Kind == WaitKind.Approval);
            var still = waits?.Approval is { } approval ? Math.Max(1, approval.Terms.Quorum - approval.Voices.Count(v => v.Choice == OpenApproval.Approve)) : 0;
            result = Answering.Result(said, posted, card?.Asked.Action is not null, still, asksAnother: said.Code == "approval_not_open" && Waits(head, null).Count > 0);
        }
        catch (Exception e) when (e is StoreUnavailableException or StoreRefusedException)
        {
            result = Answering.Unavailable(e);
        }

        return await PageAsync(http, queries, head, step, posted.Full, result, cancellationToken);
    }

    /// <summary>The page of a run's question as it is now, below what became of an answer.</summary>
    private static async Task<IResult> PageAsync(HttpContext http, RunQueries queries, RunHead head, string? step, bool full, AnswerResult? result, CancellationToken cancellationToken)
    {
        var run = head.Row.Run;
        var open = Waits(head, step);
        var others = open.Count == 0 ? Waits(head, null) : [];
        if (result is not null && others is [_])
        {
            (open, others) = (others, []); // what was answered is gone: what is asked in its place is what one wants to see
        }

        var cards = new List<ApprovalCard>();
        foreach (var wait in open.Concat(others))
        {
            cards.Add(await queries.CardAsync(head, wait, cancellationToken));
        }

        return new RazorComponentResult<QuestionPage>(new Dictionary<string, object?>
        {
            [nameof(QuestionPage.Run)] = run,
            [nameof(QuestionPage.Question)] = others.Count == 0 && cards is [var card] ? await ModelAsync(http, queries, card, full, cancellationToken) : null,
            [nameof(QuestionPage.Several)] = others.Count > 0 || cards.Count > 1 ? cards : [],
            [nameof(QuestionPage.IsGone)] = open.Count == 0,
            [nameof(QuestionPage.Result)] = result,
        })
        { StatusCode = result?.StatusCode ?? (open.Count == 0 ? StatusCodes.Status404NotFound : StatusCodes.Status200OK) };
    }

    private static async Task<QuestionModel> ModelAsync(HttpContext http, RunQueries queries, ApprovalCard card, bool full, CancellationToken cancellationToken)
    {
        var (caller, isApprover) = (http.FindCaller(), await http.MayAsync(SignalboxPolicies.Approver));
        var now = queries.Clock.GetUtcNow();
        var inbox = (await queries.InboxAsync(QuestionsMax, cancellationToken)).ToList();
        var at = inbox.FindIndex(c => c.Row.Run == card.Row.Run && c.Wait.Seq == card.Wait.Seq);
        return new(card, await queries.ViewAsync(card.Row.Run, cancellationToken), Standing.Of(card, caller, isApprover, now), now)
        {
            Full = full,
            Previous = at > 0 ? inbox[at - 1] : null,
            Next = at >= 0 && at + 1 < inbox.Count ? inbox[at + 1] : null,
        };
    }

    private static IReadOnlyList<OpenWait> Waits(RunHead head, string? step) =>
        [.. head.Waits.Where(w => w.Kind == WaitKind.Approval && (string.IsNullOrEmpty(step) || w.Step == step || new ScopedStep(w.Scope, w.Step).ToString() == step))];

    private static RazorComponentResult<NoRunPage> NoRun(string run) => new RazorComponentResult<NoRunPage>(new Dictionary<string, object?> { [nameof(NoRunPage.Run)] = run }) { StatusCode = StatusCodes.Status404NotFound };

    private static RunId? Id(string text)
    {
        const int LengthMax = 64;
        return string.IsNullOrWhiteSpace(text) || text.Length > LengthMax ? null : new RunId(text);
    }
}
