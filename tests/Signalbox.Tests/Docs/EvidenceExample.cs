using System.Net;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

// docs/guides/evidence.md shows what stands between the two markers; The_documents compares, and the class below runs it.
// <evidence>
public sealed class Sources(ILogins logins, IThreatFeed feed)
{
    public EvidenceSource<IPAddress, int> FailedLogins { get; } = new("failed-logins", logins.CountFailedAsync);

    public EvidenceSource<IPAddress, bool> Threats { get; } = new("threats", feed.ListsAsync);
}

public sealed class Investigation(Sources sources) : Workflow<Inquiry, InquiryCase>("investigation", version: 1)
{
    protected override void Define(StateMachine<Inquiry, InquiryCase> states)
    {
        states.Start(Inquiry.Ask, Ask).To(Inquiry.Judge);
        states.State(Inquiry.Judge, Judge).To(Inquiry.Done);
        states.End(Inquiry.Done);
    }

    private async Task<Next> Ask(Visit<Inquiry, InquiryCase> visit)
    {
        var address = visit.Case.Address;
        var (logins, threats) = await visit.Gather(   // side by side
            sources.FailedLogins.For(address).Within(TimeSpan.FromSeconds(5)).CachedForRun(),   // any answer that this run has got
            sources.Threats.For(address).Within(TimeSpan.FromSeconds(2)).CachedFor(TimeSpan.FromMinutes(10)));   // any run's, for 10 minutes
        return visit.GoTo(Inquiry.Judge, visit.Case with { Logins = logins, Listed = threats });
    }

    private async Task<Next> Judge(Visit<Inquiry, InquiryCase> visit)
    {
        var neighbours = await visit.Gather([.. visit.Case.Neighbours.Select(n => sources.Threats.For(n).CachedFor(TimeSpan.FromMinutes(10)))]);
        IReadOnlyList<IEvidence> all = [visit.Case.Logins!, visit.Case.Listed!, .. neighbours];
        var missing = all.Where(e => e.IsMissing).Select(e => $"{e.Source}: {e.Reason}");
        return visit.GoTo(Inquiry.Done, because: string.Join(", ", missing) is { Length: > 0 } gaps ? $"known but for {gaps}" : "all known");
    }
}

// </evidence>
public enum Inquiry { Ask, Judge, Done }

public sealed record InquiryCase(IPAddress Address, IReadOnlyList<IPAddress> Neighbours, Evidence<int>? Logins = null, Evidence<bool>? Listed = null);

public interface ILogins
{
    Task<int> CountFailedAsync(IPAddress address, CancellationToken cancellationToken);
}

public interface IThreatFeed
{
    Task<bool> ListsAsync(IPAddress address, CancellationToken cancellationToken);
}

public sealed class The_example_of_the_guide_to_evidence
{
    private sealed class World : ILogins, IThreatFeed
    {
        public int FeedCalls { get; private set; }

        public Task<int> CountFailedAsync(IPAddress address, CancellationToken cancellationToken) => throw new IOException("no route");

        public Task<bool> ListsAsync(IPAddress address, CancellationToken cancellationToken)
        {
            FeedCalls++;
            return Task.FromResult(true);
        }
    }

    [Fact]
    public async Task Asks_the_feed_once_for_each_address_and_says_what_is_missing()
    {
        var world = new World();
        await using var harness = await WorkflowHarness.StartAsync(signalbox => signalbox.Workflows.Add(_ => new Investigation(new Sources(world, world))));
        var (a, b) = (IPAddress.Parse("192.0.2.7"), IPAddress.Parse("192.0.2.8"));
        var runs = new[] { await harness.StartRunAsync("investigation", new InquiryCase(a, [b])), await harness.StartRunAsync("investigation", new InquiryCase(b, [a])) };
        await harness.RunUntilIdleAsync();

        Assert.Equal(2, world.FeedCalls);
        foreach (var run in runs)
        {
            var entered = (await harness.JournalAsync(run)).Last(e => e.Kind == Signalbox.Journal.EntryKinds.StateEntered);
            Assert.Equal(("Done", "known but for failed-logins: IOException: no route"), (entered.State, entered.Cause));
        }
    }
}
