using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Approvals;

/// <summary>Whether who looks may answer, and if not, why.</summary>
public sealed record Standing(bool May, string Words)
{
    /// <summary>Decided by the rule that the store goes by, so that nobody is invited to an answer that would not count. The store has the last word all the same.</summary>
    public static Standing Of(ApprovalCard card, Caller? caller, bool isApprover, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(card);
        if (caller is null || !isApprover)
        {
            return new(false, caller is null ? "You are not logged in." : $"{caller.Actor} may look at questions, not answer them: that needs the role 'approver' of this server.");
        }

        if (card.Wait.Due is { } due && Microseconds.ToTime(due) <= now)
        {
            return new(false, "Its time is up: an answer would come too late.");
        }

        if (card.Asked.Choices.Count == 0)
        {
            return new(false, card.Fault ?? "It has no choices.");
        }

        // Whether this person counts does not depend on the choice; any of them does for the question.
        return card.Wait.Approval?.Refuses(caller.Actor, new ApprovalAnswered(card.Asked.Choices[0], Roles: [.. caller.Roles], Hash: card.Hash)) switch
        {
            null => new(true, $"You answer as {caller.Actor}."),
            { Code: "approval_role" } => new(false, $"{caller.Actor} has none of the roles that may answer this: {string.Join(" or ", card.Wait.Approval!.Terms.Roles)}."),
            { Code: "approval_self" } => new(false, $"{caller.Actor} has proposed this, edited it or asked for it, so that somebody else must answer."),
            { Code: "approval_repeated" } => new(false, $"{caller.Actor} has answered already; {card.Wait.Approval!.Terms.Quorum} different people are needed."),
            { Code: "approval_not_a_person" } => new(false, $"Only a person may answer this; {caller.Actor} is none."),
            var other => new(false, other.Why),
        };
    }
}

/// <summary>What became of an answer, in words. <paramref name="Field"/> names the field of the form that is at fault.</summary>
public sealed record AnswerResult(string Heading, string Words, string Tone, int StatusCode, string? Field = null)
{
    /// <summary>What was typed and would be lost otherwise.</summary>
    public string? Comment { get; init; }

    /// <inheritdoc cref="Comment" />
    public string? Edited { get; init; }
}

/// <summary>One argument of an action: its name, and its exact JSON as it is shown.</summary>
public sealed record ArgumentRow(string Name, string Value);

/// <summary>An open question as a person sees it.</summary>
public sealed record QuestionModel(ApprovalCard Card, RunView? View, Standing Standing, DateTimeOffset Now)
{
    private const int RowsMax = 60;

    /// <summary>The arguments are shown uncut.</summary>
    public bool Full { get; init; }

    /// <summary>The questions before and after it in the inbox.</summary>
    public ApprovalCard? Previous { get; init; }

    /// <inheritdoc cref="Previous" />
    public ApprovalCard? Next { get; init; }

    public RunId Run => Card.Row.Run;

    /// <summary>The step as an answer names it.</summary>
    public string Step => StepOf(Card);

    public ActionProposed? Action => Card.Asked.Action;

    /// <summary>Whether what is on the page is all that is asked about, so that it may be approved from here.</summary>
    public bool MayApprove => Card.Fault is null && (Full || !Card.IsCut);

    /// <summary>What is masked cannot be edited: the mask would be proposed in its place.</summary>
    public bool MayEdit => MayApprove && Action is not null && !Card.IsMasked && Card.Asked.Choices.Contains(OpenApproval.Edit);

    public IReadOnlyList<ClaimRow> Conflicts => [.. Card.Others.Where(Card.Opposes)];

    public IReadOnlyList<EvidenceView> Missing => [.. (View?.Evidence ?? []).Where(e => e.Missing is not null)];

    /// <summary>What the page is about, on one line.</summary>
    public string Title => TitleOf(Card);

    /// <summary>What happens when nobody answers.</summary>
    public string IfNobody => (Card.Wait.Due, Card.Asked) switch
    {
        (null, _) => "There is no time limit: nothing is done while nobody answers.",
        (_, { Action: not null, Safe: null or OpenApproval.Reject }) => "If nobody answers by then, it is refused and nothing is done.",
        (_, { Safe: { } safe }) => $"If nobody answers by then, '{VisibleText.Of(safe)}' counts.",
        _ => "If nobody answers by then, the question lapses.",
    };

    /// <summary>How many more people have to approve.</summary>
    public int StillNeeded => Card.Wait.Approval is { } open ? Math.Max(0, open.Terms.Quorum - open.Voices.Count(v => v.Choice == OpenApproval.Approve)) : 1;

    public static string StepOf(ApprovalCard card)
    {
        ArgumentNullException.ThrowIfNull(card);
        return new ScopedStep(card.Wait.Scope, card.Wait.Step).ToString();
    }

    public static string TitleOf(ApprovalCard card)
    {
        ArgumentNullException.ThrowIfNull(card);
        return card.Asked.Action is { } action
            ? $"{(action.Undo ? "undo " : "")}{VisibleText.Of(action.Action, 120)}{(action.Claims is [var claim, ..] ? $" on {VisibleText.Of(claim.Resource.Name, 200)}" : "")}"
            : VisibleText.Of(card.Asked.Title, 300);
    }

    /// <summary>The arguments one by one, each exact; empty where they are not an object, are too many, or are not shown whole.</summary>
    public IReadOnlyList<ArgumentRow> Arguments()
    {
        if (Card.Arguments(full: true) is not { } shown || (!Full && Card.IsCut))
        {
            return [];
        }

        using var json = JsonDocument.Parse(shown.Text);
        return json.RootElement.ValueKind != JsonValueKind.Object || json.RootElement.EnumerateObject().Count() > RowsMax
            ? []
            : [.. json.RootElement.EnumerateObject().Select(m => new ArgumentRow(VisibleText.Of(m.Name), VisibleText.OfJson(Encoding.UTF8.GetBytes(m.Value.GetRawText()))))];
    }

    /// <summary>The exact arguments with each member on a line of its own: where an edit begins. The same JSON.</summary>
    public string ToEdit()
    {
        if (Card.Arguments(full: true) is not { } shown)
        {
            return "";
        }

        using var json = JsonDocument.Parse(shown.Text);
        return json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.EnumerateObject().Any()
            ? shown.Text
            : $"{{\n{string.Join(",\n", json.RootElement.EnumerateObject().Select(m => $"  {VisibleText.OfJson(JsonSerializer.SerializeToUtf8Bytes(m.Name))}: {VisibleText.OfJson(Encoding.UTF8.GetBytes(m.Value.GetRawText()))}"))}\n}}";
    }
}
