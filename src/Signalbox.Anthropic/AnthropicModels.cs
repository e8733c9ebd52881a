using Anthropic;
using Anthropic.Exceptions;
using Microsoft.Extensions.AI;
using Signalbox.Providers;

namespace Signalbox;

/// <summary>Claude models over Anthropic's own client.</summary>
public static class AnthropicModels
{
    /// <summary>
    /// A client for one model. It asks once: retries belong to the engine. Each failure is a <see cref="ModelException"/>, except the caller's own cancellation; a stream that
    /// ends early is <see cref="ModelTrouble.Cut"/>, and its finish reason is not seen before all of it has come. Refusals, length limits and empty replies are replies, with
    /// their finish reason and their use. Dispose it to close its connections. Safe to call from several threads.
    /// </summary>
    /// <param name="model">The model's id, such as <c>claude-haiku-5-5</c>; a call may name another one.</param>
    /// <param name="options">Key, address and limits.</param>
    /// <exception cref="ArgumentException">An option cannot be used; the text names every fault.</exception>
    public static IChatClient Create(string model, AnthropicModelOptions options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.ApiKey);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxOutputTokens, 1);
        var provider = new Provider(options.BaseUrl, options.ApiKey, options.Timeout, options.Silence, options.Clock);
        var http = provider.Connect();
        var client = new AnthropicClient
        {
            ApiKey = options.ApiKey,
            BaseUrl = options.BaseUrl.AbsoluteUri.TrimEnd('/'),
            HttpClient = http,
            MaxRetries = 0,
            Timeout = options.Timeout + TimeSpan.FromMinutes(1), // the guard's limit is the one that counts
        };
        return new GuardedChatClient(new AnthropicReplies(client.AsIChatClient(model, options.MaxOutputTokens)), provider, http, e => ErrorEvent(provider, e));
    }

    private static ModelException? ErrorEvent(Provider provider, Exception e)
    {
        if (e is not AnthropicSseException { Body: var body })
        {
            return null;
        }

        var error = ErrorAnswer.Read(body.ValueKind == System.Text.Json.JsonValueKind.Undefined ? "" : body.GetRawText());
        return provider.Trouble(error.Trouble(), $"broke its answer off{error.Said(provider)}");
    }
}
