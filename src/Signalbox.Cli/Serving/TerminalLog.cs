using Microsoft.Extensions.Logging;
using Signalbox.CommandLine.Rendering;

namespace Signalbox.CommandLine.Serving;

/// <summary>A server's log on a terminal: one line each, with nothing in it that the terminal would obey.</summary>
internal sealed class TerminalLog(TextWriter error) : ILoggerProvider
{
    private readonly Lock _lock = new();

    public ILogger CreateLogger(string categoryName) => new Category(this);

    public void Dispose()
    {
    }

    private void Write(string line)
    {
        lock (_lock)
        {
            error.WriteLine(TerminalText.Encode(line));
        }
    }

    private sealed class Category(TerminalLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Write($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : " " + exception)}");
            }
        }
    }
}
