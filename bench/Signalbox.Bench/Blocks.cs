using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace Signalbox.Bench;

/// <summary>So many actions. From <paramref name="First"/> on they lie on addresses of their own; of a <paramref name="Crowd"/> on some that all of it wants. Each claims so many resources.</summary>
internal sealed record BlocksCase(int Actions, int First, int Claims = 1, bool Crowd = false);

/// <summary>An effect of its own for each <paramref name="Number"/>, also on one resource: so that none is found to be so already.</summary>
internal sealed record Block(string Where, int Number, int Claims);

/// <summary>So many actions, one after the other.</summary>
internal sealed class BlocksFlow() : Workflow<Phase, BlocksCase>("blocks", 1)
{
    protected override void Define(StateMachine<Phase, BlocksCase> states)
    {
        states.Start(Phase.Work, WorkAsync).To(Phase.Done);
        states.End(Phase.Done);
    }

    private static async Task<Next> WorkAsync(Visit<Phase, BlocksCase> visit)
    {
        var work = visit.Case;
        for (var i = 0; i < work.Actions; i++)
        {
            var number = work.First + i;
            var outcome = await visit.Act(new Block(work.Crowd ? Places.InCrowd(number) : Places.Acted(number), number, work.Claims));
            if (outcome is not { IsVerified: true, MadeByUs: true })
            {
                throw new InvalidOperationException($"Action {number} is {outcome.Status}: {outcome.Reason}");
            }
        }

        return visit.GoTo(Phase.Done);
    }
}

/// <summary>Where actions lie.</summary>
internal static class Places
{
    /// <summary>An address that is acted on: every second one.</summary>
    public static string Acted(int number) => Address(2 * number);

    /// <summary>Those between, on which claims of others stand: the nearest neighbours there can be.</summary>
    public static string Neighbour(int number) => Address((2 * number) + 1);

    /// <summary>Every fourth wants the network, and with it all that the others want: one of its addresses.</summary>
    public static string InCrowd(int number) => number % 4 == 0 ? "192.0.2.0/24" : string.Create(CultureInfo.InvariantCulture, $"192.0.2.{number % 50}");

    private static string Address(int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, (10 << 24) + number);
        return new IPAddress(bytes).ToString();
    }
}

/// <summary>A target in memory that answers at once, so that only the engine's own time is left.</summary>
internal sealed class InstantTarget
{
    public ConcurrentDictionary<Block, bool> Blocks { get; } = [];
}

internal sealed class BlockHandler(InstantTarget target) : ActionHandler<Block>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override IReadOnlyList<Claim> Claims(Block action) =>
    [
        new Claim(Resource.AddressOrNetwork(action.Where), "block", ["allow"]),
        .. Enumerable.Range(1, action.Claims - 1).Select(i => new Claim(Resource.Of("part", $"{action.Number}", $"{i}"), "block", ["allow"])),
    ];

    public override Task<Observation> ProbeAsync(Block action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(target.Blocks.ContainsKey(action) ? Observation.So("it is blocked") : Observation.NotSo("it is not blocked"));

    public override Task<string?> ExecuteAsync(Block action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>(target.Blocks.TryAdd(action, true) ? "blocked" : "again");

    public override Task<string?> UndoAsync(Block action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>(target.Blocks.TryRemove(action, out _) ? "free" : "again");
}
