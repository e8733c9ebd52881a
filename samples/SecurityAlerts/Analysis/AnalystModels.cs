using Microsoft.Extensions.AI;
using Signalbox;

namespace SecurityAlerts;

/// <summary>A model as it is registered.</summary>
internal sealed record AnalystModel(string Name, IChatClient Client, ModelOptions Options);

/// <summary>The models that play the analyst, one for each tier, and how to speak of them.</summary>
internal sealed record AnalystModels(AnalystModel Fast, AnalystModel Strong, string Text)
{
    /// <summary>How they were told to misbehave; null for not at all.</summary>
    public string? Misbehaving { get; private init; }

    /// <summary>The model that plays the carer: the fast one, unless it is an offline one.</summary>
    public AnalystModel Carer { get; private init; } = Fast;

    /// <summary>A short name of it all, for reports.</summary>
    public string Configuration => (Fast.Name == Strong.Name ? Fast.Name : $"{Fast.Name}, {Strong.Name}") + (Misbehaving is null ? "" : $"; {Misbehaving}");

    /// <summary>What models cost, in US dollars per million tokens. A model that is not listed costs nothing as far as this program knows.</summary>
    private static readonly Dictionary<string, Price> Prices = new(StringComparer.Ordinal)
    {
        ["claude-haiku-5-5"] = new(1, 5) { CachedInput = 0.1m, CacheWrite = 1.25m },
        ["claude-sonnet-5-5"] = new(3, 15) { CachedInput = 0.3m, CacheWrite = 3.75m },
    };

    private static readonly ModelOptions s_offline = new() { Attempts = 2, Backoff = TimeSpan.FromMilliseconds(1), OutputTokensMax = 1024 };

    public SignalboxBuilder AddTo(SignalboxBuilder signalbox)
    {
        foreach (var model in new[] { Fast, Strong, Carer }.DistinctBy(model => model.Name))
        {
            signalbox.AddModel(model.Name, model.Client, model.Options);
        }

        return signalbox;
    }

    /// <summary>The models that the options and the environment ask for: any OpenAI-compatible server, else Claude, else the offline analyst.</summary>
    public static AnalystModels For(ModelChoice choice, TimeProvider clock)
    {
        if (choice.BaseUrl is { } url)
        {
            var (model, strong) = (choice.Model!, choice.StrongModel ?? choice.Model!);
            return new(OpenAI(model), OpenAI(strong), TerminalText.Escape($"{(strong == model ? model : $"{model}, then {strong},")} at {url}"));

            AnalystModel OpenAI(string name) => Real(name, OpenAIModels.Create(name, new OpenAIModelOptions { BaseUrl = url, ApiKey = choice.OpenAIKey, Clock = clock }));
        }

        if (choice.AnthropicKey is { } key)
        {
            return new(Claude("claude-haiku-5-5"), Claude("claude-sonnet-5-5"), "claude-haiku-5-5, then claude-sonnet-5-5, at Anthropic");

            AnalystModel Claude(string name) => Real(name, AnthropicModels.Create(name, new AnthropicModelOptions { ApiKey = key, Clock = clock }));
        }

        return Offline(choice.Offline, clock);
    }

    public static AnalystModels Offline(OfflineChoice choice, TimeProvider clock)
    {
        return new(
            Analyst("offline-fast", looksFurther: false, choice.Misbehaves.Fast),
            Analyst("offline-strong", looksFurther: true, choice.Misbehaves.Strong),
            "offline analyst: answers by written rules, no key, no network" + (choice.Misbehaves.Text is { } how ? $"; told to misbehave: {how}" : ""))
        {
            Misbehaving = choice.Misbehaves.Text,
            Carer = new("offline-carer", new OfflineCarer("offline-carer", choice.Think, clock), s_offline),
        };

        AnalystModel Analyst(string name, bool looksFurther, IReadOnlyList<Misbehaviour> misbehaves) => new(
            name,
            new OfflineAnalyst(new(name, looksFurther) { Think = choice.Think, Calls = choice.Calls, Misbehaves = misbehaves }, clock),
            s_offline);
    }

    private static AnalystModel Real(string name, IChatClient client) =>
        new(name, client, new ModelOptions { Price = Prices.GetValueOrDefault(name), Streams = true, CallsAtOnceMax = 8 });
}

/// <summary>Which models are asked for, and the keys that the environment holds for them. No record: that would print the keys.</summary>
internal sealed class ModelChoice
{
    public Uri? BaseUrl { get; init; }

    public string? Model { get; init; }

    public string? StrongModel { get; init; }

    public string? AnthropicKey { get; init; }

    public string? OpenAIKey { get; init; }

    public OfflineChoice Offline { get; init; } = new();
}

/// <summary>How the offline analyst is to work.</summary>
internal sealed record OfflineChoice
{
    public Misbehaviours Misbehaves { get; init; } = Misbehaviours.None;

    public TimeSpan Think { get; init; }

    public int Calls { get; init; }
}
