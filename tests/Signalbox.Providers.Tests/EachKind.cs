using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Signalbox.Providers.Tests;

/// <summary>Both providers, each asked for a whole reply and for a stream.</summary>
public sealed class EachKindAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) => ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
    [
        new TheoryDataRow<Kind, bool>(Kind.Anthropic, false),
        new TheoryDataRow<Kind, bool>(Kind.Anthropic, true),
        new TheoryDataRow<Kind, bool>(Kind.OpenAI, false),
        new TheoryDataRow<Kind, bool>(Kind.OpenAI, true),
    ]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
