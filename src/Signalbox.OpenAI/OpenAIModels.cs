using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI;
using Signalbox.Providers;

namespace Signalbox;

/// <summary>Models behind any server that speaks OpenAI's chat completions: OpenAI, Ollama, vLLM and the like.</summary>
public static class OpenAIModels
{
    /// <summary>
    /// A client for one model. It asks once: retries belong to the engine. Each failure is a <see cref="ModelException"/>, except the caller's own cancellation; a stream that
    /// ends early is <see cref="ModelTrouble.Cut"/>, and its tool calls and finish reason are not seen before all of it has come. Refusals, length limits and empty replies are
    /// replies, with their finish reason and their use; a tool call whose arguments are no JSON object carries what was wrong in its <see cref="FunctionCallContent.Exception"/>.
    /// Dispose it to close its connections. Safe to call from several threads.
    /// </summary>
    /// <param name="model">The model's id, as its server names it; a call may name another one.</param>
    /// <param name="options">Address, key and limits.</param>
    /// <exception cref="ArgumentException">An option cannot be used; the text names every fault.</exception>
    public static IChatClient Create(string model, OpenAIModelOptions options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        ArgumentNullException.ThrowIfNull(options);
        var provider = new Provider(options.BaseUrl, options.ApiKey, options.Timeout, options.Silence, options.Clock);
        var http = provider.Connect();
        AuthenticationPolicy key = options.ApiKey is null ? new NoKey() : ApiKeyAuthenticationPolicy.CreateBearerAuthorizationPolicy(new ApiKeyCredential(options.ApiKey));
        var client = new OpenAIClient(key, new OpenAIClientOptions
        {
            Endpoint = options.BaseUrl,
            NetworkTimeout = Timeout.InfiniteTimeSpan, // the guard's limit is the one that counts
            RetryPolicy = new ClientRetryPolicy(0),
            Transport = new HttpClientPipelineTransport(http),
        });
        var usesMaxTokens = options.UsesMaxTokens ?? options.BaseUrl.Host != "api.openai.com";
        return new GuardedChatClient(new OpenAIChatClient(client, model, provider, usesMaxTokens), provider, http);
    }

    private sealed class NoKey : AuthenticationPolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) => ProcessNext(message, pipeline, currentIndex);

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) => ProcessNextAsync(message, pipeline, currentIndex);
    }
}
