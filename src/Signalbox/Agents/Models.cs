using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polly;
using Polly.CircuitBreaker;

namespace Signalbox;

/// <summary>What a model costs, per million tokens, in one currency for all models.</summary>
public sealed record Price(decimal Input, decimal Output)
{
    /// <summary>Tokens read from the provider's cache; like any other input unless it is set.</summary>
    public decimal? CachedInput { get; init; }

    /// <summary>Tokens written to the provider's cache; like any other input unless it is set.</summary>
    public decimal? CacheWrite { get; init; }

    /// <summary>The price in millionths, rounded up; never negative, whatever a provider counts.</summary>
    internal long Micros(long input, long output, long cached = 0, long cacheWrite = 0) =>
        (long)Math.Ceiling((Math.Max(0, input - cached - cacheWrite) * Input) + (cached * (CachedInput ?? Input)) + (cacheWrite * (CacheWrite ?? Input)) + (output * Output));
}

/// <summary>How a model is called.</summary>
public sealed record ModelOptions
{
    /// <summary>The defaults below.</summary>
    public static ModelOptions Default { get; } = new();

    /// <summary>What it costs; null: nothing is counted.</summary>
    public Price? Price { get; init; }

    /// <summary>Whose it is: models of one provider share a circuit breaker. By default what the client says of itself, else the model's name.</summary>
    public string? Provider { get; init; }

    /// <summary>The time limit of one call, without what it waits for its turn.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Whether the reply is streamed, so that a connection that has gone silent is noticed before <see cref="Within"/> is over.</summary>
    public bool Streams { get; init; }

    /// <summary>How long a stream may be silent.</summary>
    public TimeSpan SilentMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a call is tried in all.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>The pause after the first failure; each further one is twice as long. What the provider asks for (<c>retry-after</c>) counts where it is longer.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause. A provider that asks for more has failed: the decision moves on.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How many tokens one reply may have; also what is reserved of the budget for it.</summary>
    public int OutputTokensMax { get; init; } = 4096;

    /// <summary>Sampling temperature, where the model takes one.</summary>
    public float? Temperature { get; init; }

    /// <summary>How hard the model is to think, where it takes that.</summary>
    public ReasoningEffort? Effort { get; init; }

    /// <summary>How many calls may be under way at once in this process.</summary>
    public int? CallsAtOnceMax { get; init; }

    /// <summary>How many calls a minute this process may make.</summary>
    public int? CallsPerMinuteMax { get; init; }

    /// <summary>How many tokens a minute this process may use.</summary>
    public long? TokensPerMinuteMax { get; init; }

    /// <summary>The model to ask where this one gives no answer, in the same tier.</summary>
    public string? Fallback { get; init; }

    internal IEnumerable<string> Faults(string model)
    {
        foreach (var (name, isGood, value) in new (string, bool, object?)[]
        {
            (nameof(Within), Within > TimeSpan.Zero, Within),
            (nameof(SilentMax), SilentMax > TimeSpan.Zero, SilentMax),
            (nameof(Attempts), Attempts >= 1, Attempts),
            (nameof(Backoff), Backoff >= TimeSpan.Zero, Backoff),
            (nameof(OutputTokensMax), OutputTokensMax >= 1, OutputTokensMax),
            (nameof(CallsAtOnceMax), CallsAtOnceMax is null or >= 1, CallsAtOnceMax),
            (nameof(CallsPerMinuteMax), CallsPerMinuteMax is null or >= 1, CallsPerMinuteMax),
            (nameof(TokensPerMinuteMax), TokensPerMinuteMax is null or >= 1, TokensPerMinuteMax),
        }.Where(check => !check.Item2))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"Model '{model}' has {name} {value}; it must be positive.");
        }
    }
}

/// <summary>A model of this program: its client, its limits, and what all runs of the process share about it.</summary>
internal sealed record Model(string Name, IChatClient Client, ModelOptions Options, ModelRate Rate, ResiliencePipeline Breaker)
{
    /// <summary>About how many tokens a text has: three bytes to the token is on the safe side for English and JSON.</summary>
    public static long TokensOf(long bytes) => (bytes + 2) / 3;

    /// <summary>What a call of so many bytes of messages may use up.</summary>
    public Spending MayUse(long bytes)
    {
        var input = TokensOf(bytes);
        return new Spending { Calls = 1, InputTokens = input, OutputTokens = Options.OutputTokensMax, Micros = Options.Price?.Micros(input, Options.OutputTokensMax) ?? 0 };
    }
}

/// <summary>The models of this program, by name.</summary>
internal sealed class ModelCatalog
{
    private readonly Dictionary<string, Model> _models = [];

    public ModelCatalog(IEnumerable<(string Name, Func<IServiceProvider, IChatClient> Client, ModelOptions Options)> registrations, IServiceProvider services, TimeProvider clock, List<string> faults)
    {
        var breakers = new Dictionary<string, ResiliencePipeline>();
        foreach (var (name, create, options) in registrations)
        {
            faults.AddRange(options.Faults(name));
            var client = create(services);
            var provider = options.Provider ?? client.GetService<ChatClientMetadata>()?.ProviderName ?? name;
            if (!breakers.TryGetValue(provider, out var breaker))
            {
                breakers[provider] = breaker = Breaker(clock);
            }

            if (!_models.TryAdd(name, new Model(name, client, options, new ModelRate(clock, options.CallsAtOnceMax, options.CallsPerMinuteMax, options.TokensPerMinuteMax, queueMax: 10_000), breaker)))
            {
                faults.Add($"Model '{name}' is registered twice.");
            }
        }

        foreach (var model in _models.Values.Where(m => m.Options.Fallback is { } fallback && !_models.ContainsKey(fallback)))
        {
            faults.Add($"Model '{model.Name}' falls back to '{model.Options.Fallback}', which is not registered; registered: {Names}.");
        }
    }

    public string Names => _models.Count == 0 ? "none" : string.Join(", ", _models.Keys.Order(StringComparer.Ordinal));

    public Model? Find(string name) => _models.GetValueOrDefault(name);

    /// <summary>Opens when half of at least eight calls within 30 s have failed through the provider's doing, for 15 s; then one call tries.</summary>
    private static ResiliencePipeline Breaker(TimeProvider clock) => new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = 0.5,
            MinimumThroughput = 8,
            SamplingDuration = TimeSpan.FromSeconds(30),
            BreakDuration = TimeSpan.FromSeconds(15),
            ShouldHandle = static outcome => new(outcome.Outcome.Exception is ModelException
            {
                Trouble: ModelTrouble.Overloaded or ModelTrouble.ServerError or ModelTrouble.TimedOut or ModelTrouble.Cut,
            }),
        })
        .Build();
}

/// <summary>Says of any exception what went wrong with a model call.</summary>
internal static class ModelTroubles
{
    public static ModelException Of(Exception exception) => exception switch
    {
        ModelException known => known,
        BrokenCircuitException open => new(ModelTrouble.CircuitOpen, "its provider has failed too often; nobody was asked", open.RetryAfter, open),
        TimeoutException or OperationCanceledException { InnerException: TimeoutException } => new(ModelTrouble.TimedOut, exception.Message, inner: exception),
        HttpRequestException { StatusCode: { } status } http => new(OfStatus((int)status), http.Message, inner: http),
        HttpRequestException or IOException => new(ModelTrouble.Cut, $"{exception.GetType().Name}: {exception.Message}", inner: exception),
        JsonException => new(ModelTrouble.Unreadable, exception.Message, inner: exception),
        _ => new(ModelTrouble.Failed, $"{exception.GetType().Name}: {exception.Message}", inner: exception),
    };

    public static string Code(ModelTrouble trouble) => JsonNamingPolicy.SnakeCaseLower.ConvertName(trouble.ToString());

    private static ModelTrouble OfStatus(int status) => status switch
    {
        401 or 403 => ModelTrouble.Unauthorized,
        402 => ModelTrouble.QuotaExhausted,
        408 => ModelTrouble.TimedOut,
        429 => ModelTrouble.RateLimited,
        503 or 529 => ModelTrouble.Overloaded,
        >= 500 => ModelTrouble.ServerError,
        >= 400 => ModelTrouble.InvalidRequest,
        _ => ModelTrouble.Failed,
    };
}
