using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Signalbox.Journal;
using Signalbox.Mcp.Connections;
using Signalbox.Mcp.Definitions;

namespace Signalbox.Mcp;

/// <summary>
/// The tools of an MCP server. Only those that are declared here exist for an agent, as what they are declared: a server's own hints decide nothing. The server is connected at the first use, once
/// for all runs, and connected anew at the next use after it ended; a call that was under way then fails at once. A tool whose definition is not the accepted one is refused. Safe to use from
/// several threads once everything is declared.
/// </summary>
public sealed class McpServer : ToolSource, IAsyncDisposable
{
    private const string RemotePrefix = "Request failed (remote): "; // the library's, before what the server said

    private readonly McpServerOptions _options;
    private readonly SharedConnection _connection;
    private readonly Pins _pins;
    private readonly List<Signalbox.Tool> _tools = [];
    private readonly Dictionary<string, bool> _declared = new(StringComparer.Ordinal);
    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);
    private volatile Listing? _lastListing;

    /// <summary>A server under a name of its user's choice, by which pins, logs and errors know it. Nothing is started yet.</summary>
    public McpServer(string name, McpTransport transport, McpServerOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(transport);
        Name = name;
        _options = options ?? McpServerOptions.Default;
        _connection = new SharedConnection(name, transport, _options);
        _pins = new Pins(_options.Pins, name, _options.Clock);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <inheritdoc />
    public override IReadOnlyList<Signalbox.Tool> Tools => _tools;

    /// <summary>Names that the server has but nobody declared, as of the last listing; empty before the first.</summary>
    public override IReadOnlyCollection<string> Undeclared =>
        _lastListing is { } listing ? [.. listing.Names.Where(name => !_declared.ContainsKey(name) && _tools.All(tool => tool.Name != name))] : [];

    /// <summary>Declares that calling a tool changes nothing, so that it may be repeated.</summary>
    /// <param name="tool">The server's name for it.</param>
    /// <param name="options">Its limits.</param>
    /// <param name="alias">The name by which states, models and journals know it; the server's name unless given.</param>
    public McpServer Read(string tool, ToolOptions? options = null, string? alias = null)
    {
        return Declare(tool, isRead: true, Signalbox.Tool.Read(alias ?? tool, async cancellationToken => new Function(this, alias ?? tool, (await FindAsync(tool, cancellationToken)).Definition), options));
    }

    /// <summary>
    /// Declares that calling a tool changes something: it is bound to an action, whose handler calls it (<see cref="CallAsync"/>). The description is the server's; the parameters are the action's,
    /// which is what is recorded, approved and carried out.
    /// </summary>
    /// <param name="tool">The server's name for it.</param>
    /// <param name="options">Its limits.</param>
    /// <param name="alias">The name by which states, models and journals know it; the server's name unless given.</param>
    public McpServer Act<TAction>(string tool, ToolOptions? options = null, string? alias = null)
        where TAction : notnull
    {
        var schema = AIJsonUtilities.CreateJsonSchema(typeof(TAction), serializerOptions: SignalboxJson.Options);
        return Declare(tool, isRead: false, Signalbox.Tool.Act<TAction>(
            alias ?? tool,
            async cancellationToken => AIFunctionFactory.CreateDeclaration(alias ?? tool, (await FindAsync(tool, cancellationToken)).Definition.Description, schema),
            options));
    }

    /// <summary>Calls a declared tool, for the handler of the action that it is bound to (and its probe and verification). <paramref name="arguments"/> is written as JSON the way actions are.</summary>
    /// <exception cref="McpToolException">The server answered with an error.</exception>
    /// <exception cref="ToolUnavailableException">The server cannot be had or ended before it answered (<c>server_unavailable</c>: whether the call took effect is not known), or the tool is not the accepted one.</exception>
    /// <exception cref="TimeoutException">It did not answer within <see cref="McpServerOptions.CallWithin"/>.</exception>
    public Task<McpAnswer> CallAsync(string tool, object? arguments = null, CancellationToken cancellationToken = default)
    {
        if (!_declared.ContainsKey(tool))
        {
            throw new ArgumentException($"Nobody declared a tool '{tool}' of MCP server '{Name}'. Declared: {string.Join(", ", _declared.Keys)}.", nameof(tool));
        }

        var json = arguments is null ? [] : JsonSerializer.SerializeToNode(arguments, arguments.GetType(), SignalboxJson.Options) as JsonObject;
        return SendAsync(tool, json ?? throw new ArgumentException($"The arguments of a tool are an object; got a {arguments!.GetType().Name}.", nameof(arguments)), cancellationToken);
    }

    /// <summary>Accepts a tool's definition as the server has it now; with <paramref name="digest"/> only if it is that one.</summary>
    /// <returns>The digest of what was accepted.</returns>
    /// <exception cref="ToolUnavailableException">It cannot be had, or is another than <paramref name="digest"/> names; nothing was accepted.</exception>
    public async Task<string> AcceptAsync(string tool, string? digest = null, CancellationToken cancellationToken = default)
    {
        var (listing, definition, _) = await LookUpAsync(tool, anew: true, cancellationToken);
        if (digest is not null && digest != definition.Digest)
        {
            throw new ToolUnavailableException("definition_changed", $"Tool '{tool}' of MCP server '{Name}' is now {definition.Digest}, not {digest}. Nothing was accepted.");
        }

        var pin = await _pins.SetAsync(definition, onlyIfNew: false, cancellationToken);
        listing.SetAccepted(tool);
        return pin.Digest;
    }

    /// <summary>Ends the session and the server's process. Calls under way fail.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private McpServer Declare(string name, bool isRead, Signalbox.Tool tool)
    {
        if (_tools.Any(other => other.Name == tool.Name) || !_declared.TryAdd(name, isRead))
        {
            throw new ArgumentException($"Tool '{name}' of MCP server '{Name}' is declared twice, or its name '{tool.Name}' is taken.", nameof(name));
        }

        _tools.Add(tool);
        return this;
    }

    /// <summary>A declared tool's definition, accepted, and the connection on which it holds.</summary>
    private async Task<(ToolDefinition Definition, Connection Connection)> FindAsync(string tool, CancellationToken cancellationToken)
    {
        var (listing, definition, connection) = await LookUpAsync(tool, anew: false, cancellationToken);
        if (!listing.IsAccepted(tool))
        {
            await CheckAsync(definition, cancellationToken);
            listing.SetAccepted(tool);
            WarnOfHints(definition);
        }

        return (definition, connection);
    }

    private async Task<(Listing, ToolDefinition, Connection)> LookUpAsync(string tool, bool anew, CancellationToken cancellationToken)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            var connection = await _connection.GetAsync(cancellationToken);
            try
            {
                var listing = _lastListing = await connection.ListAsync(anew, cancellationToken);
                var definition = listing.Find(tool) ?? throw new ToolUnavailableException(
                    "tool_missing", $"MCP server '{Name}' has no tool '{tool}'. It has: {PlainText.Excerpt(string.Join(", ", listing.Names.Order(StringComparer.Ordinal)), 500)}.");
                return (listing, definition, connection);
            }
            catch (Exception e) when (isFirst && connection.IsSpent && !cancellationToken.IsCancellationRequested && e is not ToolUnavailableException)
            {
                // It ended unseen before, or just now. Listing changes nothing: once more.
                connection.End();
            }
            catch (FormatException e)
            {
                throw new ToolUnavailableException("definition_unfit", $"Tool '{tool}' of MCP server '{Name}' cannot be given to a model: {e.Message}.", e);
            }
            catch (TimeoutException e)
            {
                throw _connection.Unavailable($"does not answer: {e.Message}", e);
            }
            catch (Exception e) when (e is not (ToolUnavailableException or ObjectDisposedException) && !cancellationToken.IsCancellationRequested)
            {
                throw _connection.Unavailable(connection.IsSpent ? await connection.WhyEndedAsync() : $"cannot list its tools: {PlainText.Excerpt(e.Message)}", e);
            }
        }
    }

    private async Task CheckAsync(ToolDefinition definition, CancellationToken cancellationToken)
    {
        var pin = await _pins.FindAsync(definition.Name, cancellationToken);
        if (pin is null && !_options.TrustOnFirstUse)
        {
            throw new ToolUnavailableException(
                "definition_unknown",
                $"Tool '{definition.Name}' of MCP server '{Name}' was never accepted: \"{PlainText.Excerpt(definition.Description)}\", {definition.Digest}. Accepted definitions lie in {_pins.Place}. {HowToAccept(definition)}");
        }

        if (pin is null)
        {
            pin = await _pins.SetAsync(definition, onlyIfNew: true, cancellationToken);
            _options.Logger?.LogInformation("Tool '{Tool}' of MCP server '{Server}' is accepted as found first, {Digest}, in {Place}", definition.Name, Name, pin.Digest, _pins.Place);
        }

        if (pin.Digest != definition.Digest)
        {
            var reason = $"Tool '{definition.Name}' of MCP server '{Name}' is not the one that was accepted: {definition.DifferenceFrom(pin.Definition)}. It was {PlainText.Excerpt(pin.Digest, 80)} and is now {definition.Digest}. "
                + $"Accepted definitions lie in {_pins.Place}. {HowToAccept(definition)}";
            _options.Logger?.LogWarning("{Reason}", reason);
            throw new ToolUnavailableException("definition_changed", reason);
        }
    }

    private static string HowToAccept(ToolDefinition definition) => $"No agent is given it until somebody has looked at it and accepts it: McpServer.AcceptAsync(\"{definition.Name}\", \"{definition.Digest}\").";

    private void WarnOfHints(ToolDefinition definition)
    {
        var isRead = _declared.TryGetValue(definition.Name, out var declared) && declared;
        if (isRead && (definition.ReadOnlyHint == false || (definition.DestructiveHint == true && definition.ReadOnlyHint != true)))
        {
            lock (_warned)
            {
                if (!_warned.Add(definition.Digest))
                {
                    return;
                }
            }

            _options.Logger?.LogWarning(
                "Tool '{Tool}' of MCP server '{Server}' is declared a read, but the server hints that it {Hint}", definition.Name, Name, definition.DestructiveHint == true ? "is destructive" : "is not read-only");
        }
    }

    private async Task<McpAnswer> SendAsync(string tool, JsonObject arguments, CancellationToken cancellationToken)
    {
        var (_, connection) = await FindAsync(tool, cancellationToken);
        using var limit = new CancellationTokenSource(_options.CallWithin, _options.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var result = await connection.RequestAsync(RequestMethods.ToolsCall, new JsonObject { ["name"] = tool, ["arguments"] = arguments }, linked.Token);
            return McpAnswer.Of(Name, tool, result);
        }
        catch (Exception e) when (e is not McpToolException && !cancellationToken.IsCancellationRequested)
        {
            if (limit.IsCancellationRequested && !connection.IsSpent)
            {
                throw new TimeoutException($"Tool '{tool}' of MCP server '{Name}' did not answer within {_options.CallWithin.TotalSeconds:0.###} s.", e);
            }

            if (connection.IsSpent || e is IOException or HttpRequestException || (e is McpException and not McpProtocolException))
            {
                var reason = $"{await connection.WhyEndedAsync()} while '{tool}' was called; whether the call took effect is not known. The server is connected anew at the next use";
                _options.Logger?.LogWarning("MCP server '{Server}' {Reason}", Name, reason);
                throw _connection.Unavailable(reason, e);
            }

            throw new McpToolException(Name, tool, e is McpProtocolException ? e.Message.Replace(RemotePrefix, "", StringComparison.Ordinal) : $"{e.GetType().Name}: {e.Message}", e);
        }
    }

    /// <summary>A tool as an agent calls it.</summary>
    private sealed class Function(McpServer server, string name, ToolDefinition definition) : AIFunction
    {
        public override string Name => name;

        public override string Description => definition.Description;

        public override JsonElement JsonSchema => definition.InputSchema;

        public override JsonSerializerOptions JsonSerializerOptions => SignalboxJson.Options;

        protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
        {
            var json = new JsonObject();
            foreach (var (key, value) in arguments)
            {
                json[key] = JsonSerializer.SerializeToNode(value, value?.GetType() ?? typeof(object), SignalboxJson.Options);
            }

            var answer = await server.SendAsync(definition.Name, json, cancellationToken);
            return answer.Structured is { } structured ? structured : answer.Text;
        }
    }
}
