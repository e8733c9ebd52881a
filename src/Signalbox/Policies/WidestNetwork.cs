using System.Net;

namespace Signalbox;

/// <summary>
/// How wide the networks may be that an action touches, by its claims: one with a shorter prefix is refused, or a person is asked. An IPv4-mapped IPv6 network is its IPv4 network, and an IPv6 network that contains the
/// mapped addresses is all of IPv4. An action of the type that touches no address is refused, for its width cannot be told.
/// </summary>
/// <param name="name">What people know it by.</param>
/// <param name="ipv4">The shortest prefix for IPv4: 24 allows a /24, and a /25, and no /23.</param>
/// <param name="ipv6">The shortest prefix for IPv6.</param>
public sealed class WidestNetwork<TAction>(string name, int ipv4, int ipv6) : PolicyFor<TAction>(name)
    where TAction : notnull
{
    /// <summary>What counts for a wider one.</summary>
    public PolicyVerdictKind Wider { get; init; } = PolicyVerdictKind.Refuse;

    /// <summary>Who is asked where <see cref="Wider"/> asks.</summary>
    public ApprovalRule? Rule { get; init; }

    /// <summary>The networks of an action; null: those of its claims.</summary>
    public Func<TAction, IEnumerable<IPNetwork>>? Networks { get; init; }

    /// <inheritdoc />
    public override IEnumerable<string> Faults()
    {
        if (ipv4 is < 0 or > 32)
        {
            yield return $"an IPv4 prefix has 0 to 32 bits; got {ipv4}.";
        }

        if (ipv6 is < 0 or > 128)
        {
            yield return $"an IPv6 prefix has 0 to 128 bits; got {ipv6}.";
        }

        if (Wider == PolicyVerdictKind.Allow)
        {
            yield return $"{nameof(Wider)} must be Ask, Raise or Refuse; got {Wider}.";
        }
    }

    /// <inheritdoc />
    protected override PolicyVerdict? Judge(TAction action, ProposedAction proposed)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        var ranges = (Networks?.Invoke(action).Select(Resource.Network) ?? proposed.Touched).Select(r => (Resource: r, Range: IpRange.Of(r))).Where(r => r.Range is not null).ToArray();
        if (ranges.Length == 0)
        {
            return PolicyVerdict.Refuse($"'{proposed.Name}' names no address and no network, so that its width cannot be told");
        }

        string[] wide = [.. ranges.Where(r => r.Range!.Value.Length < (r.Range.Value.IsIPv4 ? ipv4 : ipv6)).Select(r => r.Resource.Name).Take(5)];
        return wide.Length == 0
            ? PolicyVerdict.Allow($"none of its networks is wider than /{ipv4} (IPv4) or /{ipv6} (IPv6)")
            : new PolicyVerdict(Wider, $"{string.Join(", ", wide)} {(wide.Length == 1 ? "is" : "are")} wider than /{ipv4} (IPv4) or /{ipv6} (IPv6)", Rule);
    }
}
