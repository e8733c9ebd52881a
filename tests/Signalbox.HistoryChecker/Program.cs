using System.Text.Json;
using Signalbox.HistoryChecker;

const int Clean = 0, Broken = 1, Unreadable = 2;

var (options, fault) = CommandLine.Read(args);
if (options is null)
{
    await Console.Error.WriteLineAsync($"history-checker: {fault}\n{CommandLine.Usage}");
    return Unreadable;
}

try
{
    var report = HistoryCheck.Report(options.Lines("--journal")!, options.ToOptions());
    foreach (var violation in report.Violations)
    {
        Console.WriteLine(options.Json ? JsonSerializer.Serialize(violation, JsonSerializerOptions.Web) : violation.ToString());
    }

    Console.WriteLine(options.Json
        ? JsonSerializer.Serialize(new { report.Entries, report.Runs, Violations = report.Violations.Count }, JsonSerializerOptions.Web)
        : report.Summary);
    return report.Violations.Count == 0 ? Clean : Broken;
}
catch (Exception e) when (e is BadInputException or IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"history-checker: {e.Message}");
    return Unreadable;
}
