using System.Diagnostics;
using System.Globalization;

namespace Signalbox.Targets.Tests.Victims;

/// <summary>A victim as a process of its own. Only what was started here is ever ended, by its handle.</summary>
internal sealed class VictimProcess : IAsyncDisposable
{
    private const int ExitCodeOfSigkill = 128 + 9;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    private VictimProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static VictimProcess Start(string folder, Uri server, string workflow, int runs, Death? death = null) =>
        new(OwnProgram.Start(Victim.Argument, folder, server.ToString(), workflow, runs.ToString(CultureInfo.InvariantCulture), death?.ToString() ?? "never"));

    /// <summary>Lets it run to its end: true if all its runs are settled, false if it was killed.</summary>
    public async Task<bool> EndsWellAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_limit);
        Assert.True(_process.ExitCode is 0 or ExitCodeOfSigkill, $"A victim ended with exit code {_process.ExitCode}.\n{await _output}\n{await _errors}");
        return _process.ExitCode == 0;
    }

    /// <summary>Kills it after a time (SIGKILL), unless it ends by itself before: true then.</summary>
    public async Task<bool> EndsWellWithinAsync(TimeSpan time)
    {
        var ended = _process.WaitForExitAsync();
        if (await Task.WhenAny(ended, Task.Delay(time)) != ended)
        {
            _process.Kill();
        }

        return await EndsWellAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
