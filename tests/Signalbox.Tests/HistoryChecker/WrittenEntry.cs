namespace Signalbox.Tests.HistoryChecker;

/// <summary>
/// An entry before it is sealed. <c>@signal</c> in the body stands for the seq of the run's last signal, so that it stays right when a test adds or
/// removes entries. Where a number is given, it replaces the one that sealing would give.
/// </summary>
public sealed record WrittenEntry(string Run, string Kind)
{
    public string State { get; init; } = "";

    public int Visit { get; init; }

    public string Scope { get; init; } = "";

    public string Step { get; init; } = "";

    public string Actor { get; init; } = "engine";

    public string Cause { get; init; } = "because";

    public string Body { get; init; } = "";

    public long? Position { get; init; }

    public int? Epoch { get; init; }

    public long? At { get; init; }
}
