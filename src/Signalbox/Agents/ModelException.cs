namespace Signalbox;

/// <summary>What went wrong with a model call, whoever the provider is. Recorded as the code of the failed step, in snake case.</summary>
public enum ModelTrouble
{
    /// <summary>Too many calls just now (429); worth another try after <see cref="ModelException.RetryAfter"/>.</summary>
    RateLimited,

    /// <summary>The provider is overloaded (529, 503).</summary>
    Overloaded,

    /// <summary>The provider failed (any other 5xx).</summary>
    ServerError,

    /// <summary>No answer in time, or a stream went silent. What it cost is unknown.</summary>
    TimedOut,

    /// <summary>The connection or the stream broke, or the reply has no finish reason. What it cost is unknown.</summary>
    Cut,

    /// <summary>The reply reached its length limit.</summary>
    Truncated,

    /// <summary>What came back cannot be read as the provider's format.</summary>
    Unreadable,

    /// <summary>The reply holds neither text nor a tool call.</summary>
    Empty,

    /// <summary>The model or its provider refused to answer.</summary>
    Refused,

    /// <summary>The request itself is wrong (400, 404, 413, 422): it would fail again.</summary>
    InvalidRequest,

    /// <summary>The key is wrong or may not do this (401, 403).</summary>
    Unauthorized,

    /// <summary>A spending limit or quota is used up (402, or a 429 that says so): waiting does not help.</summary>
    QuotaExhausted,

    /// <summary>Nobody was asked: the provider has failed so often that its circuit breaker is open.</summary>
    CircuitOpen,

    /// <summary>Anything else.</summary>
    Failed,
}

/// <summary>
/// A model call failed in a way that the engine knows how to treat. Chat clients of Signalbox's own provider packages throw it; of any other client's exceptions the
/// engine recognises time-outs, broken connections and unreadable JSON, and takes the rest as <see cref="ModelTrouble.Failed"/>.
/// </summary>
public sealed class ModelException(ModelTrouble trouble, string reason, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>What went wrong.</summary>
    public ModelTrouble Trouble { get; } = trouble;

    /// <summary>How long the provider asks to wait before the next try; null if it does not say.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Whether a part of the reply had come before it failed: then it has cost something, whatever went wrong.</summary>
    public bool HadBegun { get; init; }

    /// <summary>Whether the same call may succeed later.</summary>
    public bool IsWorthRetrying => Trouble is ModelTrouble.RateLimited or ModelTrouble.Overloaded or ModelTrouble.ServerError or ModelTrouble.TimedOut or ModelTrouble.Cut
        or ModelTrouble.Unreadable or ModelTrouble.Empty or ModelTrouble.Truncated or ModelTrouble.CircuitOpen or ModelTrouble.Failed;

    /// <summary>Whether the provider answered without doing the work, so that the call cost nothing.</summary>
    public bool CostNothing => !HadBegun && Trouble is ModelTrouble.RateLimited or ModelTrouble.Overloaded or ModelTrouble.ServerError or ModelTrouble.InvalidRequest or ModelTrouble.Unauthorized
        or ModelTrouble.QuotaExhausted or ModelTrouble.CircuitOpen;
}
