using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Signalbox;

namespace SecurityAlerts;

/// <summary>The options about who plays the analyst, what that may cost, and how it may go wrong. Keys come from the environment and are shown nowhere.</summary>
internal sealed class AnalystCommandLine
{
    private const double ThinkMax = 60;
    private const int CallsMax = 80; // of each tier: two tiers stay within a run's default budget

    private readonly Option<string?> _baseUrl = new("--base-url") { Description = "An OpenAI-compatible server (Ollama, vLLM and the like), with its version: http://127.0.0.1:11434/v1. Its key, if it needs one: OPENAI_API_KEY.", HelpName = "URL" };
    private readonly Option<string?> _model = new("--model") { Description = "The server's model for the fast tier.", HelpName = "NAME" };
    private readonly Option<string?> _strongModel = new("--strong-model") { Description = "Its model for the strong tier; without it the same one.", HelpName = "NAME" };
    private readonly Option<string[]> _budget = new("--budget") { Description = "What may be spent on one alert, in model calls or money. Then a person decides. Repeatable.", HelpName = "calls=N|money=N" };
    private readonly Option<string[]> _misbehave = new("--misbehave") { Description = $"Lets the offline analyst's fast tier go wrong ({Misbehaviours.Names}), or with all:KIND every tier. Repeatable: several kinds take turns.", HelpName = "KIND" };
    private readonly Option<string?> _think = new("--think") { Description = "How long each of the offline analyst's replies takes.", HelpName = "SECONDS" };
    private readonly Option<string?> _calls = new("--calls") { Description = "Lets the offline analyst investigate with so many model calls, looking at one neighbouring address after the other.", HelpName = "N" };

    public AnalystCommandLine()
    {
        _baseUrl.Validators.Add(result => Say(result, Url(result) is null, "--base-url must be an http or https address; got \"{0}\"."));
        _think.Validators.Add(result => Say(result, Number(result) is not <= ThinkMax, $"--think must be 0 to {ThinkMax} seconds; got \"{{0}}\"."));
        _calls.Validators.Add(result => Say(result, Number(result) is not (<= CallsMax and >= 1) || Number(result) % 1 != 0, $"--calls must be a whole number of 1 to {CallsMax}; got \"{{0}}\"."));
        _budget.Validators.Add(result =>
        {
            BudgetText.Parse(Values(result), out var wrong);
            wrong.ToList().ForEach(result.AddError);
        });
        _misbehave.Validators.Add(result =>
        {
            Misbehaviours.Parse(Values(result), out var wrong);
            wrong.ToList().ForEach(result.AddError);
        });
    }

    public void AddTo(RootCommand root)
    {
        foreach (var option in new Option[] { _baseUrl, _model, _strongModel, _budget, _misbehave, _think, _calls })
        {
            root.Add(option);
        }
    }

    /// <summary>What cannot be had together, beside what is wrong with single options.</summary>
    public IEnumerable<string> Contradictions(ParseResult parsed)
    {
        if (parsed.GetResult(_baseUrl) is null && (parsed.GetResult(_model) ?? parsed.GetResult(_strongModel)) is not null)
        {
            yield return "--model and --strong-model are names of the models of a server: say where it is, with --base-url URL.";
        }

        if (parsed.GetResult(_baseUrl) is not null && parsed.GetResult(_model) is null)
        {
            yield return "--base-url needs --model NAME: which of the server's models is to be asked.";
        }

        if ((parsed.GetResult(_baseUrl) is not null || Key("ANTHROPIC_API_KEY") is not null) && (parsed.GetResult(_misbehave) ?? parsed.GetResult(_think) ?? parsed.GetResult(_calls)) is not null)
        {
            yield return "--misbehave, --think and --calls are for the offline analyst: leave out --base-url, and unset ANTHROPIC_API_KEY.";
        }
    }

    public ModelChoice Models(ParseResult parsed) => new()
    {
        BaseUrl = parsed.GetResult(_baseUrl) is { } url ? Url(url) : null,
        Model = parsed.GetValue(_model),
        StrongModel = parsed.GetValue(_strongModel),
        AnthropicKey = Key("ANTHROPIC_API_KEY"),
        OpenAIKey = Key("OPENAI_API_KEY"),
        Offline = new()
        {
            Misbehaves = Misbehaviours.Parse(parsed.GetValue(_misbehave) ?? [], out _),
            Think = TimeSpan.FromSeconds(parsed.GetResult(_think) is { } think ? Number(think)!.Value : 0),
            Calls = (int)(parsed.GetResult(_calls) is { } calls ? Number(calls)!.Value : 0),
        },
    };

    public Budget Budget(ParseResult parsed) => BudgetText.Parse(parsed.GetValue(_budget) ?? [], out _);

    private static string? Key(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } key ? key : null;

    private static IEnumerable<string> Values(OptionResult result) => result.Tokens.Select(token => token.Value);

    private static Uri? Url(OptionResult result) =>
        Uri.TryCreate(Values(result).LastOrDefault(), UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0 ? url : null;

    private static double? Number(OptionResult result) =>
        double.TryParse(Values(result).LastOrDefault(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static void Say(OptionResult result, bool isWrong, string what)
    {
        if (isWrong)
        {
            result.AddError(string.Format(CultureInfo.InvariantCulture, what, TerminalText.Escape(Values(result).LastOrDefault() ?? "", 60)));
        }
    }
}
