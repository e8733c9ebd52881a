using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>I12: one run for each workflow and key.</summary>
internal sealed class Keys(Findings findings)
{
    private readonly Dictionary<(string Workflow, string Key), string> _runs = [];

    public void Take(Entry started)
    {
        try
        {
            using var document = Body.Parse(started);
            var body = new Body(document.RootElement);
            var workflow = body.Text("workflow");
            if (body.OptionalText("key") is { } key && !_runs.TryAdd((workflow, key), started.Run) && _runs[(workflow, key)] is var first && first != started.Run)
            {
                findings.Add("I12", started, $"'{first}' to be the only run of '{workflow}' under the key '{key}'", "a second one");
            }
        }
        catch (BodyFaultException)
        {
            // The fold says what is wrong with the body.
        }
    }

    public string? Find(string workflow, string key) => _runs.GetValueOrDefault((workflow, key));
}
