using System.Net;
using Microsoft.Extensions.AI;
using Signalbox;

namespace SecurityAlerts;

/// <summary>
/// What happens to an alert, from its arrival to its end: look at it, ask three sources, let an analyst decide (a fast model, then a strong one), act, look
/// whether it worked; and ask a person where no model may decide alone.
/// </summary>
internal sealed class AlertResponse(EvidenceSources sources, Agent<Verdict> analyst, SecondLook secondLook, ResponseOptions options)
    : Workflow<AlertState, AlertCase>(AlertResponse.WorkflowName, version: 1)
{
    public const string WorkflowName = "alert-response";

    protected override void Define(StateMachine<AlertState, AlertCase> states)
    {
        states.Start(AlertState.Triage, Triage).To(AlertState.Investigate, AlertState.Closed);
        states.State(AlertState.Investigate, Investigate).To(AlertState.Decide, AlertState.Escalate);
        states.State(AlertState.Decide, Decide).To(AlertState.Execute, AlertState.Escalate, AlertState.Closed).Agent(Analyst.Name, AnalystTools.Names);
        states.State(AlertState.Execute, Execute).To(AlertState.Verify, AlertState.Rollback, AlertState.Escalate);
        states.State(AlertState.Verify, Verify).To(AlertState.Closed, AlertState.Rollback);
        states.State(AlertState.Rollback, Rollback).To(AlertState.Escalate, AlertState.Closed);
        states.State(AlertState.Escalate, AskPerson).To(AlertState.Execute, AlertState.Closed);
        states.End(AlertState.Closed);
        states.EscalatesTo(AlertState.Escalate);
    }

    private static Task<Next> Triage(Visit<AlertState, AlertCase> visit)
    {
        var alert = visit.Case.Alert;
        if (alert.SourceIp is null && alert.Users.Count == 0)
        {
            const string Nothing = "It names neither an address nor an account: there is nothing to ask about and nothing to act on.";
            return Task.FromResult(visit.GoTo(AlertState.Closed, visit.Case with { Verdict = new(Decision.Close, 1, [Nothing]) }, because: Nothing));
        }

        return Task.FromResult(visit.GoTo(AlertState.Investigate, because: $"{alert.Rule} about {alert.SourceIp ?? string.Join(", ", alert.Users.Take(3))}"));
    }

    private async Task<Next> Investigate(Visit<AlertState, AlertCase> visit)
    {
        var alert = visit.Case.Alert;
        var (logins, threats, assets) = await visit.Gather(
            sources.Logins.For(LoginQuery.For(alert)).Within(options.SourceLimit),
            sources.Threats.For(alert.SourceIp).Within(options.SourceLimit),
            sources.Assets.For(AssetQuery.For(alert)).Within(options.SourceLimit));

        var known = visit.Case with { Logins = logins, Threats = threats, Assets = assets };
        return logins.IsMissing
            ? ToPerson(visit, known with { Verdict = new(Decision.Escalate, 0, ["Without the log nobody can say what happened."]) }, because: $"no login history: {logins.Reason}")
            : visit.GoTo(AlertState.Decide, known, because: known.CaseFile.Missing.Count == 0 ? "all sources answered" : $"missing: {string.Join(", ", known.CaseFile.Missing.Keys)}");
    }

    private async Task<Next> Decide(Visit<AlertState, AlertCase> visit)
    {
        var known = visit.Case.CaseFile;
        var decision = await visit.Decide(analyst, new DecisionRequest<Verdict>
        {
            Messages = [new ChatMessage(ChatRole.User, AnalystPrompt.Question(known))],
            Evidence = visit.Case.Evidence,
            Objection = verdict => Policy.Objection(known, verdict),
        });

        var decided = visit.Case with
        {
            Decision = decision,
            Verdict = decision.Answer ?? new(Decision.Escalate, 0, []),
            DecidedBy = decision.Tier ?? decision.Dossier.Opinions[^1].Tier,
        };
        return decision switch
        {
            { Stands: false } or { Answer.Decision: Decision.Escalate } => ToPerson(visit, decided, because: WhyAPerson(decision)),
            { Answer: { Decision: Decision.Close } verdict } => visit.GoTo(AlertState.Closed, decided, because: verdict.MainReason),
            { Answer: var verdict } => visit.GoTo(AlertState.Execute, decided, because: verdict!.MainReason),
        };
    }

    private static string WhyAPerson(Decision<Verdict> decision) => decision switch
    {
        { Reason: null or EscalationReasons.LowConfidence, Answer: { Decision: Decision.Escalate } verdict } => verdict.MainReason,
        { Reason: EscalationReasons.Policy } => $"policy: {decision.Why}",
        _ => decision.Why!,
    };

    private async Task<Next> Execute(Visit<AlertState, AlertCase> visit)
    {
        var outcome = visit.Case switch
        {
            { Verdict.Decision: Decision.BlockIp } decided => await visit.Act(Block(decided)),
            var decided => await visit.Act(Disable(decided)),
        };
        return outcome.Match(
            verified: done => visit.GoTo(AlertState.Verify, visit.Case with { WasSoAlready = !done.MadeByUs }, because: done.Proof),
            notApplied: why => Undo(visit, because: why),
            diverged: why => Undo(visit, because: why),
            refused: why => ToPerson(visit, visit.Case, because: why),
            unverified: done => visit.GoTo(AlertState.Verify, visit.Case with { WasSoAlready = false, IsUnverified = true }, because: $"unverified: {done.Proof}"));
    }

    private async Task<Next> Verify(Visit<AlertState, AlertCase> visit)
    {
        var seen = await LookAgainAsync(visit);
        return seen.Stands ? visit.GoTo(AlertState.Closed, because: seen.What) : Undo(visit, because: seen.What);
    }

    private async Task<Next> Rollback(Visit<AlertState, AlertCase> visit)
    {
        var outcome = visit.Case switch
        {
            { Verdict.Decision: Decision.BlockIp } decided => await visit.Undo(Block(decided)),
            var decided => await visit.Undo(Disable(decided)),
        };
        var failed = $"{visit.Case.Verdict!.Decision.InText()} did not work ({visit.Case.Why})";
        return await outcome.Match(
            verified: _ => PersonAsync($"{failed}; nothing of it is left"),
            notApplied: why => PersonAsync($"{failed}; it could not be undone: {why}"),
            diverged: why => PersonAsync($"{failed}; undoing it did not work either: {why}"),
            refused: LeaveAsync,
            unverified: done => PersonAsync($"{failed}; that it is undone is unverified: {done.Proof}"));

        // There was nothing of this run's to undo. What somebody else did is left to stand, if it does.
        async Task<Next> LeaveAsync(string why)
        {
            var seen = await LookAgainAsync(visit);
            return seen.Stands
                ? visit.GoTo(AlertState.Closed, visit.Case with { WasSoAlready = true, Why = null }, because: $"it stands after all: {seen.What}")
                : ToPerson(visit, visit.Case, $"{failed}; {why}");
        }

        Task<Next> PersonAsync(string because) => Task.FromResult(ToPerson(visit, visit.Case, because));
    }

    private static async Task<Next> AskPerson(Visit<AlertState, AlertCase> visit)
    {
        var choices = PersonsChoices.For(visit.Case);
        var answer = await visit.Approve(PersonsChoices.Question(visit.Case, choices));

        // Nothing but an offered choice is ever recorded as an answer, so what the policy forbids cannot come back from here.
        var chosen = choices.Single(choice => choice.Name == answer.Choice);
        var by = answer.By ?? AlertCase.ByWorkflow;
        await JudgeAsync(visit, chosen, by);
        var decided = visit.Case with
        {
            Verdict = new(chosen.Decision, 1, [answer.Comment is { Length: > 0 } said ? said : $"{by} chose {chosen.Name}."], chosen.Account),
            DecidedBy = by,
            Why = null,
            WasSoAlready = false,
            IsUnverified = false,
        };
        return visit.GoTo(chosen.Decision == Decision.Close ? AlertState.Closed : AlertState.Execute, decided, because: $"{by} chose {chosen.Name}");
    }

    /// <summary>
    /// Records whether the analyst's proposal was right, by what the person chose. A call for a person was no proposal, and what failed in the doing was not judged by what it was.
    /// </summary>
    private static Task JudgeAsync(Visit<AlertState, AlertCase> visit, PersonsChoice chosen, string by) =>
        visit.Case.Decision is { Stands: false, Answer: { Decision: not Decision.Escalate } proposed } decision
            ? visit.Judge(decision, right: chosen.Decision == proposed.Decision && chosen.Account == proposed.Account, $"{by} chose {chosen.Name}, proposed was {proposed.Decision.InText()}")
            : Task.CompletedTask;

    /// <summary>Looks, with other eyes than the action's own, whether what was decided stands.</summary>
    private async Task<Sighting> LookAgainAsync(Visit<AlertState, AlertCase> visit)
    {
        try
        {
            return visit.Case switch
            {
                { Verdict.Decision: Decision.BlockIp } decided => await visit.Read("second-look", Block(decided), secondLook.AtAsync),
                var decided => await visit.Read("second-look", Disable(decided), secondLook.AtAsync),
            };
        }
        catch (StepFailedException failed)
        {
            return new(false, $"nobody can see whether it stands: {failed.Reason}");
        }
    }

    private static Next Undo(Visit<AlertState, AlertCase> visit, string because) =>
        visit.GoTo(AlertState.Rollback, visit.Case with { Why = because }, because);

    private static Next ToPerson(Visit<AlertState, AlertCase> visit, AlertCase @case, string because) =>
        visit.GoTo(AlertState.Escalate, @case with { Why = because }, because);

    // The policy lets nothing be blocked without an address, and no account be disabled without its name.
    private static BlockAddress Block(AlertCase decided) => new(IPAddress.Parse(decided.Alert.SourceIp!));

    private static DisableAccount Disable(AlertCase decided) => new(decided.Alert.Host, decided.Verdict!.Account!);
}
