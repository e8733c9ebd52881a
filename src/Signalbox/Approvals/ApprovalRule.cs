namespace Signalbox;

/// <summary>
/// Who must approve, how many of them and in which time. Who acts or asked for it (the proposer, the person who started the run, the person who edited the arguments) never counts. Nobody counts twice.
/// </summary>
public sealed record ApprovalRule
{
    /// <summary>One person in the role <c>approver</c>, within a day.</summary>
    public static ApprovalRule Default { get; } = new();

    /// <summary>One of these roles is needed.</summary>
    public IReadOnlyList<string> Roles { get; init; } = ["approver"];

    /// <summary>How many different persons must approve: 2 for four eyes. One who rejects is enough to refuse.</summary>
    public int Quorum { get; init; } = 1;

    /// <summary>How long the answer is awaited, by the store's clock. Then the action is refused.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long after the last approval the action may begin, by the store's clock. Then it is refused.</summary>
    public TimeSpan ValidFor { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether a person may edit the arguments: that proposes another action, of which that person is the proposer, so that somebody else has to approve it.</summary>
    public bool MayEdit { get; init; }
}

/// <summary>
/// Who wants something, as authenticated by whoever passes it on (the kernel's word on a socket, a server's login), never as said by the caller. <paramref name="Actor"/> is <c>kind:name</c>.
/// </summary>
public sealed record Caller(string Actor, IReadOnlyCollection<string> Roles)
{
    /// <summary>Every role: who may write to the store anyway, where nobody has given out roles.</summary>
    public const string AnyRole = "*";

    private const string Person = "person:";

    /// <summary>Whether an actor is a person, and no program, worker or agent.</summary>
    public static bool IsPerson(string? actor) => actor?.StartsWith(Person, StringComparison.Ordinal) == true && !string.IsNullOrWhiteSpace(actor[Person.Length..]) && !actor.Any(char.IsControl);

    /// <summary>Whether it has one of the roles, or all.</summary>
    public static bool IsIn(IEnumerable<string>? roles, IReadOnlyCollection<string> wanted) => roles?.Any(r => r == AnyRole || wanted.Contains(r, StringComparer.Ordinal)) == true;
}
