using Microsoft.Extensions.AI;

namespace Signalbox;

/// <summary>How a tool may be used: limits for one call. A tool is a read unless it is bound to an action.</summary>
public sealed record ToolOptions
{
    /// <summary>10 s, one attempt, 16,000 characters, no cache.</summary>
    public static ToolOptions Default { get; } = new();

    /// <summary>The time limit of one attempt. What ignores its cancellation is left behind.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a read is tried in all.</summary>
    public int Attempts { get; init; } = 1;

    /// <summary>How much of its answer the model is shown, in characters of JSON. The rest is cut off, and the answer says so; only what is shown is recorded.</summary>
    public int CharactersMax { get; init; } = 16_000;

    /// <summary>How long an answer may be used again for equal arguments, by any run of this process. Zero: not at all.</summary>
    public TimeSpan CachedFor { get; init; }
}

/// <summary>
/// Something an agent may call, known by a stable name. It is usable only because it was declared: a <em>read</em>, which may be repeated, or <em>bound to an action</em>, which goes
/// through <see cref="VisitScope.Act{TAction}"/> with its probe, intent and verification. Which of them an agent is given is declared on the state.
/// </summary>
public sealed class Tool
{
    /// <summary>A misspelled optional argument must not pass as one that was left out.</summary>
    private static readonly AIJsonSchemaCreateOptions Closed = new() { TransformOptions = new AIJsonSchemaTransformOptions { DisallowAdditionalProperties = true } };

    private readonly Func<CancellationToken, ValueTask<AIFunctionDeclaration>> _find;

    private Tool(string name, Type? actionType, ToolOptions? options, Func<CancellationToken, ValueTask<AIFunctionDeclaration>> find)
    {
        Journal.StepKey.ThrowIfUnfit(name);
        Name = name;
        ActionType = actionType;
        Options = options ?? ToolOptions.Default;
        _find = find;
    }

    /// <summary>Its name, for states, models and journals.</summary>
    public string Name { get; }

    /// <summary>Its limits.</summary>
    public ToolOptions Options { get; }

    /// <summary>Whether calling it changes something.</summary>
    public bool IsAction => ActionType is not null;

    internal Type? ActionType { get; }

    /// <summary>Whether its answer depends on the run's case, so that no other run may have it from the cache.</summary>
    internal bool UsesContext { get; private init; }

    /// <summary>A read over any function.</summary>
    public static Tool Read(AIFunction function, ToolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return new(function.Name, null, options, _ => new(function));
    }

    /// <summary>
    /// A read over a C# method; an <see cref="ArgumentException"/> of it tells the model that it asked the wrong way, a <see cref="ToolErrorException"/> is an answer, of any other exception
    /// the evidence is missing. Its parameters become the schema; one of type <see cref="ToolContext"/> is given the call's context and is not shown to the model, as are
    /// <see cref="IServiceProvider"/> and <see cref="CancellationToken"/>.
    /// </summary>
    public static Tool Read(string name, string description, Delegate method, ToolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(method);
        var function = AIFunctionFactory.Create(method, new AIFunctionFactoryOptions
        {
            Name = name,
            Description = description,
            SerializerOptions = Journal.SignalboxJson.Options,
            ConfigureParameterBinding = parameter => parameter.ParameterType == typeof(ToolContext)
                ? new() { ExcludeFromSchema = true, BindParameter = static (_, arguments) => ToolContext.Of(arguments) }
                : default,
            JsonSchemaCreateOptions = Closed,
        });
        return new(name, null, options, _ => new(function)) { UsesContext = method.Method.GetParameters().Any(p => p.ParameterType == typeof(ToolContext)) };
    }

    /// <summary>A read whose function is found when an agent begins, as with a server's tool. <paramref name="find"/> may throw <see cref="ToolUnavailableException"/>.</summary>
    public static Tool Read(string name, Func<CancellationToken, ValueTask<AIFunction>> find, ToolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(find);
        return new(name, null, options, async cancellationToken => await find(cancellationToken));
    }

    /// <summary>A tool bound to an action: its arguments are the action's, and its answer is the action's settled outcome.</summary>
    public static Tool Act<TAction>(string name, string description, ToolOptions? options = null)
        where TAction : notnull
    {
        var declaration = AIFunctionFactory.CreateDeclaration(name, description, AIJsonUtilities.CreateJsonSchema(typeof(TAction), serializerOptions: Journal.SignalboxJson.Options, inferenceOptions: Closed));
        return new(name, typeof(TAction), options, _ => new(declaration));
    }

    /// <summary>A tool bound to an action, with a declaration that is found when an agent begins. <paramref name="find"/> may throw <see cref="ToolUnavailableException"/>.</summary>
    public static Tool Act<TAction>(string name, Func<CancellationToken, ValueTask<AIFunctionDeclaration>> find, ToolOptions? options = null)
        where TAction : notnull
    {
        ArgumentNullException.ThrowIfNull(find);
        return new(name, typeof(TAction), options, find);
    }

    /// <summary>The function (of a read) or its declaration (of an action) as it is now.</summary>
    /// <exception cref="ToolUnavailableException">It cannot be had.</exception>
    internal ValueTask<AIFunctionDeclaration> FindAsync(CancellationToken cancellationToken) => _find(cancellationToken);
}

/// <summary>Tools that come from one place, such as an MCP server.</summary>
public abstract class ToolSource
{
    /// <summary>What was declared of it.</summary>
    public abstract IReadOnlyList<Tool> Tools { get; }

    /// <summary>Names that it has but nobody declared, as far as known: a call of one is rejected as <c>undeclared_tool</c>.</summary>
    public virtual IReadOnlyCollection<string> Undeclared => [];
}

/// <summary>A tool cannot be had just now, or not any more as it was declared. The agent works without it, and its evidence is missing.</summary>
public sealed class ToolUnavailableException(string code, string reason, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>The stable code: <c>server_unavailable</c>, <c>definition_changed</c>, <c>tool_missing</c> and others (docs/errors.md).</summary>
    public string Code { get; } = code;
}

/// <summary>
/// A tool has answered, and the answer is that what it was asked for cannot be had: no such file, nothing found. It is told to the model as an error; no evidence is missing for it.
/// </summary>
public class ToolErrorException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The code of the failed step.</summary>
    internal const string Code = "tool_error";
}

/// <summary>For whom a tool is called: what the model cannot choose.</summary>
public sealed class ToolContext
{
    private const string Key = "signalbox";
    private readonly object _case;

    internal ToolContext(RunId run, string state, string agent, DateTimeOffset now, object @case)
    {
        Run = run;
        State = state;
        Agent = agent;
        Now = now;
        _case = @case;
    }

    /// <summary>The run.</summary>
    public RunId Run { get; }

    /// <summary>The state that the agent works in.</summary>
    public string State { get; }

    /// <summary>The agent.</summary>
    public string Agent { get; }

    /// <summary>The scope's time (see <see cref="VisitScope.Now"/>).</summary>
    public DateTimeOffset Now { get; }

    /// <summary>The run's case.</summary>
    /// <exception cref="InvalidOperationException">The case is of another type.</exception>
    public TCase Case<TCase>() => _case is TCase value ? value : throw new InvalidOperationException($"The case of run '{Run}' is a {_case.GetType().Name}, not a {typeof(TCase).Name}.");

    internal static ToolContext Of(AIFunctionArguments arguments) =>
        arguments.Context?.TryGetValue(Key, out var context) == true && context is ToolContext given ? given : throw new InvalidOperationException("This tool needs the context that Signalbox gives; it cannot be called without an agent.");

    internal void GiveTo(AIFunctionArguments arguments) => (arguments.Context ??= new Dictionary<object, object?>())[Key] = this;
}
