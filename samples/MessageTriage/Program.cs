using System.CommandLine;
using MessageTriage;

var data = new Option<string?>("--data") { Description = "A folder with messages.jsonl, message_labels.json and perhaps message-truth.jsonl. Without it: the sample's own messages.", HelpName = "FOLDER" };
var truth = new Option<string?>("--truth") { Description = "Where the right labels stand; by default message-truth.jsonl of the folder, if it is there.", HelpName = "FILE" };
var json = new Option<string?>("--json") { Description = "Where to write the evaluation as JSON.", HelpName = "FILE" };
var compare = new Option<bool>("--compare") { Description = "Routes everything twice, by the fast router alone and by both, and shows where they differ." };
var store = new Option<string>("--store") { Description = "The SQLite file that runs are kept in.", HelpName = "FILE", DefaultValueFactory = _ => "signalbox.db" };
var root = new RootCommand("Routes messages of customers: a fast router, a strong one, a person; and measures them by the truth.") { data, truth, json, compare, store };
root.SetAction((parsed, _) => TriageDesk.RunAsync(new(parsed.GetValue(data), parsed.GetValue(truth), parsed.GetValue(json), parsed.GetValue(compare), parsed.GetValue(store)!)));

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        Console.Error.WriteLine(error.Message);
    }

    Console.Error.WriteLine("Nothing was done. What there is: --help");
    return ExitCodes.CannotWork;
}

// Signals are the desk's own business: it stops in good order.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
