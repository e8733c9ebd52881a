namespace Signalbox.HistoryChecker;

/// <summary>An input cannot be read, so that nothing can be said about the history. Names the file and the line, from 1.</summary>
public sealed class BadInputException(string file, long line, string fault) : Exception($"{file}:{line}: {fault}")
{
    public string File { get; } = file;

    public long Line { get; } = line;
}
