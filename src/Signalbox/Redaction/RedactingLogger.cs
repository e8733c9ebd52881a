using Microsoft.Extensions.Logging;

namespace Signalbox;

/// <summary>A log without what must not be shown. A message that has nothing to mask goes through as it is; otherwise it is one text, with its exception in it.</summary>
internal sealed class RedactingLogger(ILogger inner, Redactor redactor) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!inner.IsEnabled(logLevel))
        {
            return;
        }

        var whole = exception is null ? formatter(state, null) : $"{formatter(state, exception)}\n{exception}";
        var masked = redactor.Text(whole);
        if (ReferenceEquals(masked, whole))
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        else
        {
            inner.Log(logLevel, eventId, masked, null, static (text, _) => text);
        }
    }
}
