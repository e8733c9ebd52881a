using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Signalbox.Mcp.Connections;

internal sealed class StdioTransport(string command, string[] arguments, string[] inherit, IReadOnlyDictionary<string, string> environment, string? workingDirectory) : McpTransport
{
    /// <summary>What a program cannot do without. No secret belongs under these names.</summary>
    private static readonly string[] Needed =
        ["PATH", "HOME", "LANG", "TMPDIR", "TZ", "SystemRoot", "SystemDrive", "TEMP", "TMP", "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "ProgramFiles"];

    internal override Link Open(McpServerOptions options)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        start.Environment.Clear();
        foreach (var name in Needed.Concat(inherit))
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                start.Environment[name] = value;
            }
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ServerProcess(Process.Start(start)!, options);
    }

    private sealed class ServerProcess : Link
    {
        private const int LastWordsBytesMax = 4096;

        private readonly Process _process;
        private readonly McpServerOptions _options;
        private readonly Lock _lock = new();
        private readonly byte[] _lastWords = new byte[LastWordsBytesMax];
        private readonly Task _listening;
        private readonly BoundedMessages _messages;
        private int _lastWordsLength;
        private int? _exitCode;

        public ServerProcess(Process process, McpServerOptions options)
        {
            _process = process;
            _options = options;
            _messages = new BoundedMessages(process.StandardOutput.BaseStream, MessageFraming.Lines, options.AnswerBytesMax, () => Heard());
            Transport = new StreamClientTransport(process.StandardInput.BaseStream, _messages);
            _listening = ListenAsync(process.StandardError.BaseStream);
            Ended = EndAsync();
        }

        public override IClientTransport Transport { get; }

        public override Task Ended { get; }

        public override bool IsBroken => _exitCode is not null || _process.HasExited;

        public override string Epitaph(bool byItself)
        {
            var words = new StringBuilder();
            if (byItself && _exitCode is { } code)
            {
                words.Append(CultureInfo.InvariantCulture, $" with exit code {code}");
            }

            lock (_lock)
            {
                var text = Encoding.UTF8.GetString(_lastWords, 0, _lastWordsLength).Trim();
                return text.Length == 0 ? words.ToString() : words.Append(", after it wrote: ").Append(PlainText.Ending(text)).ToString();
            }
        }

        public override async ValueTask DisposeAsync()
        {
            try
            {
                _process.StandardInput.BaseStream.Close();
            }
            catch (IOException)
            {
                // It did not take what was still to be written; it is at its end anyway.
            }

            try
            {
                await Ended.WaitAsync(_options.ShutdownWithin, _options.Clock);
            }
            catch (TimeoutException)
            {
                await KillAsync();
            }

            try
            {
                await _listening.WaitAsync(_options.ShutdownWithin, _options.Clock); // for the last words; a grandchild may hold the pipe open
            }
            catch (TimeoutException)
            {
            }

            await _messages.DisposeAsync();
            await _process.StandardError.BaseStream.DisposeAsync();
        }

        private async Task KillAsync()
        {
            try
            {
                _process.Kill(entireProcessTree: true);
                await Ended.WaitAsync(_options.ShutdownWithin, _options.Clock);
            }
            catch (Exception e) when (e is AggregateException or Win32Exception or InvalidOperationException or TimeoutException)
            {
                _options.Logger?.LogWarning("Process {Process} of an MCP server, or a child of it, could not be killed: {Reason}", _process.Id, PlainText.Excerpt(e.Message));
            }
        }

        private async Task EndAsync()
        {
            await _process.WaitForExitAsync(CancellationToken.None);
            _exitCode = _process.ExitCode;
        }

        private async Task ListenAsync(Stream errors)
        {
            var chunk = new byte[LastWordsBytesMax / 2];
            try
            {
                while (await errors.ReadAsync(chunk) is > 0 and var count)
                {
                    lock (_lock)
                    {
                        var kept = Math.Min(_lastWordsLength, LastWordsBytesMax - count);
                        _lastWords.AsSpan(_lastWordsLength - kept, kept).CopyTo(_lastWords);
                        chunk.AsSpan(0, count).CopyTo(_lastWords.AsSpan(kept));
                        _lastWordsLength = kept + count;
                    }
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // What it wrote last is lost, no more.
            }
        }
    }
}
