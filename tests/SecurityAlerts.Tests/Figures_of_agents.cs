using Signalbox;
using Signalbox.CommandLine.Tests;
using Signalbox.Journal;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

public sealed class Figures_of_agents
{
    [Theory]
    [InlineData("tool", "neighbours", "tools failed")]
    [InlineData("evidence", "threats", "missing_evidence")]
    public async Task Tell_a_tool_that_failed_from_a_source_that_is_missing(string type, string name, string why)
    {
        var store = new InMemoryRunStore();
        var journals = new Journals(store, new Signalbox.Testing.ManualClock());
        var run = await journals.StartAsync("r-1");
        var missing = new Dictionary<string, string> { [name] = "timed out after 2 s" };
        await journals.AppendAsync(run, EntryKinds.StepFailed, new StepFailed("timed_out", "timed out after 2 s", null, 2_000_000, 1, type), step: name + "/-/1");
        await journals.AppendAsync(
            run, EntryKinds.DecisionMade, new DecisionMade("d-1", "analyst", "close", Journals.Json("{}"), 0.7, new Dictionary<string, double>(), [], "strong", "m", false, Missing: missing));
        await journals.AppendAsync(run, EntryKinds.EscalationRaised, new EscalationRaised("analyst", "strong", "person", EscalationReasons.MissingEvidence, "capped", "d-1"));

        var figures = await AgentFigures.ReadAsync(store, [run], default);

        Assert.Equal(new Climbs("strong", "person", why, 1), Assert.Single(figures.Climbs));
    }
}
