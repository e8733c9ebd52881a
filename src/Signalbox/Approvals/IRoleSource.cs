namespace Signalbox;

/// <summary>
/// Who has which roles just now. Asked for those who answer over a socket, and again for everybody who has approved when an approval is consumed, so that a role that was taken away counts at once.
/// Safe to call from several threads.
/// </summary>
public interface IRoleSource
{
    /// <summary>The roles of an actor (<c>person:anna</c>), empty for one who has none; null where this source says nothing of roles, so that there is nothing to check.</summary>
    /// <exception cref="Storage.StoreRefusedException"><c>roles_unusable</c>: nobody can say. Nothing may be done on the strength of a role.</exception>
    IReadOnlyCollection<string>? RolesOf(string actor);
}

internal sealed class FunctionRoleSource(Func<string, IReadOnlyCollection<string>?> rolesOf) : IRoleSource
{
    public IReadOnlyCollection<string>? RolesOf(string actor) => rolesOf(actor);
}
