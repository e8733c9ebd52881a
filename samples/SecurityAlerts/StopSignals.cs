using System.Runtime.InteropServices;

namespace SecurityAlerts;

/// <summary>Ctrl-C and SIGTERM, taken once: the first asks for a stop in good order, a second one ends the process at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _exitCode;

    public StopSignals()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Take(signal, ExitCodes.Interrupted)));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Take(signal, ExitCodes.Terminated)));
    }

    /// <summary>Ends when a signal came.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>What the signal that came makes the exit code; null while none came.</summary>
    public int? ExitCode => _exitCode == 0 ? null : _exitCode;

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _stop.Dispose();
    }

    private void Take(PosixSignalContext signal, int exitCode)
    {
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) == 0)
        {
            signal.Cancel = true;
            _stop.Cancel();
        }
    }
}
