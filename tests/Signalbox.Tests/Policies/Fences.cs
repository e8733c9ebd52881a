using Signalbox.Testing;

namespace Signalbox.Tests.Policies;

/// <summary>Shuts an address or a network out. Its handler takes the text as it is; the claims say what it means.</summary>
public sealed record Fence(string Network, string Note = "");

public sealed class FenceHandler(FaultyTarget target) : FaultyHandler<Fence>(target)
{
    public override IReadOnlyList<Claim> Claims(Fence action) => [new(Signalbox.Resource.AddressOrNetwork(action.Network), "block")];

    protected override string Resource(Fence action) => action.Network;
}

/// <summary>An action that does not say what it touches.</summary>
public sealed record Blind(string Text);

public sealed class BlindHandler(FaultyTarget target) : FaultyHandler<Blind>(target);

internal static class Fences
{
    /// <summary>What a policy is shown of a fence.</summary>
    public static ProposedAction Proposed(object action, IReadOnlyList<Resource> touched, string? tier = null, DateTimeOffset at = default, bool undo = false, Reversibility reversibility = Reversibility.Reversible) => new(
        "fence", action, undo, "workflow:flow", tier, new RunId("r-1"), "flow", "One", new Note(), at, TargetClass.T3, reversibility,
        touched.Count > 0 ? [.. touched.Select(r => new Claim(r, "block"))] : [new Claim(Resource.Of("action", "fence", "hash"), "do")]);

    public static ProposedAction Proposed(string network, string? tier = null, DateTimeOffset at = default, bool undo = false) => Proposed(new Fence(network), [Resource.AddressOrNetwork(network)], tier, at, undo);

    /// <summary>A bench whose runs shut out, in one step each, what their case's lines name; the case says in the end what came of it.</summary>
    public static Task<Bench> StartAsync(Action<SignalboxBuilder> configure, HarnessOptions? options = null) => Bench.StartAsync(With(configure), options: options);

    public static Action<SignalboxBuilder> With(Action<SignalboxBuilder> configure) => signalbox =>
    {
        signalbox.AddAction<Fence, FenceHandler>("fence").AddAction<Blind, BlindHandler>("blind").Add(new Flow(async visit =>
        {
            var lines = new List<string>();
            foreach (var line in visit.Case.Lines ?? [])
            {
                var outcome = line.StartsWith("undo ", StringComparison.Ordinal) ? await visit.Undo(new Fence(line[5..])) : await visit.Act(new Fence(line));
                lines.Add(outcome.IsVerified ? "Verified" : $"{outcome.Status}: {outcome.Reason}"); // how it was seen may differ after a crash
            }

            return visit.GoTo(Step.Done, new Note("", 0, lines));
        }));
        configure(signalbox);
    };

    public static Note Of(params string[] networks) => new("", 0, networks);

    /// <summary>Drives the run, or a new one, until it is over or waits for a person, and no further: nobody would answer before its question expires.</summary>
    public static async Task<RunRow> DriveAsync(this Bench bench, Note? note = null)
    {
        if (note is not null)
        {
            await bench.StartRunAsync(note);
        }

        await bench.Harness.RunUntilAsync(bench.Run, RunStatus.Waiting, RunStatus.Completed, RunStatus.Failed, RunStatus.Held);
        return await bench.RowAsync();
    }
}
