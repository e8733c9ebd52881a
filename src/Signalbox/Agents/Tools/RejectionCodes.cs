namespace Signalbox;

/// <summary>Why a tool call was not carried out, as recorded.</summary>
public static class RejectionCodes
{
    /// <summary>There is no tool of that name.</summary>
    public const string UnknownTool = "unknown_tool";

    /// <summary>There is, but the state does not give it to this agent.</summary>
    public const string NotGiven = "not_given";

    /// <summary>A server has it, but nobody declared what it is.</summary>
    public const string UndeclaredTool = "undeclared_tool";

    /// <summary>The state gives it, but it could not be had when the agent began.</summary>
    public const string Unavailable = "unavailable_tool";

    /// <summary>The arguments do not fit its schema.</summary>
    public const string BadArguments = "bad_arguments";

    /// <summary>The same call was made often enough.</summary>
    public const string RepeatedCall = "repeated_call";

    /// <summary>Too many calls in one reply.</summary>
    public const string TooManyCalls = "too_many_calls";
}
