using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

public sealed class The_policies_guide
{
    [Theory]
    [InlineData("192.0.2.7", "Verified: ")]
    [InlineData("10.1.2.3", "Refused: never-block: ip/10.1.2.3 lies within ip/10.0.0.0/8 of the list: they are ours")]
    [InlineData("198.51.0.0/16", "Refused: narrow-blocks: ip/198.51.0.0/16 is wider than /24 (IPv4) or /48 (IPv6)")]
    [InlineData("198.51.100.0/24", "asks: risk: its risk is medium, and who acts by no tier's decision may do by itself what is low")]
    [InlineData("drill:root", "Refused: never-in-drills: account/drill/root lies within account/drill of the list: this is a drill")]
    [InlineData("web-01:root", "asks: office-hours: it is outside working hours (Monday, Tuesday, Wednesday, Thursday, Friday, 08:00 to 18:00, Europe/Berlin; not on holidays); admins: it locks us out")]
    public async Task Shows_policies_that_do_what_it_says(string wish, string expected)
    {
        var drill = wish.StartsWith("drill", StringComparison.Ordinal);
        await using var harness = await WorkflowHarness.StartAsync(box =>
        {
            box.Services.AddSingleton<Firewall>();
            box.AddAction<BlockNetwork, BlockNetworkHandler>("block_network").AddAction<DisableAccount, DisableAccountHandler>("disable_account");
            FirewallPolicies.AddTo(box, ["10.0.0.0/8", "2001:db8::/32"], new HashSet<DateOnly> { new(2026, 1, 1) });
            box.Add(new Flow(async visit =>
            {
                var parts = wish.Split(':');
                var outcome = parts.Length == 2 ? await visit.Act(new DisableAccount(parts[0], parts[1])) : await visit.Act(new BlockNetwork(wish));
                return visit.GoTo(Step.Done, new Note($"{outcome.Status}: {outcome.Reason}"));
            })
            { Name = drill ? "drill" : "flow" });
        });
        var run = await harness.StartRunAsync(drill ? "drill" : "flow", new Note());
        await harness.RunUntilAsync(run, RunStatus.Waiting, RunStatus.Completed);

        var asked = (await harness.JournalAsync(run)).Where(e => e.Kind == EntryKinds.ApprovalRequested).Select(Body.Read<ApprovalRequested>).SingleOrDefault();
        Assert.Equal(expected, asked is null ? (await harness.CaseAsync<Note>(run)).Text : $"asks: {string.Join("; ", asked.Why!)}");
        Assert.Equal(wish == "web-01:root", asked is { Terms.Quorum: 2 });
    }
}
