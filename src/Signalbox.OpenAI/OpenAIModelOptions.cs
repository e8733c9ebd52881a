namespace Signalbox;

/// <summary>How to reach a model behind an OpenAI-compatible server. No key and no address is taken from the environment.</summary>
public sealed record OpenAIModelOptions
{
    /// <summary>Where the server's API is, with its version: <c>http://127.0.0.1:11434/v1</c> for Ollama, <c>http://127.0.0.1:8000/v1</c> for vLLM.</summary>
    public Uri BaseUrl { get; init; } = new("https://api.openai.com/v1");

    /// <summary>The key, sent to <see cref="BaseUrl"/> and shown nowhere; null for a server that needs none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The longest wait for a whole reply, or for the next piece of a streamed one.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest pause within an answer that has begun, in which the server sends nothing at all.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Whether a reply's length limit is sent as <c>max_tokens</c>, which Ollama and others obey (they pass over the other one without a word), or as
    /// <c>max_completion_tokens</c>, which OpenAI demands. Null decides by the address: <c>max_tokens</c> for everybody but <c>api.openai.com</c>.
    /// </summary>
    public bool? UsesMaxTokens { get; init; }

    /// <summary>The clock of the time limits, and by which a <c>retry-after</c> date is read.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The address, without the key.</summary>
    public override string ToString() => $"{nameof(OpenAIModelOptions)} {{ BaseUrl = {BaseUrl} }}";
}
