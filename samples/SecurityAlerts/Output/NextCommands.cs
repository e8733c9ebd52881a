namespace SecurityAlerts;

/// <summary>What the reader may want to do next, as commands that work on a fresh clone.</summary>
internal static class NextCommands
{
    private const string Signalbox = "dotnet run --project src/Signalbox.Cli --";

    public static IReadOnlyList<NextCommand> After(DeskOptions options, IReadOnlyList<DecidedAlert> alerts, int left)
    {
        var store = $"--store {Quoted(options.Store)}";
        var goOn = $"dotnet run --project samples/SecurityAlerts{(options.Arguments.Count == 0 ? "" : " -- ")}{string.Join(' ', options.Arguments.Select(Quoted))}";
        var next = new List<NextCommand>();
        if (left > 0)
        {
            next.Add(new(goOn, "goes on where this one stopped"));
        }

        if (alerts.FirstOrDefault(alert => alert.WaitsFor == DecidedAlert.APerson) is { } asking)
        {
            next.Add(new($"{Signalbox} show {asking.Run} {store}", $"what is known about {TerminalText.Escape(asking.Id, 40)}"));
            next.Add(new($"{Signalbox} answer {asking.Run} close {store}", "answers for it"));
            next.Add(new(goOn, "carries out what was answered"));
        }

        if (alerts.FirstOrDefault(alert => alert.WaitsFor == DecidedAlert.AnOperator) is { } stuck)
        {
            next.Add(new($"{Signalbox} show {stuck.Run} {store}", $"what stopped {TerminalText.Escape(stuck.Id, 40)}"));
        }

        next.Add(new($"{Signalbox} runs {store}", "every run and what became of it"));
        return [.. next.DistinctBy(command => command.Command)];
    }

    private static string Quoted(string argument)
    {
        var text = TerminalText.Escape(argument);
        return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
