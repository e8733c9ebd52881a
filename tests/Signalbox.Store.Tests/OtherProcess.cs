using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Signalbox.Store.Tests;

/// <summary>A process that plays a part of <see cref="Victim"/>, and dies with the test at the latest.</summary>
internal sealed partial class OtherProcess : IAsyncDisposable
{
    private const int Kill9 = 9;
    private const int Stop = 19;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private readonly Process _process;

    private OtherProcess(Process process) => _process = process;

    public int Id => _process.Id;

    /// <summary>Starts it. What it says is left to the caller to read.</summary>
    public static OtherProcess Start(string part, string path) => new(Process.Start(new ProcessStartInfo(
        Path.Combine(AppContext.BaseDirectory, "Signalbox.Store.Tests"), [Victim.Argument, part, path])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!);

    /// <summary>Starts it and waits until it owns the store.</summary>
    public static async Task<OtherProcess> StartAndWaitAsync(string part, string path)
    {
        var other = Start(part, path);
        if (await other.ReadLineAsync() != "ready")
        {
            throw new InvalidOperationException("The other process did not open the store: " + await other._process.StandardError.ReadToEndAsync());
        }

        return other;
    }

    /// <summary>What it says next; null: it has ended.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(s_patience);

    /// <summary>Ends it at whatever instruction it is.</summary>
    public async Task KillAsync()
    {
        _ = Signal(_process.Id, Kill9);
        await _process.WaitForExitAsync();
    }

    /// <summary>Ends it from another thread, without waiting.</summary>
    public void KillNow() => _ = Signal(_process.Id, Kill9);

    /// <summary>Lets it run no further, alive as it is.</summary>
    public void Freeze() => _ = Signal(_process.Id, Stop);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
