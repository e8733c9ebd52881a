namespace Signalbox.Journal;

/// <summary>An entry or a payload is missing, altered or not of its kind's shape. The run is held; others go on. Code: <c>journal_damaged</c>.</summary>
public sealed class JournalDamagedException : Exception
{
    /// <summary>Names the run, the first bad entry and what is wrong with it.</summary>
    public JournalDamagedException(RunId run, long seq, string fault)
        : base($"The journal of run '{run}' is damaged at entry {seq}: {fault}.")
    {
        Run = run;
        Seq = seq;
    }

    /// <summary>The run.</summary>
    public RunId Run { get; }

    /// <summary>The first bad entry.</summary>
    public long Seq { get; }
}
