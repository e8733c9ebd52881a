using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.Server.Api;

// What the API answers with. The shapes are stable: members are added, never renamed. Names are those of the command line's --json.

internal sealed record RunResource(
    RunId Run, string Workflow, int Version, string Fingerprint, RunStatus Status, string State, int Visit, string? ReasonCode, string? Reason, string? Key, IReadOnlyDictionary<string, string> Labels, RunId? Parent, string? Worker,
    int Epoch, bool CancelRequested, DateTimeOffset StartedAt, DateTimeOffset ChangedAt, long Seq, Spending? Spent, IReadOnlyList<WaitResource> Waits, IReadOnlyList<SignalResource> Mailbox)
{
    public static RunResource Of(RunHead head)
    {
        var row = head.Row;
        return new(
            row.Run, row.Workflow, row.Version, row.Fingerprint, row.Status, row.State, row.Visit, row.ReasonCode, row.Reason, row.Key, row.Labels, row.Parent, row.Worker, row.Epoch, row.CancelRequested, row.StartedAt, row.ChangedAt, head.Seq,
            row.Spent == Spending.None ? null : row.Spent, [.. head.Waits.Select(w => new WaitResource(w.Kind, w.Scope, w.Step, w.Name, w.Due, w.Seq))], [.. head.Mailbox.Select(m => new SignalResource(m.Name, m.Seq))]);
    }
}

internal sealed record WaitResource(WaitKind Kind, string Scope, string Step, string? Signal, long? Due, long Seq);

internal sealed record SignalResource(string Signal, long Seq);

internal sealed record RunsPageResource(IReadOnlyList<RunResource> Runs, RunId? Next);

internal sealed record RunDetail(
    RunResource Run, WorkflowDefinition? Definition, IReadOnlyList<VisitView> Visits, IReadOnlyList<RunSpan> Timeline, IReadOnlyList<EvidenceView> Evidence, IReadOnlyList<DecisionView> Decisions, IReadOnlyList<EscalationView> Escalations,
    IReadOnlyList<ModelCallView> ModelCalls, IReadOnlyList<ToolCallView> ToolCalls, IReadOnlyList<ActionView> Actions, IReadOnlyList<ApprovalView> Approvals, IReadOnlyList<CostView> Costs, IReadOnlyList<ChildView> Children,
    IReadOnlyList<long> Unreadable)
{
    public static RunDetail Of(RunView view) => new(
        RunResource.Of(view.Head), view.Definition, view.Visits, view.Spans, view.Evidence, view.Decisions, view.Escalations, view.ModelCalls, view.ToolCalls, view.Actions, view.Approvals, view.Costs, view.Children, view.Unreadable);
}

internal sealed record EntriesPage(IReadOnlyList<EntryView> Entries, long? Next);

/// <summary>An open question, as a person should see it before answering. <c>hash</c> goes into the answer.</summary>
internal sealed record QuestionResource(
    RunId Run, string Workflow, int Version, string State, string Scope, string Step, long Seq, DateTimeOffset AskedAt, string Title, IReadOnlyList<string> Choices, IReadOnlyDictionary<string, string>? Meanings, ActionResource? Action,
    string? Hash, IReadOnlyList<string>? Why, IReadOnlyList<string>? Roles, int? Quorum, IReadOnlyList<string>? Barred, IReadOnlyList<Voice> Answers, RawJson? Details, long? Due, string? Safe, string? Fault, bool IsCut, bool IsMasked, string Shown)
{
    public static QuestionResource Of(ApprovalCard card, DateTimeOffset now)
    {
        var (row, wait, asked) = (card.Row, card.Wait, card.Asked);
        return new(
            row.Run, row.Workflow, row.Version, row.State, wait.Scope, wait.Step, wait.Seq, card.AskedAt, asked.Title, asked.Choices, asked.Meanings, asked.Action is { } action ? ActionResource.Of(action) : null, card.Hash, asked.Why,
            wait.Approval?.Terms.Roles, wait.Approval?.Terms.Quorum, wait.Approval?.Terms.Barred, wait.Approval?.Voices ?? [], asked.Details is { IsMissing: false } details ? details : null, wait.Due, asked.Safe, card.Fault, card.IsCut,
            card.IsMasked, card.ToText(now, full: true));
    }
}

internal sealed record ActionResource(
    string ActionId, string Name, bool Undo, RawJson Arguments, string Hash, string TargetClass, string? Reversibility, string Definition, string Proposer, string? Requester, IReadOnlyList<ClaimedResource> Claims)
{
    public static ActionResource Of(ActionProposed action) => new(
        action.ActionId, action.Action, action.Undo, action.Arguments, action.ArgumentsHash, action.TargetClass, action.Reversibility, action.Definition, action.Proposer, action.Requester,
        [.. (action.Claims ?? []).Select(c => new ClaimedResource(c.Resource.Name, c.Intent))]);
}

internal sealed record ClaimedResource(string Resource, string Intent);

internal sealed record QuestionsResource(IReadOnlyList<QuestionResource> Approvals);

internal sealed record ClaimResource(
    string Resource, string Intent, IReadOnlyList<string>? Against, ClaimPhase Phase, string ActionId, string Action, RunId Run, string Scope, string Step, long Position, long At, int Priority, long? Until, bool Made, bool Undo)
{
    public static ClaimResource Of(ClaimRow row) => new(
        row.Claim.Resource.Name, row.Claim.Intent, row.Claim.Against, row.Phase, row.ActionId, row.Action, row.Run, row.Scope, row.Step, row.Position, row.At, row.Priority, row.Until, row.Made, row.Undo);
}

internal sealed record ClaimsPageResource(IReadOnlyList<ClaimResource> Claims, long? Next);

internal sealed record ConflictsResource(IReadOnlyList<RunConflict> Conflicts);

internal sealed record CallerResource(string Actor, bool IsPerson, IReadOnlyCollection<string> Roles, string AntiforgeryToken, string AntiforgeryHeader);

/// <summary>An entry as the event stream tells it.</summary>
internal sealed record EntryEvent(long Position, RunId Run, long Seq, long At, string Kind, string State, int Visit, string Scope, string Step, string Actor, string Cause, RawJson? Body);

internal sealed record CommandAnswer(string Code, string Message, RunId? Run, RunStatus? Status);

internal sealed record StartRequest(string Workflow, JsonElement Case, int? Version = null, IReadOnlyDictionary<string, string>? Labels = null);

internal sealed record AnswerRequest(string Choice, string? Step = null, string? Comment = null, string? Hash = null, JsonElement? Edited = null);

internal sealed record SignalRequest(string Name, JsonElement Value);

internal sealed record ReasonRequest(string Reason);

internal sealed record ReleaseRequest(ReleaseVerb Verb, string? Note = null);

internal sealed record JudgementRequest(bool Right, string Why);
