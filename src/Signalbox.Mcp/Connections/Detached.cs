namespace Signalbox.Mcp.Connections;

/// <summary>
/// Work that several callers share, so that none of them carries it: not on the scheduler of the run that happened to come first, which may be gone before the others are done, and not in its trace.
/// </summary>
internal static class Detached
{
    public static Task<T> Start<T>(Func<Task<T>> work)
    {
        using var _ = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        return Task.Run(work);
    }

    public static Task Start(Func<Task> work)
    {
        using var _ = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        return Task.Run(work);
    }
}
