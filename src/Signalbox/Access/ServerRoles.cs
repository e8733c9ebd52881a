namespace Signalbox;

/// <summary>The roles that the HTTP API and the dashboard know. All others are for approval rules alone.</summary>
public static class ServerRoles
{
    /// <summary>Sees everything, changes nothing.</summary>
    public const string Viewer = "viewer";

    /// <summary>Sees everything; starts, cancels, retries and releases runs, sends signals, judges decisions, releases claims.</summary>
    public const string Operator = "operator";

    /// <summary>Sees everything; answers questions, as far as their rules ask for no other role.</summary>
    public const string Approver = "approver";

    /// <summary>All of that, and erasing.</summary>
    public const string Admin = "admin";

    /// <summary>All four.</summary>
    public static IReadOnlyList<string> All { get; } = [Viewer, Operator, Approver, Admin];

    /// <summary>What roles come to: an admin is everything the server knows.</summary>
    public static IReadOnlyCollection<string> Expanded(IReadOnlyCollection<string> roles)
    {
        ArgumentNullException.ThrowIfNull(roles);
        return roles.Contains(Admin, StringComparer.Ordinal) ? [.. roles.Union(All, StringComparer.Ordinal)] : roles;
    }
}
