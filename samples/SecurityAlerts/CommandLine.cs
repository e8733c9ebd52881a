using System.CommandLine;
using Signalbox;

namespace SecurityAlerts;

/// <summary>What the command was asked to do, paths as given.</summary>
internal sealed record DeskOptions(string? Data, string Store, string DenyList, string DisabledAccounts)
{
    /// <summary>The folder to read: the one that was named, or the sample's own alerts beside the program.</summary>
    public string Folder => Data ?? Path.Combine(AppContext.BaseDirectory, "alerts");

    /// <summary>What that folder is called when speaking of it.</summary>
    public string FolderName => Data ?? "the sample's own set";

    /// <summary>Blocks in the kernel's firewall instead of the deny list.</summary>
    public bool Nft { get; init; }

    /// <summary>The network namespace whose firewall that is; null for this process's own.</summary>
    public string? NetworkNamespace { get; init; }

    public string? Decisions { get; init; }

    public SlowSources Slow { get; init; } = SlowSources.None;

    public bool Stay { get; init; }

    /// <summary>How the decisions are measured.</summary>
    public ScoreOptions Score { get; init; } = new(null, null, null);

    /// <summary>Which models play the analyst.</summary>
    public ModelChoice Models { get; init; } = new();

    /// <summary>What may be spent on one alert.</summary>
    public Budget Budget { get; init; } = Budget.Default;

    /// <summary>The arguments as given, for telling how to go on.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}

/// <summary>The command's exit codes.</summary>
internal static class ExitCodes
{
    public const int AllHandled = 0;
    public const int BadInput = 1;
    public const int CannotWork = 2;
    public const int RunsNeedAnOperator = 3;
    public const int Interrupted = 130;
    public const int Terminated = 143;
}

/// <summary>The command line: options in, exit code out.</summary>
internal static class CommandLine
{
    private static readonly Option<string?> Data = new("--data") { Description = "A folder with alerts.jsonl, events.jsonl, feed.csv, allowlist.csv and assets.json. Without it: the sample's own alerts.", HelpName = "FOLDER" };
    private static readonly Option<string?> Decisions = new("--decisions") { Description = "Where to write the decisions, one JSON object an alert.", HelpName = "FILE" };
    private static readonly Option<string> Store = new("--store") { Description = "The SQLite file that runs are kept in.", HelpName = "FILE", DefaultValueFactory = _ => "signalbox.db" };
    private static readonly Option<string> Firewall = new("--firewall") { Description = "What blocks addresses: a deny list (file), or the kernel's firewall (nft), for which this must be root.", HelpName = "file|nft", DefaultValueFactory = _ => "file" };
    private static readonly Option<string?> NetworkNamespace = new("--netns") { Description = "With --firewall nft: the network namespace whose firewall it is, by the name that ip netns knows.", HelpName = "NAME" };
    private static readonly Option<string> DenyList = new("--deny-list") { Description = "The deny list: one blocked address a line.", HelpName = "FILE", DefaultValueFactory = _ => "deny.list" };
    private static readonly Option<string> DisabledAccounts = new("--disabled-accounts") { Description = "The accounts that may not log in: a host and an account a line.", HelpName = "FILE", DefaultValueFactory = _ => "disabled.accounts" };
    private static readonly Option<string?> TruthFile = new("--truth") { Description = "What is right about each alert, one JSON object a line: id, right, harmful. The decisions are then measured by it.", HelpName = "FILE" };
    private static readonly Option<string?> Report = new("--report") { Description = "Where to write that measure as JSON.", HelpName = "FILE" };
    private static readonly Option<string?> Compare = new("--compare") { Description = "An earlier --report to put beside it, with the alerts on which the two differ.", HelpName = "FILE" };
    private static readonly Option<bool> Stay = new("--stay") { Description = "Keeps working, and goes on with what a person answers, until Ctrl-C." };
    private static readonly Option<string[]> Slow = new("--slow") { Description = $"Lets a source ({string.Join(", ", AlertSources.Names)}) answer late, to see what a run does then. Repeatable.", HelpName = "SOURCE=SECONDS" };

    public static async Task<int> RunAsync(string[] args)
    {
        var analyst = new AnalystCommandLine();
        Slow.Validators.Add(result =>
        {
            SlowSources.Parse(result.Tokens.Select(token => token.Value), out var wrong);
            wrong.ToList().ForEach(result.AddError);
        });

        Firewall.Validators.Add(result =>
        {
            if (result.Tokens is [.., { Value: not ("file" or "nft") } wrong])
            {
                result.AddError($"--firewall must be file or nft; got \"{TerminalText.Escape(wrong.Value, 60)}\".");
            }
        });

        var root = new RootCommand("Decides a queue of ssh alerts: asks three sources, reasons, acts on a firewall, verifies, and asks a person where it must.")
        {
            Data, Decisions, Store, Firewall, NetworkNamespace, DenyList, DisabledAccounts, Stay, Slow, TruthFile, Report, Compare,
        };
        analyst.AddTo(root);
        root.SetAction((parsed, _) => Desk.RunAsync(new(parsed.GetValue(Data), parsed.GetValue(Store)!, parsed.GetValue(DenyList)!, parsed.GetValue(DisabledAccounts)!)
        {
            Nft = parsed.GetValue(Firewall) == "nft",
            NetworkNamespace = parsed.GetValue(NetworkNamespace),
            Decisions = parsed.GetValue(Decisions),
            Slow = SlowSources.Parse(parsed.GetValue(Slow) ?? [], out var _),
            Stay = parsed.GetValue(Stay),
            Score = Scoring(parsed),
            Models = analyst.Models(parsed),
            Budget = analyst.Budget(parsed),
            Arguments = args,
        }));

        var parsed = root.Parse(args);
        var errors = parsed.Errors.Select(error => error.Message).ToList();
        errors.AddRange(analyst.Contradictions(parsed));
        errors.AddRange(Scoring(parsed).Contradictions);
        errors.AddRange(FirewallContradictions(parsed));
        if (errors.Count > 0)
        {
            foreach (var error in errors)
            {
                await Console.Error.WriteLineAsync(TerminalText.Escape(error));
            }

            await Console.Error.WriteLineAsync("Nothing was done. What there is: --help");
            return ExitCodes.CannotWork;
        }

        // Signals are the desk's own business: it stops in good order and says what is left.
        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    private static IEnumerable<string> FirewallContradictions(ParseResult parsed)
    {
        var nft = parsed.GetResult(Firewall) is { Tokens: [.., { Value: "nft" }] };
        if (!nft && parsed.GetResult(NetworkNamespace) is not null)
        {
            yield return "--netns says whose firewall it is: it needs --firewall nft.";
        }

        if (nft && parsed.GetResult(DenyList) is { Implicit: false })
        {
            yield return "--deny-list is the other firewall: leave it out, or leave out --firewall nft.";
        }
    }

    private static ScoreOptions Scoring(ParseResult parsed) => new(parsed.GetValue(TruthFile), parsed.GetValue(Report), parsed.GetValue(Compare));
}
