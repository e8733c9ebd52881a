using Signalbox.Mcp.Connections;

namespace Signalbox.Mcp;

/// <summary>How an MCP server is reached.</summary>
public abstract class McpTransport
{
    private protected McpTransport()
    {
    }

    /// <summary>
    /// A child process that speaks over its standard input and output. It does not inherit this process's environment: it is given what any program needs to run
    /// (<c>PATH</c>, <c>HOME</c>, <c>LANG</c>, <c>TMPDIR</c>, <c>TZ</c> and their kin on Windows), the variables named in <paramref name="inherit"/> with their values at its start, and
    /// <paramref name="environment"/>. Its input is closed when the server is disposed of, and by the system when this process dies.
    /// </summary>
    public static McpTransport Stdio(
        string command, IEnumerable<string>? arguments = null, IEnumerable<string>? inherit = null, IReadOnlyDictionary<string, string>? environment = null, string? workingDirectory = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(command);
        return new StdioTransport(command, [.. arguments ?? []], [.. inherit ?? []], environment ?? new Dictionary<string, string>(), workingDirectory);
    }

    /// <summary>
    /// A server behind streamable HTTP. <paramref name="headers"/> is asked before each request, so that a secret is read where it lies and kept nowhere. A redirect is not followed: it would
    /// carry the headers elsewhere.
    /// </summary>
    public static McpTransport Http(Uri endpoint, Func<CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? headers = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return endpoint.IsAbsoluteUri && endpoint.Scheme is "http" or "https"
            ? new HttpTransport(endpoint, headers)
            : throw new ArgumentException($"An MCP server's endpoint is an absolute http or https address; got '{endpoint}'.", nameof(endpoint));
    }

    /// <summary>Starts the server, or makes ready to reach it.</summary>
    internal abstract Link Open(McpServerOptions options);
}
