using Signalbox.Storage;

namespace Signalbox.Tests.Docs;

public enum Leaver { Disable, Person, Done }

public sealed record LeaverCase(string Account);

public sealed record CloseAccount(string Account);

public interface IDirectory
{
    Task<bool> IsClosedAsync(string account, CancellationToken cancellationToken);

    Task CloseAsync(string account, CancellationToken cancellationToken);
}

// docs/guides/approvals.md shows what stands between the two markers; The_approvals_guide runs it.
// <approvals>
public sealed class CloseAccountHandler(IDirectory directory) : ActionHandler<CloseAccount>
{
    private static readonly ApprovalRule s_fourEyes = new() { Roles = ["lead", "security"], Quorum = 2, Within = TimeSpan.FromHours(8), MayEdit = true };

    public override TargetClass TargetClass => TargetClass.T3;

    public override Reversibility Reversibility => Reversibility.Irreversible;   // by itself that would ask one person in the role 'approver'

    public override ApprovalRule? Approval(CloseAccount action) => s_fourEyes;

    public override async Task<Observation> ProbeAsync(CloseAccount action, ActionContext context, CancellationToken cancellationToken) =>
        await directory.IsClosedAsync(action.Account, cancellationToken) ? Observation.So("closed") : Observation.NotSo("open");

    public override async Task<string?> ExecuteAsync(CloseAccount action, ActionContext context, CancellationToken cancellationToken)
    {
        await directory.CloseAsync(action.Account, cancellationToken);
        return null;
    }
}

public sealed class LeaverFlow() : Workflow<Leaver, LeaverCase>("leaver", version: 1)
{
    protected override void Define(StateMachine<Leaver, LeaverCase> states)
    {
        states.Start(Leaver.Disable, Disable).To(Leaver.Person, Leaver.Done);
        states.State(Leaver.Person, visit => Task.FromResult(visit.GoTo(Leaver.Done))).To(Leaver.Done);
        states.End(Leaver.Done);
    }

    private static async Task<Next> Disable(Visit<Leaver, LeaverCase> visit)
    {
        var outcome = await visit.Act(new CloseAccount(visit.Case.Account));   // waits, as a row, until enough people have approved exactly this
        return outcome.IsVerified ? visit.GoTo(Leaver.Done) : visit.GoTo(Leaver.Person, because: outcome.Reason);
    }
}

public static class ApprovalDesk
{
    /// <summary>What a server of yours does for somebody who has logged in: show the card, and take the answer to what the card showed.</summary>
    public static async Task<CommandResult> ApproveAsync(RunClient client, Caller caller, RunId run, Func<IReadOnlyList<CardLine>, Task<bool>> show, CancellationToken cancellationToken)
    {
        var head = (await client.Store.FindAsync(run, cancellationToken))!;
        var card = await ApprovalCard.ReadAsync(client.Store, head, head.Waits.First(w => w.Kind == WaitKind.Approval), cancellationToken);
        var says = await show(card.Lines(DateTimeOffset.UnixEpoch, full: true)) ? OpenApproval.Approve : OpenApproval.Reject;
        return await client.For(caller).AnswerAsync(run, says, hash: card.Hash, cancellationToken: cancellationToken);   // stale, if something else is asked by now
    }

    public static void AddRoles(SignalboxBuilder box, IReadOnlyDictionary<string, string[]> directory) =>
        box.UseRoles(actor => directory.GetValueOrDefault(actor, []));   // asked again when an approval is used: a role taken away counts at once
}

// </approvals>
internal sealed class DirectoryInMemory : IDirectory
{
    public HashSet<string> Closed { get; } = [];

    public Task<bool> IsClosedAsync(string account, CancellationToken cancellationToken) => Task.FromResult(Closed.Contains(account));

    public Task CloseAsync(string account, CancellationToken cancellationToken)
    {
        Closed.Add(account);
        return Task.CompletedTask;
    }
}
