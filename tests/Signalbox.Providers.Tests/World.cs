using System.Runtime.CompilerServices;
using System.Text;

namespace Signalbox.Providers.Tests;

/// <summary>The providers that every shared fact is tested on.</summary>
public enum Kind
{
    Anthropic,
    OpenAI,
}

/// <summary>A wire server and one provider's client that asks it.</summary>
public sealed class World : IAsyncDisposable
{
    public const string Key = "sk-secret-0123456789abcdef";
    public const string Model = "model-1";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private World(Kind kind, ModelWireServer server, IChatClient client)
    {
        Kind = kind;
        Server = server;
        Client = client;
    }

    public Kind Kind { get; }

    public ModelWireServer Server { get; }

    public IChatClient Client { get; }

    /// <summary>What the environment holds must not matter, so that every test runs with a wrong one.</summary>
    [ModuleInitializer]
    internal static void SpoilTheEnvironment()
    {
        foreach (var name in (string[])["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"])
        {
            Environment.SetEnvironmentVariable(name, "key-of-the-environment");
        }

        foreach (var name in (string[])["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"])
        {
            Environment.SetEnvironmentVariable(name, "http://192.0.2.1:1");
        }
    }

    public static async Task<World> OfAsync(Kind kind, params IEnumerable<WireReply> replies)
    {
        var server = await ModelWireServer.StartAsync(replies);
        return new World(kind, server, ClientOf(kind, server.Url));
    }

    public static async Task<World> OfAsync(Kind kind, TimeSpan timeout, TimeSpan silence, TimeProvider clock, params IEnumerable<WireReply> replies)
    {
        var server = await ModelWireServer.StartAsync(replies);
        return new World(kind, server, ClientOf(kind, server.Url, timeout, silence, clock));
    }

    public static IChatClient ClientOf(Kind kind, Uri server, TimeSpan? timeout = null, TimeSpan? silence = null, TimeProvider? clock = null, string key = Key) => kind == Kind.Anthropic
        ? AnthropicModels.Create(Model, new AnthropicModelOptions
        {
            ApiKey = key,
            BaseUrl = server,
            Timeout = timeout ?? s_patience,
            Silence = silence ?? s_patience,
            Clock = clock ?? TimeProvider.System,
        })
        : OpenAIModels.Create(Model, new OpenAIModelOptions
        {
            ApiKey = key,
            BaseUrl = new Uri(server, "/v1"),
            Timeout = timeout ?? s_patience,
            Silence = silence ?? s_patience,
            Clock = clock ?? TimeProvider.System,
        });

    /// <summary>The events of a reply, as bytes.</summary>
    public static int LengthOf(Kind kind, WireReply reply) =>
        Encoding.UTF8.GetByteCount(kind == Kind.Anthropic ? AnthropicWire.Events(reply, Model) : OpenAIWire.Events(reply, Model));

    public Task<ChatResponse> AskAsync(string text = "Is web-1 slow?", ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Client.GetResponseAsync([new ChatMessage(ChatRole.User, text)], options, cancellationToken);

    public async Task<IReadOnlyList<ChatResponseUpdate>> StreamAsync(ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        await StreamIntoAsync(updates, options, cancellationToken);
        return updates;
    }

    public async Task StreamIntoAsync(List<ChatResponseUpdate> updates, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(updates);
        await foreach (var update in Client.GetStreamingResponseAsync([new ChatMessage(ChatRole.User, "Is web-1 slow?")], options, cancellationToken))
        {
            updates.Add(update);
        }
    }

    /// <summary>The trouble of one call; the key is in no text of it.</summary>
    public async Task<ModelException> TroubleAsync(bool streamed = false)
    {
        var trouble = await Assert.ThrowsAsync<ModelException>(() => streamed ? StreamAsync() : AskAsync());
        Assert.DoesNotContain(Key, trouble.ToString(), StringComparison.OrdinalIgnoreCase);
        return trouble;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
