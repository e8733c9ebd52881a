namespace Signalbox.CommandLine;

/// <summary>The command ends here, with a stable code and a message that says what happened, how things stand and what to do next.</summary>
internal sealed class CliException(int exitCode, string code, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public string Code { get; } = code;

    public static CliException WrongUse(string message) => new(ExitCodes.WrongUse, "wrong_use", message);
}
