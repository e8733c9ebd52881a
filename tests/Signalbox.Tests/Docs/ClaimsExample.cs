using System.Net;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

// docs/guides/claims.md shows what stands between the two markers; The_documents compares, and the class below runs it.
// <claims>
public sealed record Bar(IPNetwork Network);

public sealed record Admit(IPAddress Address);

public sealed class BarHandler(IGate gate) : ActionHandler<Bar>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy { get; } = new() { OnConflict = ConflictRule.Priority, Priority = 1, StandsFor = TimeSpan.FromDays(7) };

    public override IReadOnlyList<Claim> Claims(Bar action) => [new(Resource.Network(action.Network), "bar", Against: ["admit"])];

    public override async Task<Observation> ProbeAsync(Bar action, ActionContext context, CancellationToken cancellationToken) =>
        await gate.IsBarredAsync(action.Network, cancellationToken) ? Observation.So($"{action.Network} is barred") : Observation.NotSo($"{action.Network} is not barred");

    public override Task<string?> ExecuteAsync(Bar action, ActionContext context, CancellationToken cancellationToken) => gate.BarAsync(action.Network, cancellationToken);

    public override Task<string?> UndoAsync(Bar action, ActionContext context, CancellationToken cancellationToken) => gate.OpenAsync(action.Network, cancellationToken);
}

public sealed class AdmitHandler(IGate gate) : ActionHandler<Admit>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy { get; } = new() { OnConflict = ConflictRule.Yield };

    public override IReadOnlyList<Claim> Claims(Admit action) => [new(Resource.Address(action.Address), "admit")];   // 'bar' says that it is against this

    public override async Task<Observation> ProbeAsync(Admit action, ActionContext context, CancellationToken cancellationToken) =>
        await gate.IsAdmittedAsync(action.Address, cancellationToken) ? Observation.So($"{action.Address} is admitted") : Observation.NotSo($"{action.Address} is not");

    public override Task<string?> ExecuteAsync(Admit action, ActionContext context, CancellationToken cancellationToken) => gate.AdmitAsync(action.Address, cancellationToken);

    public override Task<string?> UndoAsync(Admit action, ActionContext context, CancellationToken cancellationToken) => gate.ForgetAsync(action.Address, cancellationToken);
}

// </claims>
public interface IGate
{
    Task<bool> IsBarredAsync(IPNetwork network, CancellationToken cancellationToken);

    Task<bool> IsAdmittedAsync(IPAddress address, CancellationToken cancellationToken);

    Task<string?> BarAsync(IPNetwork network, CancellationToken cancellationToken);

    Task<string?> OpenAsync(IPNetwork network, CancellationToken cancellationToken);

    Task<string?> AdmitAsync(IPAddress address, CancellationToken cancellationToken);

    Task<string?> ForgetAsync(IPAddress address, CancellationToken cancellationToken);
}

public sealed class The_claims_guide
{
    [Fact]
    public async Task Shows_wishes_that_meet()
    {
        var gate = new Gate();
        await using var harness = await WorkflowHarness.StartAsync(signalbox =>
        {
            signalbox.AddAction<Bar, BarHandler>("bar").AddAction<Admit, AdmitHandler>("admit").Add(new Flow(async visit =>
            {
                var outcome = visit.Case.Text.Contains('/', StringComparison.Ordinal)
                    ? await visit.Act(new Bar(IPNetwork.Parse(visit.Case.Text)))
                    : await visit.Act(new Admit(IPAddress.Parse(visit.Case.Text)));
                return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, new Note(outcome.Reason ?? ""));
            }));
            Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<IGate>(signalbox.Services, gate);
        });

        var first = await EndAsync("192.0.2.7");
        var second = await EndAsync("192.0.2.0/24");
        var third = await EndAsync("192.0.2.8");

        Assert.Equal((Step.Done, Step.Done, Step.Bad), (first.State, second.State, third.State)); // admitted, overruled by priority, yields
        Assert.StartsWith("'bar' on ip/192.0.2.0/24 of run ", third.Why, StringComparison.Ordinal);
        Assert.Equal(["192.0.2.0/24"], gate.Barred);
        Assert.Equal(["bar"], (await harness.Store.ClaimsAsync(new ClaimQuery(), default)).Select(c => c.Claim.Intent));

        async Task<(Step State, string Why)> EndAsync(string wish)
        {
            var run = await harness.StartRunAsync("flow", new Note(wish));
            await harness.RunUntilIdleAsync();
            return (Enum.Parse<Step>((await harness.GetAsync(run)).State), (await harness.CaseAsync<Note>(run)).Text);
        }
    }

    private sealed class Gate : IGate
    {
        public HashSet<string> Barred { get; } = [];

        public HashSet<string> Admitted { get; } = [];

        public Task<bool> IsBarredAsync(IPNetwork network, CancellationToken cancellationToken) => Task.FromResult(Barred.Contains(network.ToString()));

        public Task<bool> IsAdmittedAsync(IPAddress address, CancellationToken cancellationToken) => Task.FromResult(Admitted.Contains(address.ToString()));

        public Task<string?> BarAsync(IPNetwork network, CancellationToken cancellationToken) => Did(Barred.Add(network.ToString()));

        public Task<string?> OpenAsync(IPNetwork network, CancellationToken cancellationToken) => Did(Barred.Remove(network.ToString()));

        public Task<string?> AdmitAsync(IPAddress address, CancellationToken cancellationToken) => Did(Admitted.Add(address.ToString()));

        public Task<string?> ForgetAsync(IPAddress address, CancellationToken cancellationToken) => Did(Admitted.Remove(address.ToString()));

        private static Task<string?> Did(bool changed) => Task.FromResult<string?>(changed ? "done" : "was so");
    }
}
