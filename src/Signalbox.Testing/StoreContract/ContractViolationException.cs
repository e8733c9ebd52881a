namespace Signalbox.Testing;

/// <summary>
/// A store did something else than the contract of <see cref="Storage.IRunStore"/> says, or an action's handler or target something else than its <see cref="TargetClass"/> promises.
/// The message tells what was expected and what came.
/// </summary>
public sealed class ContractViolationException(string message, Exception? innerException = null) : Exception(message, innerException);
