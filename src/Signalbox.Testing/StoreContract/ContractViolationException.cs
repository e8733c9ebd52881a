namespace Signalbox.Testing;

/// <summary>A store did something else than the contract of <see cref="Storage.IRunStore"/> says. The message tells what was expected and what came.</summary>
public sealed class ContractViolationException(string message) : Exception(message);
