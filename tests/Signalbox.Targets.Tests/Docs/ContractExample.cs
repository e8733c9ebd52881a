using System.Globalization;
using Signalbox.Targets.Tests.Http;
using Signalbox.Targets.Tests.Server;
using Signalbox.Testing;

namespace Signalbox.Targets.Tests.Docs;

// docs/guides/actions.md shows what stands between the two markers; The_guide compares, and xunit runs it.
// <contract>
public sealed class The_firewall(ServerProcess firewall) : IClassFixture<ServerProcess>
{
    private const TargetFeatures Has =
        TargetFeatures.Undo | TargetFeatures.EffectLog | TargetFeatures.Failures | TargetFeatures.LostAnswers | TargetFeatures.Silence;

    public static TheoryData<string> Facts => new(TargetContract.Facts(TargetClass.T1, Has).Select(f => f.Name));

    [Theory]
    [MemberData(nameof(Facts))]
    public async Task Keeps_what_a_keyed_target_promises(string fact)
    {
        await using var harness = new FirewallHarness(firewall);
        await TargetContract.Facts(TargetClass.T1, Has).Single(f => f.Name == fact).CheckAsync(harness);
    }
}

internal sealed class FirewallHarness(ServerProcess firewall) : TargetHarness<BlockHost>
{
    private static int s_hosts;

    protected override BlockHost NewAction() => new(string.Create(CultureInfo.InvariantCulture, $"host-{Interlocked.Increment(ref s_hosts)}"));

    protected override ActionHandler<BlockHost> NewHandler() => new HttpBlockHandler(HttpTargets.Client(firewall.Url));      // as another process would

    protected override async ValueTask<bool> StandsAsync(BlockHost action) => firewall.Find("blocks", action.Host) is not null;      // past the handler

    protected override async ValueTask<int> CountEffectsAsync(BlockHost action) => firewall.Of("blocks", action.Host).Count;      // in the firewall's own log

    protected override async ValueTask TakeAsync(BlockHost action) => await firewall.ByHandAsync(HttpMethod.Delete, "blocks", action.Host);

    protected override async ValueTask PlantAsync(BlockHost action, TargetFault fault) => await firewall.PlantAsync(
        fault switch
        {
            TargetFault.ThrowsBeforeEffect => HttpFault.Refuse,
            TargetFault.ThrowsAfterEffect => HttpFault.CutAfter,
            _ => HttpFault.Silence,
        },
        "blocks",
        action.Host);
}

// </contract>
