using Signalbox;

namespace SecurityAlerts;

/// <summary>What the reader may want to do next, as commands that work on a fresh clone.</summary>
internal static class NextCommands
{
    public const string Signalbox = "dotnet run --project src/Signalbox.Cli --";

    public static IReadOnlyList<NextCommand> After(DeskOptions options, IReadOnlyList<DecidedAlert> alerts, int left, CareSummary care)
    {
        var store = $"--store {Quoted(options.Store)}";
        var goOn = $"dotnet run --project samples/SecurityAlerts{(options.Arguments.Count == 0 ? "" : " -- ")}{string.Join(' ', options.Arguments.Select(Quoted))}";
        var next = new List<NextCommand>();
        if (left + care.Left > 0)
        {
            next.Add(new(goOn, "goes on where this one stopped"));
        }

        if (alerts.FirstOrDefault(alert => alert is { WaitsFor: DecidedAlert.APerson, AsksForApproval: false }) is { } asking)
        {
            next.Add(new($"{Signalbox} show {asking.Run} {store}", $"what is known about {TerminalText.Escape(asking.Id, 40)}"));
            next.Add(new($"{Signalbox} answer {asking.Run} close {store}", "answers for it"));
        }

        if (care.Requests.FirstOrDefault(request => request is { WaitsFor: DecidedAlert.APerson, AsksForApproval: false }) is { } wish)
        {
            next.Add(new($"{Signalbox} answer {wish.Run} {wish.Choices[0]} {store}", $"answers for {TerminalText.Escape(wish.Id, 40)}"));
        }

        var approvals = alerts.Where(alert => alert.AsksForApproval).Select(alert => (alert.Id, alert.Run)).Concat(care.Requests.Where(request => request.AsksForApproval).Select(request => (request.Id, request.Run)));
        if (approvals.FirstOrDefault() is { Id: { } id, Run: var run })
        {
            next.Add(new($"{Signalbox} approve {run} {store}", $"shows what {TerminalText.Escape(id, 40)} asks for and approves it; or: reject {run} --reason TEXT"));
        }

        if (alerts.Any(alert => alert.WaitsFor == DecidedAlert.APerson) || care.Requests.Any(request => request.WaitsFor == DecidedAlert.APerson))
        {
            next.Add(new(goOn, "carries out what was answered"));
        }

        if (alerts.Where(alert => alert.WaitsFor == DecidedAlert.AnOperator).Select(alert => (alert.Id, alert.Run))
            .Concat(care.Requests.Where(request => request.WaitsFor == DecidedAlert.AnOperator).Select(request => (request.Id, request.Run))).FirstOrDefault() is { Id: { } stuck, Run: var stopped })
        {
            next.Add(new($"{Signalbox} show {stopped} {store}", $"what stopped {TerminalText.Escape(stuck, 40)}"));
        }

        next.Add(new($"{Signalbox} runs {store}", "every run and what became of it"));
        return [.. next.DistinctBy(command => command.Command)];
    }

    /// <summary>What ends each of these runs. One that is held is abandoned at once; any other is canceled, and ends when a start drives it.</summary>
    public static IEnumerable<string> Ending(DeskOptions options, IEnumerable<RunRow> runs) =>
        runs.Select(row => $"{Signalbox} {(row.Status == RunStatus.Held ? $"release {row.Run} --abandon" : $"cancel {row.Run}")} --store {Quoted(options.Store)}");

    public static string Quoted(string argument)
    {
        var text = TerminalText.Escape(argument);
        return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
