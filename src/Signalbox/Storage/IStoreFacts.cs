namespace Signalbox.Storage;

/// <summary>What a store can say of itself, beside its runs, to whoever looks after it. A reader may have this; nothing of the engine needs it. Safe to call from several threads.</summary>
public interface IStoreFacts
{
    /// <summary>The facts of one moment.</summary>
    ValueTask<StoreFacts> FactsAsync(CancellationToken cancellationToken);
}

/// <summary>
/// What a store says of itself. <paramref name="Kind"/> is <c>sqlite</c>, <c>memory</c>, …; <paramref name="Place"/> is where it is, for people; <paramref name="LogEnd"/> is the position of the last entry.
/// </summary>
public sealed record StoreFacts(string Kind, string Place, long LogEnd)
{
    /// <summary>Its parts, and how many bytes each takes.</summary>
    public IReadOnlyList<StorePart> Parts { get; init; } = [];

    /// <summary>The process that writes it, for people; null if none does.</summary>
    public string? Owner { get; init; }

    /// <summary>Whether a store of this kind needs a process that owns it for anything to be done.</summary>
    public bool NeedsOwner { get; init; }

    /// <summary>The version of its schema; null where it has none.</summary>
    public int? Schema { get; init; }

    /// <summary>The version that this program writes.</summary>
    public int? SchemaNewest { get; init; }

    /// <summary>How many runs are in which status.</summary>
    public IReadOnlyDictionary<RunStatus, long> Runs { get; init; } = new Dictionary<RunStatus, long>();

    /// <summary>The definitions that its runs go by.</summary>
    public IReadOnlyList<DefinitionUse> Definitions { get; init; } = [];

    /// <summary>When the oldest run that a worker could take has been ready; microseconds since 1970, null if none is.</summary>
    public long? ReadySince { get; init; }

    /// <summary>Until when its workers count as alive; null where only the process that owns the store knows.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset>? Workers { get; init; }
}

/// <summary>A part of a store.</summary>
public sealed record StorePart(string Name, long Bytes);

/// <summary>A definition that runs go by, and how many of them are open.</summary>
public sealed record DefinitionUse(WorkflowVersion Workflow, string Fingerprint, long Runs, long Open);
