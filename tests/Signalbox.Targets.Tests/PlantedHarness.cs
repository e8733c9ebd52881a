using System.Globalization;
using Signalbox.Testing;

namespace Signalbox.Targets.Tests;

internal sealed record Place(string Name);

/// <summary>A handler and a target that keep the contract but for one fault.</summary>
internal sealed class PlantedHarness(TargetClass targetClass, Fault fault, Verification? verification = null, BlindRule blind = BlindRule.Hold) : TargetHarness<Place>
{
    private readonly PlantedTarget _target = new(targetClass, fault, verification is null ? TimeSpan.FromMinutes(1) : TimeSpan.FromMilliseconds(100));
    private int _actions;

    public static string Next(string name) => (int.Parse(name, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);

    protected override Place NewAction() => new((++_actions).ToString(CultureInfo.InvariantCulture));

    protected override ActionHandler<Place> NewHandler() => new Handler(targetClass, fault, verification ?? Verification.Default, blind, _target);

    protected override ValueTask<bool> StandsAsync(Place action) => ValueTask.FromResult(_target.Stands(action.Name));

    protected override ValueTask PutAsync(Place action) => SetAsync(action, true);

    protected override ValueTask TakeAsync(Place action) => SetAsync(action, false);

    protected override ValueTask<int> CountEffectsAsync(Place action) => ValueTask.FromResult(_target.Effects(action.Name));

    protected override ValueTask PlantAsync(Place action, TargetFault planted)
    {
        _target.Plant(action.Name, planted);
        return ValueTask.CompletedTask;
    }

    private ValueTask SetAsync(Place action, bool stands)
    {
        _target.Set(action.Name, stands);
        return ValueTask.CompletedTask;
    }

    private sealed class Handler(TargetClass targetClass, Fault fault, Verification verification, BlindRule blind, PlantedTarget target) : ActionHandler<Place>
    {
        private readonly Dictionary<string, bool> _did = [];
        private bool? _cached;

        public override TargetClass TargetClass => fault == Fault.DeclaresAnotherClass ? TargetClass.T3 : targetClass;

        public override ActionPolicy Policy => new() { ExecuteWithin = TimeSpan.FromSeconds(3), Verification = verification, Blind = blind };

        public override Reversibility Reversibility => fault == Fault.DeclaresIrreversible ? Reversibility.Irreversible : base.Reversibility;

        public override IReadOnlyList<Claim> Claims(Place action) => [new(Resource.Of("place", action.Name), fault == Fault.ClaimsAnew ? RunId.New(Entropy.System).Value : "take")];

        public override Task<Observation> ProbeAsync(Place action, ActionContext context, CancellationToken cancellationToken)
        {
            if (targetClass == TargetClass.T4 && fault != Fault.BlindAndSure)
            {
                return Task.FromResult(Observation.Unclear("nobody can ask it"));
            }

            var seen = target.Look(action.Name, context);
            if (fault == Fault.ThrowsWhenItIsNotSo && !seen)
            {
                throw new KeyNotFoundException($"'{action.Name}' is not there.");
            }

            var so = fault switch
            {
                Fault.LooksAlwaysSo => true,
                Fault.LooksRemember => seen || _did.GetValueOrDefault(action.Name),
                Fault.LooksOnlyAtWhatItDid => _did.GetValueOrDefault(action.Name),
                Fault.LooksAreCached => _cached ??= seen,
                _ => seen,
            };
            var proof = fault switch { Fault.ProofEmpty => " ", Fault.ProofHuge => new string('x', 100_000), _ => $"'{action.Name}' was looked at" };
            return Task.FromResult(so ? Observation.So(proof) : Observation.NotSo(proof));
        }

        public override Task<string?> ExecuteAsync(Place action, ActionContext context, CancellationToken cancellationToken) => CallAsync("execute", action, context, cancellationToken);

        public override Task<string?> UndoAsync(Place action, ActionContext context, CancellationToken cancellationToken) => CallAsync("undo", action, context, cancellationToken);

        private async Task<string?> CallAsync(string operation, Place action, ActionContext context, CancellationToken cancellationToken)
        {
            if (fault != Fault.ThrowsForCancellationAfterTheEffect)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            try
            {
                await target.CallAsync(operation, action.Name, context, cancellationToken);
            }
            catch (IOException) when (fault == Fault.CallsAgain)
            {
                await target.CallAsync(operation, action.Name, context, cancellationToken);
            }
            catch (IOException) when (fault == Fault.SwallowsFailures)
            {
                return null;
            }

            lock (_did)
            {
                _did[action.Name] = operation == "execute";
            }

            cancellationToken.ThrowIfCancellationRequested();
            return "done";
        }
    }
}
