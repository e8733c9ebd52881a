using Microsoft.Extensions.Logging;

namespace SecurityAlerts;

/// <summary>Writes what the engine and the store warn of to the screen, one line each, with control characters escaped.</summary>
internal sealed class ScreenLoggerProvider(Screen screen) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new ScreenLogger(screen);

    public void Dispose()
    {
    }

    private sealed class ScreenLogger(Screen screen) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var why = exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})";
                screen.Warn(TerminalText.Escape($"{(logLevel == LogLevel.Warning ? "warning" : "error")}: {formatter(state, exception)}{why}"));
            }
        }
    }
}
