using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>What the command was asked to do, paths as given.</summary>
internal sealed record DeskOptions(string? Data, string Store, string DenyList, string DisabledAccounts)
{
    /// <summary>The folder to read: the one that was named, or the sample's own alerts beside the program.</summary>
    public string Folder => Data ?? Path.Combine(AppContext.BaseDirectory, "alerts");

    /// <summary>What that folder is called when speaking of it.</summary>
    public string FolderName => Log ?? Data ?? "the sample's own set";

    /// <summary>The machine's own log that alerts are raised from, in place of those of a folder; null for the folder's.</summary>
    public string? Log { get; init; }

    /// <summary>Blocks in the kernel's firewall instead of the deny list.</summary>
    public bool Nft { get; init; }

    /// <summary>The network namespace whose firewall that is; null for this process's own.</summary>
    public string? NetworkNamespace { get; init; }

    public string? Decisions { get; init; }

    /// <summary>The requests to customer care; null where there is none to be handled.</summary>
    public string? Requests { get; init; }

    /// <summary>The addresses that the firewall goes on letting through although it took the block.</summary>
    public IReadOnlyList<IPAddress> Leaks { get; init; } = [];

    /// <summary>After how many blocks in an hour a person is asked about each further one.</summary>
    public int BlocksAnHour { get; init; } = new ResponseOptions().BlocksAnHour;

    public SlowSources Slow { get; init; } = SlowSources.None;

    public bool Stay { get; init; }

    /// <summary>Where dashboard and HTTP API are served; null for nowhere.</summary>
    public string? Serve { get; init; }

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
    private static readonly Option<string?> Log = new("--log") { Description = "A machine's own sshd log (/var/log/auth.log): alerts are raised from it. With --stay it is followed as it grows. With --data, feed.csv, allowlist.csv and assets.json come from that folder.", HelpName = "FILE" };
    private static readonly Option<string?> Decisions = new("--decisions") { Description = "Where to write the decisions, one JSON object an alert.", HelpName = "FILE" };
    private static readonly Option<string> Store = new("--store") { Description = "The SQLite file that runs are kept in.", HelpName = "FILE", DefaultValueFactory = _ => "signalbox.db" };
    private static readonly Option<string> Firewall = new("--firewall") { Description = "What blocks addresses: a deny list (file), or the kernel's firewall (nft), for which this must be root.", HelpName = "file|nft", DefaultValueFactory = _ => "file" };
    private static readonly Option<string?> NetworkNamespace = new("--netns") { Description = "With --firewall nft: the network namespace whose firewall it is, by the name that ip netns knows.", HelpName = "NAME" };
    private static readonly Option<string> DenyList = new("--deny-list") { Description = "The deny list: one blocked address a line.", HelpName = "FILE", DefaultValueFactory = _ => "deny.list" };
    private static readonly Option<string> DisabledAccounts = new("--disabled-accounts") { Description = "The accounts that may not log in: a host and an account a line.", HelpName = "FILE", DefaultValueFactory = _ => "disabled.accounts" };
    private static readonly Option<string> Care = new("--care") { Description = "Whether customer care is at work too, which wants addresses let in. Without it: on for the sample's own alerts, off with --data.", HelpName = "on|off" };
    private static readonly Option<string?> Requests = new("--requests") { Description = "The requests to customer care, one JSON object a line, with customers.jsonl beside them. Without it: the sample's own.", HelpName = "FILE" };
    private static readonly Option<string> BlocksAnHour = new("--blocks-an-hour") { Description = $"After how many blocks in an hour a person is asked about each further one. Without it: {new ResponseOptions().BlocksAnHour}.", HelpName = "N" };
    private static readonly Option<string[]> Leak = new("--leak") { Description = "Lets the firewall take the block of an address and go on letting it through, to see what a run does then. Repeatable.", HelpName = "ADDRESS" };
    private static readonly Option<string?> TruthFile = new("--truth") { Description = "What is right about each alert, one JSON object a line: id, right, harmful. The decisions are then measured by it.", HelpName = "FILE" };
    private static readonly Option<string?> Report = new("--report") { Description = "Where to write that measure as JSON.", HelpName = "FILE" };
    private static readonly Option<string?> Compare = new("--compare") { Description = "An earlier --report to put beside it, with the alerts on which the two differ.", HelpName = "FILE" };
    private static readonly Option<bool> Stay = new("--stay") { Description = "Keeps working, and goes on with what a person answers, until Ctrl-C." };
    private static readonly Option<string?> Serve = new("--serve")
    {
        Description = $"Serves dashboard, HTTP API, /metrics and /health in this process, and stays. Without a URL: {DeskServer.DefaultUrl}.",
        HelpName = "URL",
        Arity = ArgumentArity.ZeroOrOne,
    };

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

        Care.Validators.Add(result => Say(result, text => text is "on" or "off", "--care must be on or off"));
        BlocksAnHour.Validators.Add(result => Say(result, text => Number(text) is not null, "--blocks-an-hour must be a whole number"));
        Serve.Validators.Add(result => result.Tokens.Select(token => DeskServer.UrlFault(token.Value)).OfType<string>().ToList().ForEach(result.AddError));
        Leak.Validators.Add(result => Say(result, text => AddressText.TryParse(text, out _), "--leak must be an IP address"));

        var root = new RootCommand("Decides a queue of ssh alerts: asks three sources, reasons, acts on a firewall, verifies, and asks a person where it must. Beside it, customer care wants addresses let in.")
        {
            Data, Log, Decisions, Store, Firewall, NetworkNamespace, DenyList, DisabledAccounts, Care, Requests, BlocksAnHour, Leak, Stay, Serve, Slow, TruthFile, Report, Compare,
        };
        analyst.AddTo(root);
        root.SetAction((parsed, _) => Desk.RunAsync(new(parsed.GetValue(Data), parsed.GetValue(Store)!, parsed.GetValue(DenyList)!, parsed.GetValue(DisabledAccounts)!)
        {
            Nft = parsed.GetValue(Firewall) == "nft",
            NetworkNamespace = parsed.GetValue(NetworkNamespace),
            Log = parsed.GetValue(Log),
            Decisions = parsed.GetValue(Decisions),
            Requests = RequestsOf(parsed),
            Leaks = [.. (parsed.GetValue(Leak) ?? []).Select(IPAddress.Parse).Select(AddressText.Normalize)],
            BlocksAnHour = Number(parsed.GetValue(BlocksAnHour)) ?? new ResponseOptions().BlocksAnHour,
            Slow = SlowSources.Parse(parsed.GetValue(Slow) ?? [], out var _),
            Stay = parsed.GetValue(Stay) || parsed.GetResult(Serve) is not null,
            Serve = parsed.GetResult(Serve) is null ? null : parsed.GetValue(Serve) ?? DeskServer.DefaultUrl,
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
        errors.AddRange(CareContradictions(parsed));
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

    /// <summary>Alerts of one site have nothing to do with the sample's own customers.</summary>
    private static string? RequestsOf(ParseResult parsed) => parsed.GetValue(Requests) is { } file ? file
        : parsed.GetValue(Data) is null && parsed.GetValue(Log) is null && parsed.GetValue(Care) != "off" ? Path.Combine(AppContext.BaseDirectory, "alerts", CareData.RequestsFile)
        : null;

    private static IEnumerable<string> CareContradictions(ParseResult parsed)
    {
        if (parsed.GetResult(Requests) is not null && parsed.GetResult(Care) is { Tokens: [.., { Value: "off" }] })
        {
            yield return "--requests are for customer care: leave out --care off.";
        }

        if (parsed.GetResult(Care) is { Tokens: [.., { Value: "on" }] } && (parsed.GetResult(Data) ?? parsed.GetResult(Log)) is not null && parsed.GetResult(Requests) is null)
        {
            yield return "--care on needs to know what is asked for about other alerts than the sample's own: --requests FILE.";
        }
    }

    private static void Say(OptionResult result, Func<string, bool> isRight, string must)
    {
        foreach (var wrong in result.Tokens.Select(token => token.Value).Where(text => !isRight(text)))
        {
            result.AddError($"{must}; got \"{TerminalText.Escape(wrong, 60)}\".");
        }
    }

    private static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static ScoreOptions Scoring(ParseResult parsed) => new(parsed.GetValue(TruthFile), parsed.GetValue(Report), parsed.GetValue(Compare));
}
