using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

// docs/guides/verification.md shows what stands between the two markers; The_documents compares, and the class below runs it.
// <verification>
public sealed record Shut(IPAddress Address);

public sealed class ShutHandler(IPortal portal) : ActionHandler<Shut>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy { get; } = new()
    {
        Verification = new Verification
        {
            Agreeing = 3,   // looks in a row
            Over = TimeSpan.FromSeconds(10),   // from the first to the last of them
            Every = TimeSpan.FromSeconds(5),
            Within = TimeSpan.FromSeconds(40),   // its replicas may take so long to show it
        },
    };

    public override async Task<Observation> ProbeAsync(Shut action, ActionContext context, CancellationToken cancellationToken) =>
        await portal.IsShutAsync(action.Address, cancellationToken) ? Observation.So($"{action.Address} is shut out") : Observation.NotSo($"{action.Address} may come in");

    public override Task<string?> ExecuteAsync(Shut action, ActionContext context, CancellationToken cancellationToken) => portal.ShutAsync(action.Address, cancellationToken);

    public override Task<string?> UndoAsync(Shut action, ActionContext context, CancellationToken cancellationToken) => portal.OpenAsync(action.Address, cancellationToken);
}

public sealed class Guarding() : Workflow<Guard, GuardCase>("guarding", version: 1)
{
    protected override void Define(StateMachine<Guard, GuardCase> states)
    {
        states.Start(Guard.Shut, Shut).To(Guard.Prove, Guard.Person);
        states.State(Guard.Prove, Prove).To(Guard.Stay, Guard.Person);
        states.State(Guard.Stay, Stay).To(Guard.Done, Guard.Person);
        states.State(Guard.Person, Person).To(Guard.Done);
        states.End(Guard.Done);
    }

    private async Task<Next> Shut(Visit<Guard, GuardCase> visit)
    {
        var outcome = await visit.Act(new Shut(visit.Case.Address));   // verified: as the policy above says
        return visit.GoTo(outcome.IsVerified ? Guard.Prove : Guard.Person, because: outcome.Proof ?? outcome.Reason);
    }

    private async Task<Next> Prove(Visit<Guard, GuardCase> visit)
    {
        var seen = await visit.Verify(new Shut(visit.Case.Address), over: TimeSpan.FromMinutes(30), every: TimeSpan.FromMinutes(5));   // parked in between
        return seen.Match(
            verified: s => visit.GoTo(Guard.Stay, because: $"{s.Agreement.Looks} looks: {s.Proof}"),
            diverged: why => visit.GoTo(Guard.Person, because: why),
            unseen: why => visit.GoTo(Guard.Person, because: why));
    }

    private async Task<Next> Stay(Visit<Guard, GuardCase> visit)
    {
        await visit.Watch(new Shut(visit.Case.Address), every: TimeSpan.FromHours(1), over: TimeSpan.FromDays(7));   // a run of its own looks on
        var drifted = await visit.WaitFor<ActionDrifted>(ActionDrifted.Signal, within: TimeSpan.FromDays(7));
        return drifted.Arrived ? visit.GoTo(Guard.Person, because: drifted.Value!.Why) : visit.GoTo(Guard.Done);
    }

    private async Task<Next> Person(Visit<Guard, GuardCase> visit)
    {
        await visit.Approve(new Question($"{visit.Case.Address} is not shut out for sure.", "seen to"));
        return visit.GoTo(Guard.Done);
    }
}

// </verification>
public enum Guard { Shut, Prove, Stay, Person, Done }

public sealed record GuardCase(IPAddress Address);

public interface IPortal
{
    Task<bool> IsShutAsync(IPAddress address, CancellationToken cancellationToken);

    Task<string?> ShutAsync(IPAddress address, CancellationToken cancellationToken);

    Task<string?> OpenAsync(IPAddress address, CancellationToken cancellationToken);
}

public sealed class The_example_of_the_guide_to_verification
{
    private sealed class Portal : IPortal
    {
        public HashSet<IPAddress> Shut { get; } = [];

        public Task<bool> IsShutAsync(IPAddress address, CancellationToken cancellationToken) => Task.FromResult(Shut.Contains(address));

        public Task<string?> ShutAsync(IPAddress address, CancellationToken cancellationToken)
        {
            Shut.Add(address);
            return Task.FromResult<string?>("ok");
        }

        public Task<string?> OpenAsync(IPAddress address, CancellationToken cancellationToken)
        {
            Shut.Remove(address);
            return Task.FromResult<string?>("ok");
        }
    }

    [Theory]
    [InlineData(0.0, RunStatus.Completed, "")]
    [InlineData(0.2, RunStatus.Waiting, "192.0.2.7 may come in")] // during the first half hour
    [InlineData(30, RunStatus.Waiting, "192.0.2.7 may come in")]
    public async Task Goes_to_a_person_when_what_was_verified_is_so_no_longer(double hours, RunStatus status, string because)
    {
        var portal = new Portal();
        await using var harness = await WorkflowHarness.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton<IPortal>(portal);
            signalbox.AddWorkflow<Guarding>().AddAction<Shut, ShutHandler>("shut");
        });
        var run = await harness.StartRunAsync("guarding", new GuardCase(IPAddress.Parse("192.0.2.7")));
        if (hours > 0)
        {
            await harness.AdvanceAsync(TimeSpan.FromHours(hours));
            portal.Shut.Clear();
        }

        await harness.RunUntilIdleAsync();

        Assert.Equal(status, (await harness.GetAsync(run)).Status);
        Assert.Equal(because, (await harness.JournalAsync(run)).Last(e => e.Kind == EntryKinds.StateEntered).Cause);
    }
}
