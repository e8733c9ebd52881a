using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Server.Api;

/// <summary>Why a request was refused, as RFC 9457 has it, with our stable code (docs/errors.md).</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Code">The stable code.</param>
/// <param name="Detail">What happened, how things stand, what to do.</param>
/// <param name="Run">The run it is about.</param>
/// <param name="RunStatus">How that run stands.</param>
internal sealed record Problem(int Status, string Title, string Code, string Detail, RunId? Run = null, RunStatus? RunStatus = null);

/// <summary>A refusal in the middle of a route: it ends the request with this problem.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem { get; } = problem;
}

internal static class Problems
{
    private const string MediaType = "application/problem+json";

    public static Problem Of(int status, string code, string detail) => new(status, Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status), code, detail);

    /// <summary>What of an exception may be told; null for one nobody foresaw, of which nothing is.</summary>
    public static Problem? Of(Exception exception) => exception switch
    {
        ProblemException e => e.Problem,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => Of(StatusCodes.Status413PayloadTooLarge, "body_too_large", exception.Message),
        BadHttpRequestException e => Of(e.StatusCode, "request_invalid", "The request cannot be read, or does not fit what this route takes; see the description of the API at openapi/v1.json. Nothing was done."),
        AntiforgeryValidationException { InnerException: { } e } => Of(e), // the first who reads the form
        InvalidDataException => Of(StatusCodes.Status400BadRequest, "request_invalid", "The form cannot be read. Nothing was done."),
        SearchQueryException e => Of(StatusCodes.Status400BadRequest, "query_invalid", e.Message),
        StoreUnavailableException e => Of(StatusCodes.Status503ServiceUnavailable, e.Code, e.Message),
        StoreRefusedException e => Of(StatusOf(e.Code), e.Code, e.Message),
        JournalDamagedException e => Of(StatusCodes.Status500InternalServerError, TroubleCodes.JournalDamaged, e.Message) with { Run = e.Run },
        _ => null,
    };

    /// <summary>Why a command changed nothing.</summary>
    public static Problem Of(CommandResult result) => Of(StatusOf(result.Code), result.Code, result.Message) with { Run = result.Run, RunStatus = result.Status };

    public static ProblemException Exception(int status, string code, string detail) => new(Of(status, code, detail));

    public static Task WriteAsync(HttpContext context, Problem problem)
    {
        context.Response.StatusCode = problem.Status;
        return context.Response.WriteAsJsonAsync(problem, ApiJson.Options, MediaType, context.RequestAborted);
    }

    public static int StatusOf(string code) => code switch
    {
        "run_not_found" or "decision_not_found" or "entry_not_found" or "definition_not_found" or "definition_missing" or "approval_not_found" => StatusCodes.Status404NotFound,
        "choice_unknown" or "edit_not_allowed" or "request_invalid" or "approval_ambiguous" or "case_invalid" => StatusCodes.Status422UnprocessableEntity,
        "approval_role" or "approval_self" or "approval_not_a_person" or "claim_not_a_person" or "not_permitted" => StatusCodes.Status403Forbidden,
        "command_too_large" => StatusCodes.Status413PayloadTooLarge,
        "outcome_unknown" => StatusCodes.Status504GatewayTimeout,
        "store_owned" or "store_busy" or "store_closed" or "disk_full" or "store_io" or "search_unavailable" or "roles_unusable" or "keys_unusable" or "caller_not_trusted" => StatusCodes.Status503ServiceUnavailable,
        "command_failed" or "journal_damaged" or "store_damaged" => StatusCodes.Status500InternalServerError,
        _ => StatusCodes.Status409Conflict,
    };
}
