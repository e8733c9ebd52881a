using Microsoft.Extensions.Logging;

namespace Signalbox.Sqlite;

/// <summary>How to open a store in a SQLite file.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The file. It is created if there is none; its folder must exist.</summary>
    public required string Path { get; init; }

    /// <summary>The clock by which entries are dated and waits come due.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where salts come from.</summary>
    public Entropy Entropy { get; init; } = Entropy.System;

    /// <summary>
    /// A group of the operating system, by name or number, whose members may read the store and hand in commands of every kind over its socket, each under their own name. They can write none of its files; the store's
    /// folder must be writable for its owner alone. Null: only the user of this process (and root) gets at it. On Linux only.
    /// </summary>
    public string? Group { get; init; }

    /// <summary>Who has which roles, in place of the role book beside the store (the file's name with <c>.roles.json</c>). What live API keys give comes on top (<see cref="KeyFile"/>).</summary>
    public IRoleSource? Roles { get; init; }

    /// <summary>Where the store says what nobody awaits: a callback that threw, a caller on the socket that made no sense.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>Whether other processes may hand in commands over the socket. A command that only passes by opens without.</summary>
    internal bool TakesCommands { get; init; } = true;

    /// <summary>For tests: the most pages the database may have, as if the disk were full then.</summary>
    internal long? PagesMax { get; init; }
}
