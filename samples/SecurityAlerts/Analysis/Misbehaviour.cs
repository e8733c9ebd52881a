using System.Text.Json;
using Microsoft.Extensions.AI;

namespace SecurityAlerts;

/// <summary>A way in which a model goes wrong, for watching what becomes of a run then.</summary>
internal enum Misbehaviour
{
    /// <summary>Calls a tool that does not exist.</summary>
    UnknownTool,

    /// <summary>Calls a tool with arguments that do not fit.</summary>
    BadArguments,

    /// <summary>Makes the same call for ever.</summary>
    Loop,

    /// <summary>Breaks off in the middle of its answer.</summary>
    Truncated,

    /// <summary>Is never sure.</summary>
    Unsure,

    /// <summary>Calls more tools in one reply than anybody can want.</summary>
    Flood,
}

/// <summary>Who misbehaves how: <c>--misbehave unknown-tool</c> for the fast tier, <c>--misbehave all:loop</c> for every tier.</summary>
internal sealed record Misbehaviours(IReadOnlyList<Misbehaviour> Fast, IReadOnlyList<Misbehaviour> Strong)
{
    public static readonly Misbehaviours None = new([], []);

    private const string EveryTier = "all:";

    public static string Names => string.Join(", ", Enum.GetValues<Misbehaviour>().Select(Name));

    /// <summary>In words, for the first line; null if nobody is to misbehave.</summary>
    public string? Text => Fast.Count == 0 ? null
        : string.Join(", ", Fast.Select(kind => Strong.Contains(kind) ? $"every tier {Name(kind)}" : $"fast {Name(kind)}"));

    /// <summary>Reads the options; what is wrong with them is returned in <paramref name="wrong"/>.</summary>
    public static Misbehaviours Parse(IEnumerable<string> options, out IReadOnlyList<string> wrong)
    {
        var faults = new List<string>();
        var (fast, strong) = (new List<Misbehaviour>(), new List<Misbehaviour>());
        foreach (var option in options)
        {
            var isForAll = option.StartsWith(EveryTier, StringComparison.Ordinal);
            var name = isForAll ? option[EveryTier.Length..] : option;
            var kinds = Enum.GetValues<Misbehaviour>().Where(kind => Name(kind) == name).ToList();
            if (kinds.Count == 0)
            {
                faults.Add($"--misbehave must be one of {Names}, or all: and one of them; got \"{TerminalText.Escape(option, 60)}\".");
            }

            fast.AddRange(kinds);
            strong.AddRange(isForAll ? kinds : []);
        }

        wrong = faults;
        return new(fast, strong);
    }

    private static string Name(Misbehaviour kind) => JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString());
}

/// <summary>What an analyst that misbehaves says instead of what it would have said.</summary>
internal static class Misbehaving
{
    private const double NeverSure = 0.5;
    private const int FarTooMany = 40;

    public static AnalystMove Instead(Misbehaviour kind, AnalystMove move, Conversation conversation)
    {
        var address = conversation.Alert.SourceIp ?? "192.0.2.1";
        return kind switch
        {
            Misbehaviour.UnknownTool => AnalystMove.Call([new("firewall_block", "address", address)]),
            Misbehaviour.BadArguments => AnalystMove.Call([new(AnalystTools.LoginHistory, "ip", address)]),
            Misbehaviour.Loop => AnalystMove.Call([new(AnalystTools.LoginHistory, "address", address)]),
            Misbehaviour.Truncated => new([], """{"decision":"block_ip","confidence":0.99,"reas""", ChatFinishReason.Length),
            Misbehaviour.Unsure => move.Verdict is { } verdict ? AnalystMove.Answer(verdict with { Confidence = Math.Min(verdict.Confidence, NeverSure) }) : move,
            Misbehaviour.Flood => AnalystMove.Call([.. Enumerable.Range(1, FarTooMany).Select(n => new ToolRequest(AnalystTools.LoginHistory, "address", $"198.51.100.{n}"))]),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There are six kinds."),
        };
    }
}
