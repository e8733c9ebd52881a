namespace Signalbox.Journal;

/// <summary>An entry as its author hands it to the store, which adds position, seq, epoch, time, salt and hash.</summary>
public sealed record EntryDraft
{
    /// <summary>One of <see cref="EntryKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The state the run is in (for <see cref="EntryKinds.StateEntered"/>: the one it enters); empty: the store takes the run's.</summary>
    public string State { get; init; } = "";

    /// <summary>The number of the visit, from 1; 0: the store takes the run's, which is 0 before the first.</summary>
    public int Visit { get; init; }

    /// <summary>The named branch of the visit; empty for the visit itself.</summary>
    public string Scope { get; init; } = "";

    /// <summary>The key of the step within its scope, see <see cref="StepKey"/>; empty where the entry belongs to no step.</summary>
    public string Step { get; init; } = "";

    /// <summary>Who caused it, as <c>kind:name</c>: <c>engine</c>, <c>worker:w-1</c>, <c>workflow:alert-response</c>, <c>person:anna</c>.</summary>
    public string Actor { get; init; } = "";

    /// <summary>Why, in words for people.</summary>
    public string Cause { get; init; } = "";

    /// <summary>A JSON object as UTF-8, or empty. Its shape belongs to the kind.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The payloads that the body refers to as <c>{"$payload":"hash"}</c>.</summary>
    public IReadOnlyList<Payload> Payloads { get; init; } = [];
}

/// <summary>One record of a run's journal, as stored. Never changed afterwards, but that its body, salt and cause may be erased with all of its run (<see cref="EntryKinds.RunErased"/>).</summary>
public sealed record Entry
{
    /// <summary>Its place in the store's whole log, in commit order, from 1. Not part of the hash.</summary>
    public required long Position { get; init; }

    /// <summary>The run it belongs to.</summary>
    public required RunId Run { get; init; }

    /// <summary>Its place in its run: 0, 1, 2, … without a gap.</summary>
    public required long Seq { get; init; }

    /// <summary>The lease under which it was written; never falls within a run.</summary>
    public required int Epoch { get; init; }

    /// <summary>When the store committed it: microseconds since 1970-01-01T00:00:00Z by the store's clock; never falls within a store.</summary>
    public required long At { get; init; }

    /// <inheritdoc cref="EntryDraft.Kind"/>
    public required string Kind { get; init; }

    /// <inheritdoc cref="EntryDraft.State"/>
    public required string State { get; init; }

    /// <inheritdoc cref="EntryDraft.Visit"/>
    public required int Visit { get; init; }

    /// <inheritdoc cref="EntryDraft.Scope"/>
    public required string Scope { get; init; }

    /// <inheritdoc cref="EntryDraft.Step"/>
    public required string Step { get; init; }

    /// <inheritdoc cref="EntryDraft.Actor"/>
    public required string Actor { get; init; }

    /// <inheritdoc cref="EntryDraft.Cause"/>
    public required string Cause { get; init; }

    /// <inheritdoc cref="EntryDraft.Body"/>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>16 random bytes that keep an erased body from being guessed; empty for an empty body.</summary>
    public required ReadOnlyMemory<byte> Salt { get; init; }

    /// <summary>The salted digest of a body that was erased (32 zero bytes if there was none); empty for an entry that was not erased.</summary>
    public ReadOnlyMemory<byte> Digest { get; init; }

    /// <summary>Whether its body, salt and cause were erased.</summary>
    public bool IsErased => !Digest.IsEmpty;

    /// <summary>SHA-256 over the entry before, this header and the salted digest of the body, see <see cref="EntryHash"/>.</summary>
    public required ReadOnlyMemory<byte> Hash { get; init; }

    /// <summary><see cref="At"/> as a time.</summary>
    public DateTimeOffset Time => Microseconds.ToTime(At);
}

/// <summary>Times as the journal keeps them.</summary>
public static class Microseconds
{
    private static readonly long s_first = From(DateTimeOffset.MinValue);
    private static readonly long s_last = From(DateTimeOffset.MaxValue);

    /// <summary>The time that many microseconds after 1970-01-01T00:00:00Z; the calendar's first or last one for what lies beyond it.</summary>
    public static DateTimeOffset ToTime(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(microseconds, s_first, s_last) * TimeSpan.TicksPerMicrosecond);

    /// <summary>Whole microseconds since 1970-01-01T00:00:00Z, rounded down.</summary>
    public static long From(DateTimeOffset time) => RoundedDown(time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks);

    /// <summary>The first whole microsecond that is not before <paramref name="time"/>. Every time has one, the last of the calendar too.</summary>
    internal static long Ceiling(DateTimeOffset time) => -RoundedDown(DateTimeOffset.UnixEpoch.UtcTicks - time.UtcTicks);

    private static long RoundedDown(long ticks) => (ticks / TimeSpan.TicksPerMicrosecond) - (ticks % TimeSpan.TicksPerMicrosecond < 0 ? 1 : 0);
}
