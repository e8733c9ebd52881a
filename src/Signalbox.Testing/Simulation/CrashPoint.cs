namespace Signalbox.Testing;

/// <summary>Where a worker's process dies.</summary>
public enum CrashKind
{
    /// <summary>An append is asked for and has not been written.</summary>
    BeforeAppend,

    /// <summary>An append has been written, and its answer never arrives.</summary>
    AfterAppend,

    /// <summary>The worker has been given runs, and never learns of it.</summary>
    AfterLease,

    /// <summary>Between two tasks of the process: somewhere in the engine, or in an await of a handler or of a target.</summary>
    BetweenTasks,
}

/// <summary>A point of a run's life at which a worker's process dies: the <paramref name="Number"/>-th of its kind, from 1, counted over all workers of the harness.</summary>
public readonly record struct CrashPoint(CrashKind Kind, int Number)
{
    /// <inheritdoc />
    public override string ToString() => Kind switch
    {
        CrashKind.BeforeAppend => $"before append {Number} was written",
        CrashKind.AfterAppend => $"after append {Number} was written, before its answer arrived",
        CrashKind.AfterLease => $"after lease {Number} was written, before its answer arrived",
        _ => $"before task {Number} of the worker",
    };
}

/// <summary>Counts the crash points that go by, and says at which of them the process dies.</summary>
internal sealed class CrashPlan
{
    private readonly int[] _counts = new int[4];

    public HashSet<CrashPoint> Points { get; } = [];

    /// <summary>The points at which a process has died.</summary>
    public List<CrashPoint> Hit { get; } = [];

    public int Count(CrashKind kind) => _counts[(int)kind];

    /// <summary>Whether the process dies here.</summary>
    public bool Strikes(CrashKind kind)
    {
        var point = new CrashPoint(kind, ++_counts[(int)kind]);
        if (!Points.Remove(point))
        {
            return false;
        }

        Hit.Add(point);
        return true;
    }
}
