using Microsoft.Extensions.Logging;

namespace Signalbox.Mcp;

/// <summary>How an MCP server is used: its limits, and where the accepted definitions of its tools lie.</summary>
public sealed record McpServerOptions
{
    /// <summary>30 s to connect, 10 s to list, 60 s a call, 4 MiB an answer; definitions are pinned in memory.</summary>
    public static McpServerOptions Default { get; } = new();

    /// <summary>The JSON file that holds the accepted definitions; several servers may share it. Null: they are kept for as long as this process lives.</summary>
    public string? Pins { get; init; }

    /// <summary>Whether a tool without a pin is accepted as it is found first. Otherwise it is refused as <c>definition_unknown</c> until <see cref="McpServer.AcceptAsync"/>.</summary>
    public bool TrustOnFirstUse { get; init; } = true;

    /// <summary>The time limit for starting or reaching the server and for its greeting.</summary>
    public TimeSpan ConnectWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The time limit for listing its tools.</summary>
    public TimeSpan ListWithin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The time limit of a call. A tool's own limit (<see cref="ToolOptions.Within"/>) stands beside it.</summary>
    public TimeSpan CallWithin { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How old a listing may be. A server that says that its tools changed is asked at the next use whatever this says.</summary>
    public TimeSpan ListedFor { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A server that has said nothing for so long while a call waited is given up when that call is, and connected anew at the next use.</summary>
    public TimeSpan SilentMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a server's process may take to end after its input was closed; then it is killed with all its children.</summary>
    public TimeSpan ShutdownWithin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest message that is read, in bytes. A longer answer is an error; the rest of it is thrown away as it comes.</summary>
    public int AnswerBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>The clock of every limit and pause.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where it is said that a hint contradicts a declaration, that a definition was pinned or refused, and that a server ended.</summary>
    public ILogger? Logger { get; init; }
}
