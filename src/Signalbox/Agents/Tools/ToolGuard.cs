using System.Runtime.InteropServices;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>Why a call is not carried out: what is recorded, and what the model is told.</summary>
internal sealed record Rejection(string Code, string Answer, IReadOnlyList<string>? Nearest = null);

/// <summary>
/// Stands before every tool call of a tier: what the state does not give does not exist, arguments fit the schema, and nobody asks the same for ever. Counts what it lets pass, so that it gives the
/// same verdicts when a conversation is entered anew.
/// </summary>
internal sealed class ToolGuard(AgentConfiguration configuration, ToolCatalog catalog)
{
    public const int CallsOfATurnMax = 16;

    private readonly Dictionary<(string Tool, string Arguments), int> _passed = [];

    /// <summary>Null if the call may be carried out. <paramref name="index"/> counts the calls of one reply from 0.</summary>
    public Rejection? Check(string name, JsonElement arguments, string? malformed, int index)
    {
        if (index >= CallsOfATurnMax)
        {
            return new(RejectionCodes.TooManyCalls, $"One reply may call at most {CallsOfATurnMax} tools; this call was one too many. Make it again, alone, if you still need it.");
        }

        if (configuration.Tools.FirstOrDefault(t => t.Name == name) is not { } tool)
        {
            return Absent(name);
        }

        if (malformed is not null)
        {
            return new(RejectionCodes.BadArguments, $"The arguments of '{name}' are no JSON object ({Texts.Cut(malformed, 300)}). Call it again with arguments that fit its schema.");
        }

        if (JsonSchemaCheck.Faults(tool.Schema, arguments) is { Count: > 0 } faults)
        {
            return new(RejectionCodes.BadArguments, $"The arguments of '{name}' do not fit its schema: {string.Join("; ", faults)}. Call it again with arguments that fit.");
        }

        var key = (name, StepKey.Of(name, CanonicalJson.Of(JsonMarshal.GetRawUtf8Value(arguments))).Arguments);
        var times = _passed[key] = _passed.GetValueOrDefault(key) + 1;
        return times > configuration.SameCallMax
            ? new(RejectionCodes.RepeatedCall, $"You have called '{name}' with these very arguments {times - 1} times already; the answer stands above. Use it, ask something else, or give your answer.")
            : null;
    }

    private Rejection Absent(string name)
    {
        var given = configuration.Tools.Select(t => t.Name).ToArray();
        var shown = Excerpt.Quoted(name, '\'', 100);
        var there = given.Length == 0 ? "You have no tools here: give your answer." : $"You have: {string.Join(", ", given)}.";
        if (configuration.Unavailable.TryGetValue(name, out var why))
        {
            return new(RejectionCodes.Unavailable, $"{shown} cannot be had just now: {why} Do without it, and be less sure. {there}");
        }

        var code = catalog.Find(name) is not null ? RejectionCodes.NotGiven
            : catalog.IsUndeclared(name) ? RejectionCodes.UndeclaredTool
            : RejectionCodes.UnknownTool;
        var nearest = NearestNames.Of(name, given);
        var guess = nearest.Count == 0 ? "" : $" Did you mean {string.Join(" or ", nearest.Select(n => $"'{n}'"))}?";
        return new(code, $"There is no tool {shown} here.{guess} {there}", nearest);
    }
}
