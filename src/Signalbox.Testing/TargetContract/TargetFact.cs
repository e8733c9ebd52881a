namespace Signalbox.Testing;

/// <summary>One thing that a target class promises.</summary>
/// <param name="TargetClass">The class.</param>
/// <param name="Name">The promise as a sentence.</param>
/// <param name="CheckAsync">
/// Throws <see cref="ContractViolationException"/>, which names class and promise, unless it holds of the harness's handler and target. Facts leave their resources as they are in the end; every fact takes
/// new ones.
/// </param>
public sealed record TargetFact(TargetClass TargetClass, string Name, Func<TargetHarness, Task> CheckAsync)
{
    /// <inheritdoc />
    public override string ToString() => Name;
}

/// <summary>Which features a fact is about; it is left out where one is lacking.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFeatureAttribute(TargetFeatures features) : Attribute
{
    public TargetFeatures Features { get; } = features;
}

/// <summary>The fact is about targets that lack a feature.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class WithoutFeatureAttribute(TargetFeatures features) : Attribute
{
    public TargetFeatures Features { get; } = features;
}
