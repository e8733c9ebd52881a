namespace Signalbox;

/// <summary>
/// A list of what must not be touched, whoever wants it and whoever approves: an action is refused when one of its claims overlaps a listed resource. So a network that contains a listed address is refused, and an
/// address of a listed network; an IPv4-mapped IPv6 address is its IPv4 address; upper and lower case are the same. An action of the type that does not say what it touches is refused too, for the list could not
/// be held against it. Undos are not refused: what stands against the list may be taken back.
/// </summary>
/// <param name="name">What people know it by.</param>
/// <param name="why">Why these are on the list.</param>
public sealed class Never<TAction>(string name, string why) : PolicyFor<TAction>(name)
    where TAction : notnull
{
    private const int ShownMax = 5;

    private readonly List<Resource> _networks = [];
    private readonly List<string> _faults = [];

    /// <summary>The list, or a part of it.</summary>
    public IReadOnlyList<Resource> Resources { get; init; } = [];

    /// <summary>Addresses and networks as text (<see cref="Resource.AddressOrNetwork"/>), as they stand in a settings file. One that is neither is a fault at start-up.</summary>
    public IReadOnlyList<string> Networks
    {
        get => field ?? [];
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
            foreach (var text in value)
            {
                try
                {
                    _networks.Add(Resource.AddressOrNetwork(text));
                }
                catch (FormatException e)
                {
                    _faults.Add(e.Message);
                }
            }
        }
    }

    /// <summary>More of the list, read at each judgement: for one that changes while the program runs. If it throws, the action is refused.</summary>
    public Func<IEnumerable<Resource>> Live { get; init; } = static () => [];

    /// <summary>What an action touches beside its claims.</summary>
    public Func<TAction, IEnumerable<Resource>> Touches { get; init; } = static _ => [];

    /// <inheritdoc />
    public override IEnumerable<string> Faults() => _faults;

    /// <inheritdoc />
    protected override PolicyVerdict? Judge(TAction action, ProposedAction proposed)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        Resource[] touched = [.. proposed.Touched, .. Touches(action)];
        if (touched.Length == 0)
        {
            return PolicyVerdict.Refuse($"'{proposed.Name}' does not say what it touches (it has no claims), so that the list cannot be held against it");
        }

        Resource[] listed = [.. Resources, .. _networks, .. Live()];
        var hits = (from t in touched from l in listed where Overlap(t, l) select (Touched: t, Listed: l)).Take(ShownMax).ToArray();
        return hits.Length == 0
            ? PolicyVerdict.Allow("nothing that it touches is on the list")
            : PolicyVerdict.Refuse($"{string.Join(", ", hits.Select(h => Text(h.Touched, h.Listed)))}: {why}");
    }

    private static bool Overlap(Resource touched, Resource listed) =>
        IsWithin(touched.Path, listed.Path) || IsWithin(listed.Path, touched.Path)
        || (IpRange.HoldsIPv4(touched.Path) && listed.Path.StartsWith(IpRange.IPv4Path, StringComparison.Ordinal))
        || (IpRange.HoldsIPv4(listed.Path) && touched.Path.StartsWith(IpRange.IPv4Path, StringComparison.Ordinal));

    private static bool IsWithin(string path, string outer) => path.StartsWith(outer, StringComparison.OrdinalIgnoreCase);

    private static string Text(Resource touched, Resource listed) =>
        !IsWithin(touched.Path, listed.Path) && !IpRange.HoldsIPv4(listed.Path) ? $"{touched} contains {listed} of the list"
        : touched.Path.Length == listed.Path.Length ? $"{touched} is on the list"
        : $"{touched} lies within {listed} of the list";
}
