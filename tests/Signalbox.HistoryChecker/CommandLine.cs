namespace Signalbox.HistoryChecker;

/// <summary>The options of the program.</summary>
internal sealed record CommandLine(IReadOnlyDictionary<string, string> Values, bool Json)
{
    public const string Usage = "usage: history-checker --journal FILE [--acks FILE] [--target-log FILE] [--target-looks FILE] [--target-state FILE --action NAME --resource MEMBER [--against NAME]] [--budgets FILE] [--json]";

    private static readonly string[] s_names = ["--journal", "--acks", "--target-log", "--target-looks", "--target-state", "--action", "--resource", "--against", "--budgets"];

    /// <summary>The options, or what is wrong with them.</summary>
    public static (CommandLine? Options, string Fault) Read(string[] args)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var json = false;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--json")
            {
                json = true;
            }
            else if (!s_names.Contains(args[i], StringComparer.Ordinal))
            {
                return (null, $"'{args[i]}' is no option.");
            }
            else if (i + 1 == args.Length || !values.TryAdd(args[i], args[++i]))
            {
                return (null, $"{args[i]} needs one value.");
            }
        }

        if (!values.ContainsKey("--journal"))
        {
            return (null, "--journal is missing.");
        }

        return values.ContainsKey("--target-state") && !(values.ContainsKey("--action") && values.ContainsKey("--resource"))
            ? (null, "--target-state needs --action and --resource.")
            : (new(values, json), "");
    }

    public HistoryOptions ToOptions() => new()
    {
        Acknowledgements = Lines("--acks"),
        TargetLog = Lines("--target-log"),
        TargetLooks = Lines("--target-looks"),
        TargetState = Lines("--target-state"),
        Budgets = Lines("--budgets"),
        Action = Values.GetValueOrDefault("--action"),
        Resource = Values.GetValueOrDefault("--resource"),
        Against = Values.GetValueOrDefault("--against"),
        JournalName = Values["--journal"],
        AcknowledgementsName = Values.GetValueOrDefault("--acks", ""),
        BudgetsName = Values.GetValueOrDefault("--budgets", ""),
        TargetLogName = Values.GetValueOrDefault("--target-log", ""),
        TargetLooksName = Values.GetValueOrDefault("--target-looks", ""),
        TargetStateName = Values.GetValueOrDefault("--target-state", ""),
    };

    public IEnumerable<string>? Lines(string option) => Values.TryGetValue(option, out var file) ? File.ReadLines(file) : null;
}
