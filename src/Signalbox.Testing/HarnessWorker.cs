using Microsoft.Extensions.DependencyInjection;

namespace Signalbox.Testing;

/// <summary>A worker of a harness, in a simulated process of its own.</summary>
public sealed class HarnessWorker : IAsyncDisposable
{
    private readonly WorkflowHarness _harness;
    private readonly ServiceProvider _services;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _working;

    internal HarnessWorker(WorkflowHarness harness, SimulatedProcess process, ServiceProvider services)
    {
        _harness = harness;
        _services = services;
        Process = process;
        var worker = services.GetRequiredService<Worker>();
        Name = worker.Name;
        Lease = services.GetRequiredService<SignalboxBuilder>().Worker.Lease;
        _working = Task.Factory.StartNew(() => worker.WorkAsync(_stopping.Token), CancellationToken.None, TaskCreationOptions.None, process).Unwrap();
    }

    /// <summary>The worker's name, as journals have it.</summary>
    public string Name { get; }

    /// <summary>Its process.</summary>
    public SimulatedProcess Process { get; }

    /// <summary>Its services.</summary>
    public IServiceProvider Services => _services;

    /// <summary>Whether it still drives runs.</summary>
    public bool IsAlive => !Process.IsDead && !_working.IsCompleted;

    internal TimeSpan Lease { get; }

    /// <summary>Kills its process without any goodbye. Its leases end when their time is up, or at once if <paramref name="voidsLeases"/>, as where an operating-system lock shows its death.</summary>
    public async Task CrashAsync(bool voidsLeases = true)
    {
        Process.Kill();
        if (voidsLeases)
        {
            await _harness.Store.RetireAsync(Name, CancellationToken.None);
        }
    }

    /// <summary>Lets its process stand still while the others go on: what it does later, it does as a zombie, if its lease has ended meanwhile.</summary>
    public void Pause() => Process.Pause();

    /// <summary>Lets it go on.</summary>
    public void Continue() => Process.Continue();

    /// <summary>Stops it in good order, as a host does, and drives until it has stopped, letting time pass if that is needed.</summary>
    /// <exception cref="InvalidOperationException">It does not stop.</exception>
    public async Task StopAsync()
    {
        _stopping.Cancel();
        await _harness.DriveUntilAsync(() => !IsAlive, $"worker '{Name}' has stopped");
        await _working;
    }

    /// <summary>Why it ended by an exception, if it did.</summary>
    internal Exception? Failure => _working.Exception?.InnerException;

    /// <summary>Kills its process and disposes its services.</summary>
    public async ValueTask DisposeAsync()
    {
        Process.Kill();
        _stopping.Dispose();
        await _services.DisposeAsync();
    }
}
