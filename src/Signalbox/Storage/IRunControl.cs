namespace Signalbox.Storage;

/// <summary>
/// Carries out commands on a store, wherever it is written: in this process, or in the one that owns it. Safe to call from several threads.
/// </summary>
public interface IRunControl
{
    /// <summary>
    /// Carries out a command for a caller whom whoever calls this has authenticated. The result's code is <c>outcome_unknown</c> if nobody can say whether it was carried out.
    /// </summary>
    /// <exception cref="StoreRefusedException">The store takes no commands from here.</exception>
    /// <exception cref="StoreUnavailableException">Nothing was written; try again.</exception>
    ValueTask<CommandResult> ExecuteAsync(RunCommand command, Caller caller, CancellationToken cancellationToken);
}

/// <summary>Control of a store that this process writes.</summary>
internal sealed class OwnControl(IRunStore store) : IRunControl
{
    public ValueTask<CommandResult> ExecuteAsync(RunCommand command, Caller caller, CancellationToken cancellationToken) => RunCommands.ExecuteAsync(store, command, caller, cancellationToken);
}
