using System.Security.Claims;

namespace Signalbox.Server;

/// <summary>How the HTTP API and the dashboard let people and programs in, and how much they take.</summary>
public sealed class SignalboxServerOptions
{
    /// <summary>
    /// A scheme of the program's own that says who asks, in place of Signalbox's keys and login. Roles come from its role claims (<see cref="ServerRoles"/>, and those that approval rules ask for). Null: API keys.
    /// </summary>
    public string? AuthenticationScheme { get; set; }

    /// <summary>Who a principal of that scheme is, as an actor; by default <c>person:</c> and its name. Only persons answer approvals.</summary>
    public Func<ClaimsPrincipal, string>? ActorOf { get; set; }

    /// <summary>Where keys are kept; by default what the program's store brings (<see cref="IKeySource"/>). Null from it: there are none, and nobody gets in by a key.</summary>
    public Func<IServiceProvider, IKeySource?>? Keys { get; set; }

    /// <summary>Whether, in the environment <c>Development</c> and as long as no key was ever made, whoever connects from this machine is let in with all roles as its user. A banner says so.</summary>
    public bool LetsLocalDeveloperIn { get; set; } = true;

    /// <summary>Requests that one caller may make in a minute; more are answered with 429.</summary>
    public int RequestsPerMinute { get; set; } = 1200;

    /// <summary>Attempts to log in that one address may make in a minute.</summary>
    public int LoginsPerMinute { get; set; } = 10;

    /// <summary>The longest body of a request, in bytes; a longer one is answered with 413.</summary>
    public long BodyBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Event streams open at once, over all callers.</summary>
    public int StreamsMax { get; set; } = 200;

    /// <summary>Event streams that one caller may have open at once.</summary>
    public int StreamsPerCallerMax { get; set; } = 20;
}
