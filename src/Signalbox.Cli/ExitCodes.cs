namespace Signalbox.CommandLine;

/// <summary>What a script learns from the exit code.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The store or the run refused, or a check found faults.</summary>
    public const int Refused = 1;

    /// <summary>The command line makes no sense, or there is no sound store at the path.</summary>
    public const int WrongUse = 2;

    /// <summary>Another process owns the store and cannot be reached.</summary>
    public const int Owned = 3;

    /// <summary>The run that was followed waits for a person: it asks, or it is held.</summary>
    public const int NeedsAPerson = 4;

    /// <summary>The run that was followed ended, and not in a success: it failed or was canceled.</summary>
    public const int EndedOtherwise = 5;

    /// <summary>Stopped by Ctrl-C, as shells count it.</summary>
    public const int Stopped = 130;

    /// <summary>Whoever read the output went away, as shells count it.</summary>
    public const int PipeClosed = 141;
}
