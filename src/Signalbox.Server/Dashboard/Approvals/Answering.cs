using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Server.Api;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Approvals;

/// <summary>A form that answers a question, as it was posted.</summary>
public sealed record PostedAnswer(string? Choice, string? Step, string? Asked, string? Hash, string? Comment, string? Edited, bool Full);

/// <summary>Hands an answer to the store, and says in words what became of it.</summary>
public static class Answering
{
    /// <summary>The longest comment, in characters.</summary>
    public const int CommentMax = 2_000;

    /// <summary>The longest proposal of other arguments, in characters.</summary>
    public const int EditedMax = 200_000;

    /// <summary>
    /// What of a form makes it no answer at all, so that the store is not asked; null if it may go there. <paramref name="card"/> is the question as it is now; null if it is not open any more.
    /// </summary>
    public static AnswerResult? Fault(PostedAnswer posted, ApprovalCard? card)
    {
        ArgumentNullException.ThrowIfNull(posted);
        var comment = posted.Comment?.Trim() ?? "";
        var field = posted.Choice switch
        {
            OpenApproval.Edit when card?.Asked.Action is not null => "edited",
            OpenApproval.Reject when card?.Asked.Action is not null => "reason",
            _ => "approve",
        };
        var fault = (posted, card) switch
        {
            ({ Choice: null or "" }, _) => Bad("Nothing was answered", "The form says no choice.", null),
            _ when comment.Length > CommentMax => Bad("Nothing was answered", $"The comment has {Shown(comment.Length)} characters; {Shown(CommentMax)} are the most.", field),
            _ when posted.Edited?.Length > EditedMax => Bad("Nothing was answered", $"The arguments have {Shown(posted.Edited.Length)} characters; {Shown(EditedMax)} are the most.", field),
            (_, null) => null, // the store says why, and keeps it on record
            _ when posted.Asked != card.Wait.Seq.ToString(System.Globalization.CultureInfo.InvariantCulture) => new AnswerResult(
                "The question has changed", "What you answered is not what is asked now; your answer changed nothing. What is asked now stands below: look at it again.", "warn", 409),
            ({ Choice: OpenApproval.Reject }, { Asked.Action: not null }) when comment.Length == 0 => Bad("Nothing was answered", "A rejection needs a reason, for the record and for the run.", field),
            (_, { Fault: { } unknown } and not { Asked.Action: not null }) => Bad("Nothing was answered", unknown, null),
            ({ Choice: OpenApproval.Approve or OpenApproval.Edit }, { Fault: { } unknown }) => Bad("Nothing was answered", unknown, null),
            ({ Choice: OpenApproval.Approve or OpenApproval.Edit, Full: false }, { Asked.Action: not null, IsCut: true }) => Bad("Nothing was answered", "Not all of the arguments were shown, and what was not shown is not approved. Show all of it first.", null),
            ({ Choice: OpenApproval.Edit }, { IsMasked: true }) => Bad("Nothing was proposed", "Part of the arguments is masked here, and the mask would be proposed in its place. Use the command line where nothing is masked.", field),
            ({ Choice: OpenApproval.Edit }, { Asked.Action: not null }) => NoJson(posted.Edited) is { } why ? Bad("Nothing was proposed", why, field) : null,
            _ => null,
        };
        return fault is null ? null : fault with { Comment = posted.Comment, Edited = posted.Edited };
    }

    /// <summary>The command that a form stands for.</summary>
    public static AnswerApproval Command(RunId run, PostedAnswer posted, ApprovalCard? card)
    {
        ArgumentNullException.ThrowIfNull(posted);
        var comment = posted.Comment?.Trim();
        return new(
            run, posted.Choice!, string.IsNullOrEmpty(posted.Step) ? null : posted.Step, string.IsNullOrEmpty(comment) ? null : comment, string.IsNullOrEmpty(posted.Hash) ? null : posted.Hash,
            posted.Choice == OpenApproval.Edit && card?.Asked.Action is not null && posted.Edited is { Length: > 0 } edited ? new RawJson(Encoding.UTF8.GetBytes(edited)) : null);
    }

    /// <summary>
    /// What became of it. <paramref name="stillNeeded"/> is how many more people have to approve before anything is done;
    /// <paramref name="asksAnother"/>: what was answered is not asked any more, but something else is.
    /// </summary>
    public static AnswerResult Result(CommandResult result, PostedAnswer posted, bool isAction, int stillNeeded, bool asksAnother)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(posted);
        return result.Code switch
        {
            "ok" when stillNeeded > 0 => new($"On record: waits for {(stillNeeded == 1 ? "another person" : $"{stillNeeded} other people")}", result.Message, "warn", 200),
            "ok" => (posted.Choice, isAction) switch
            {
                (OpenApproval.Approve, true) => new("Approved", $"{result.Message} It goes on as soon as a worker drives the run; the target and the policies are asked again before anything is done.", "good", 200),
                (OpenApproval.Reject, true) => new("Rejected: nothing is done", result.Message, "good", 200),
                (OpenApproval.Edit, true) => new("Proposed instead", $"{result.Message} The action as it was is refused. Yours is asked about as soon as a worker drives the run; somebody else has to approve it.", "good", 200),
                _ => new("Answered", result.Message, "good", 200),
            },
            "approval_stale" => new("The question has changed", result.Message, "warn", 409),
            "approval_expired" => new("Too late: its time was up", result.Message, "warn", 409),
            "approval_not_open" when asksAnother => new("The question has changed", $"{result.Message} What is asked now stands below: look at it again.", "warn", 409),
            "approval_not_open" or "approval_ambiguous" => new("This question is not open any more", result.Message, "warn", 409),
            "approval_role" or "approval_self" or "approval_repeated" or "approval_not_a_person" => new("Your answer does not count", result.Message, "bad", 403),
            "edit_not_allowed" => new("Nothing was proposed", result.Message, "bad", 400, "edited") { Comment = posted.Comment, Edited = posted.Edited },
            "choice_unknown" => new("Nothing was answered", result.Message, "bad", 400),
            "run_not_found" => new("There is no such run", result.Message, "bad", 404),
            "outcome_unknown" => new("Nobody can say whether your answer was taken", $"{result.Message} Look at the run before you answer again.", "bad", Problems.StatusOf(result.Code)),
            _ => new("Your answer changed nothing", result.Message, "bad", Problems.StatusOf(result.Code)),
        };
    }

    /// <summary>The store could not be reached, or takes no commands.</summary>
    public static AnswerResult Unavailable(Exception e)
    {
        ArgumentNullException.ThrowIfNull(e);
        return new("Your answer was not taken", $"{e.Message} Nothing was changed.", "bad", 503);
    }

    private static string? NoJson(string? edited)
    {
        if (string.IsNullOrWhiteSpace(edited))
        {
            return "A proposal needs the arguments, as a JSON object.";
        }

        try
        {
            using var json = JsonDocument.Parse(edited);
            return json.RootElement.ValueKind == JsonValueKind.Object ? null : "The arguments of an action are a JSON object, such as {\"account\":\"guest\"}.";
        }
        catch (JsonException e)
        {
            return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The arguments are not JSON, at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.");
        }
    }

    private static AnswerResult Bad(string heading, string words, string? field) => new(heading, words, "bad", 400, field);

    private static string Shown(int number) => Frame.Shown.Number(number);
}
