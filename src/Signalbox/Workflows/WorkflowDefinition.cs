using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>An agent that a state may ask, and the tools that it has there. Anything else does not exist for it.</summary>
public sealed record AgentDefinition(string Name, IReadOnlyList<string> Tools);

/// <summary>A state as declared. <paramref name="End"/> is <c>success</c> or <c>failure</c> for an end, else null; <paramref name="Agents"/> is null where it asks none.</summary>
public sealed record StateDefinition(string Name, string? End = null, List<AgentDefinition>? Agents = null)
{
    /// <summary>The states it may lead to.</summary>
    public List<string> To { get; init; } = [];
}

/// <summary>
/// A workflow without its code: what is stored by fingerprint beside its runs, so that any tool can draw and check them.
/// </summary>
public sealed record WorkflowDefinition(string Name, int Version, string Start, IReadOnlyList<StateDefinition> States, string? EscalatesTo = null, string? OnCancel = null)
{
    /// <summary>The definition as canonical JSON (RFC 8785).</summary>
    public byte[] ToJson() => CanonicalJson.Of(JsonSerializer.SerializeToUtf8Bytes(this, DefinitionJson.Default.WorkflowDefinition));

    /// <summary>The definition that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    public static WorkflowDefinition FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, DefinitionJson.Default.WorkflowDefinition) is { Name: not null, Start: not null, States: not null } definition
            ? definition
            : throw new JsonException("A definition is a JSON object with a name, a start and states.");

    /// <summary>The SHA-256 of <see cref="ToJson"/>: the same declarations give the same fingerprint on every machine.</summary>
    [JsonIgnore]
    public string Fingerprint => PayloadHash.Of(ToJson()).Value;

    /// <summary>The state of that name, or null.</summary>
    public StateDefinition? Find(string state) => States.FirstOrDefault(s => s.Name == state);

    /// <summary>The definition as a Mermaid state diagram.</summary>
    public string ToMermaid()
    {
        var text = new StringBuilder("stateDiagram-v2\n");
        text.Append("    [*] --> ").Append(Start).Append('\n');
        foreach (var state in States)
        {
            foreach (var target in state.To)
            {
                text.Append("    ").Append(state.Name).Append(" --> ").Append(target).Append('\n');
            }

            if (state.End is not null)
            {
                text.Append("    ").Append(state.Name).Append(" --> [*] : ").Append(state.End).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>Everything that is wrong with it. <paramref name="members"/> are the members of the enum of states.</summary>
    internal IEnumerable<string> Faults(IReadOnlyCollection<string> members)
    {
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > 100 || Name.Any(c => char.IsControl(c) || c == '/'))
        {
            yield return $"Its name has 1 to 100 characters, no '/' and no control character; got '{Name}'.";
        }

        if (Version < 1)
        {
            yield return $"Its version counts from 1; got {Version}.";
        }

        if (Start.Length == 0)
        {
            yield return "It has no start. Declare one: states.Start(state, handler).";
        }

        if (!States.Any(s => s.End is not null))
        {
            yield return "It has no end. Declare one: states.End(state).";
        }

        foreach (var member in members.Where(m => Find(m) is null))
        {
            yield return $"State '{member}' is a member of the enum but not declared: it has no handler and is no end.";
        }

        foreach (var target in new[] { EscalatesTo, OnCancel }.Where(t => t is not null && Find(t) is null))
        {
            yield return $"State '{target}' is named for escalation or cancelling but not declared.";
        }

        foreach (var state in States)
        {
            foreach (var target in state.To.Where(t => Find(t) is null && !members.Contains(t)))
            {
                yield return $"State '{state.Name}' leads to '{target}', which is not declared.";
            }

            foreach (var twice in state.To.GroupBy(t => t).Where(g => g.Count() > 1))
            {
                yield return $"State '{state.Name}' leads to '{twice.Key}' twice.";
            }

            if (state.End is null && state.To.Count == 0)
            {
                yield return $"State '{state.Name}' has no way out. Declare its transitions with To(...), or declare it as an end.";
            }
        }

        foreach (var state in States.Where(s => s.Agents is not null))
        {
            foreach (var fault in AgentFaults(state))
            {
                yield return fault;
            }
        }

        var reached = Reach(OnCancel is null ? [Start] : [Start, OnCancel], s => Find(s)?.To ?? []);
        var withEnd = Reach(States.Where(s => s.End is not null).Select(s => s.Name), s => States.Where(o => o.To.Contains(s)).Select(o => o.Name));
        foreach (var state in States)
        {
            if (Start.Length > 0 && !reached.Contains(state.Name))
            {
                yield return $"State '{state.Name}' cannot be reached from the start '{Start}'.";
            }

            if (state.To.Count > 0 && !withEnd.Contains(state.Name))
            {
                yield return $"State '{state.Name}' leads to no end.";
            }
        }
    }

    private IEnumerable<string> AgentFaults(StateDefinition state)
    {
        foreach (var twice in state.Agents!.GroupBy(a => a.Name).Where(g => g.Count() > 1))
        {
            yield return $"State '{state.Name}' declares the agent '{twice.Key}' twice.";
        }

        foreach (var agent in state.Agents!)
        {
            foreach (var twice in agent.Tools.GroupBy(t => t).Where(g => g.Count() > 1))
            {
                yield return $"State '{state.Name}' gives agent '{agent.Name}' the tool '{twice.Key}' twice.";
            }
        }

        if (EscalatesTo is null)
        {
            yield return $"State '{state.Name}' asks an agent, and there is no state for what an agent cannot decide. Declare one: states.EscalatesTo(state).";
        }
        else if (Find(EscalatesTo) is not null && state.Name != EscalatesTo && !Reach(state.To, s => Find(s)?.To ?? []).Contains(EscalatesTo))
        {
            yield return $"State '{state.Name}' asks an agent, but the state for what an agent cannot decide, '{EscalatesTo}', cannot be reached from it.";
        }
    }

    private static HashSet<string> Reach(IEnumerable<string> from, Func<string, IEnumerable<string>> next)
    {
        var reached = new HashSet<string>(from);
        var open = new Queue<string>(reached);
        while (open.TryDequeue(out var state))
        {
            foreach (var other in next(state).Where(reached.Add))
            {
                open.Enqueue(other);
            }
        }

        return reached;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkflowDefinition))]
internal sealed partial class DefinitionJson : JsonSerializerContext;
