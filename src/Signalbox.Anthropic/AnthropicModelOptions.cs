namespace Signalbox;

/// <summary>How to reach a Claude model. No key and no address is taken from the environment.</summary>
public sealed record AnthropicModelOptions
{
    /// <summary>The key. It is sent to <see cref="BaseUrl"/> and shown nowhere.</summary>
    public required string ApiKey { get; init; }

    /// <summary>Where the Messages API is, without <c>/v1</c>.</summary>
    public Uri BaseUrl { get; init; } = new("https://api.anthropic.com");

    /// <summary>The longest wait for a whole reply, or for the next piece of a streamed one.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest pause within an answer that has begun, in which the server sends nothing at all, not even its signs of life.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>The length limit of a reply in tokens, for calls that set none themselves.</summary>
    public int MaxOutputTokens { get; init; } = 16_384;

    /// <summary>The clock of the time limits, and by which a <c>retry-after</c> date is read.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The address, without the key.</summary>
    public override string ToString() => $"{nameof(AnthropicModelOptions)} {{ BaseUrl = {BaseUrl} }}";
}
