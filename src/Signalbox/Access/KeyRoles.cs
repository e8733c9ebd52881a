namespace Signalbox;

/// <summary>
/// What another source says of an actor's roles, and what the actor's live keys give. Whoever has, or had, a key has no role but these: a key that was revoked takes its roles along at once, also those of an answer that was
/// given with it and is not consumed yet.
/// </summary>
public sealed class KeyRoles(IRoleSource? others, IKeySource keys, TimeProvider clock) : IRoleSource
{
    /// <inheritdoc />
    public IReadOnlyCollection<string>? RolesOf(string actor)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(actor);
        var own = keys.Keys().Where(k => k.Actor == actor).ToArray();
        var other = others?.RolesOf(actor);
        if (own.Length == 0)
        {
            return other;
        }

        var now = clock.GetUtcNow();
        return ServerRoles.Expanded([.. own.Where(k => k.IsLive(now)).SelectMany(k => k.Roles).Concat(other ?? []).Distinct(StringComparer.Ordinal)]);
    }
}
