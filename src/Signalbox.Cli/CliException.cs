namespace Signalbox.CommandLine;

/// <summary>The command ends here, with a stable code and a message that says what happened, how things stand and what to do next.</summary>
internal sealed class CliException(int exitCode, string code, string message, params IReadOnlyList<string> lines) : Exception(message)
{
    /// <summary>What stands below the message, a line each.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;

    public int ExitCode { get; } = exitCode;

    public string Code { get; } = code;

    public static CliException WrongUse(string message, params IReadOnlyList<string> lines) => new(ExitCodes.WrongUse, "wrong_use", message, lines);
}
