namespace Signalbox.Testing;

/// <summary>One fact that holds of every store.</summary>
/// <param name="Name">The fact as a sentence.</param>
/// <param name="CheckAsync">Throws <see cref="ContractViolationException"/> unless it holds of the harness's store, which must be new. Afterwards the whole journal is checked, whatever the fact was about.</param>
/// <param name="NeedsDurability">Whether it is about what is there after closing and opening, and so cannot hold of a store in memory.</param>
public sealed record StoreFact(string Name, Func<StoreHarness, Task> CheckAsync, bool NeedsDurability)
{
    /// <inheritdoc />
    public override string ToString() => Name;
}

[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsDurabilityAttribute : Attribute;
