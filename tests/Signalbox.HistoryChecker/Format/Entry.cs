namespace Signalbox.HistoryChecker.Format;

/// <summary>One entry as the export states it. <see cref="Body"/> is the raw text of the body in UTF-8, empty where there is none.</summary>
internal sealed class Entry
{
    public required long Position { get; init; }

    public required string Run { get; init; }

    public required long Seq { get; init; }

    public required long Epoch { get; init; }

    public required long At { get; init; }

    public required string Kind { get; init; }

    public required string State { get; init; }

    public required long Visit { get; init; }

    public required string Scope { get; init; }

    public required string Step { get; init; }

    public required string Actor { get; init; }

    public required string Cause { get; init; }

    public required ReadOnlyMemory<byte> Body { get; init; }

    public required byte[] Salt { get; init; }

    public required byte[] Hash { get; init; }

    /// <summary>The digest of a body that was erased; empty for an entry that was not erased.</summary>
    public byte[] Digest { get; init; } = [];

    /// <summary>Whether body, salt and cause were erased with those of the run's other entries.</summary>
    public bool IsErased => Digest.Length > 0;

    /// <summary>Whether somebody outside of the engine wrote it: a client, a person, a server.</summary>
    public bool IsFromOutside =>
        Actor != "engine" && !Actor.StartsWith("worker:", StringComparison.Ordinal) && !Actor.StartsWith("workflow:", StringComparison.Ordinal)
        && !Actor.StartsWith("run:", StringComparison.Ordinal);
}
