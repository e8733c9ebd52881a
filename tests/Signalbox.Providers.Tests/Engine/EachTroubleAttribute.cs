using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Signalbox.Providers.Tests.Engine;

/// <summary>Each trouble on both providers, asked for a whole reply and for a stream.</summary>
public sealed class EachTroubleAttribute(params string[] troubles) : DataAttribute
{
    public IReadOnlyList<string> Troubles => troubles;

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) => ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
    [
        .. from trouble in troubles
           from kind in Enum.GetValues<Kind>()
           from streamed in (bool[])[false, true]
           select new TheoryDataRow<Kind, bool, string>(kind, streamed, trouble),
    ]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
