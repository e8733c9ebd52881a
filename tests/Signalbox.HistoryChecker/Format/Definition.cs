using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>What a run's workflow allows, from the definition's payload. <paramref name="Start"/> and the transitions name states.</summary>
internal sealed record Definition(string Name, long Version, string Start, IReadOnlyDictionary<string, StateDefinition> States, string? OnCancel)
{
    /// <exception cref="BodyFaultException">It is not of the documented shape.</exception>
    public static Definition Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new BodyFaultException("a definition that is an object", json.ValueKind.ToString());
        }

        var body = new Body(json);
        var states = new Dictionary<string, StateDefinition>(StringComparer.Ordinal);
        if (body.Element("states") is not { ValueKind: JsonValueKind.Array } list)
        {
            throw new BodyFaultException("a definition with a list 'states'", "none");
        }

        foreach (var item in list.EnumerateArray())
        {
            var state = item.ValueKind == JsonValueKind.Object ? new Body(item) : throw new BodyFaultException("a state that is an object", item.GetRawText());
            if (!states.TryAdd(state.Text("name"), new([.. state.Texts("to")], state.OptionalText("end"), Agents(state))))
            {
                throw new BodyFaultException($"one state '{state.Text("name")}' in the definition", "two");
            }
        }

        return new(
            body.Text("name"), body.OptionalNumber("version") ?? throw new BodyFaultException("a definition with the number 'version'", "none"),
            body.Text("start"), states, body.OptionalText("onCancel"));
    }

    private static Dictionary<string, IReadOnlyList<string>> Agents(Body state)
    {
        var agents = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var agent in state.Objects("agents"))
        {
            if (!agents.TryAdd(agent.Text("name"), agent.Texts("tools")))
            {
                throw new BodyFaultException($"one agent '{agent.Text("name")}' in the state '{state.Text("name")}'", "two");
            }
        }

        return agents;
    }
}

/// <summary>One state: where it may lead, <c>success</c> or <c>failure</c> where it is an end, and the tools of each agent that it may ask.</summary>
internal sealed record StateDefinition(IReadOnlyList<string> To, string? End, IReadOnlyDictionary<string, IReadOnlyList<string>> Agents);
