using ModelContextProtocol.Client;

namespace Signalbox.Mcp.Connections;

/// <summary>The way to a server that one connection uses: a process, or HTTP requests.</summary>
internal abstract class Link : IAsyncDisposable
{
    public abstract IClientTransport Transport { get; }

    /// <summary>Completes when the server's process has ended.</summary>
    public abstract Task Ended { get; }

    /// <summary>Whether it is known, without waiting, that nothing can come from there any more.</summary>
    public abstract bool IsBroken { get; }

    /// <summary>Called for whatever the server says.</summary>
    public Action Heard { get; set; } = static () => { };

    /// <summary>How the server ended, as far as the link knows: " with exit code 1, after it wrote: …". The code says nothing where it was we who ended it (<paramref name="byItself"/>).</summary>
    public abstract string Epitaph(bool byItself);

    /// <summary>Faults from now on are those of an established connection.</summary>
    public virtual void Established()
    {
    }

    /// <summary>Ends it. Nothing of it is left afterwards.</summary>
    public abstract ValueTask DisposeAsync();
}
