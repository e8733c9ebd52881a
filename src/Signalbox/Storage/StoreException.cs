namespace Signalbox.Storage;

/// <summary>The store cannot be opened or is not what it should be; trying again does not help. <see cref="Code"/> is stable.</summary>
public sealed class StoreRefusedException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary><c>store_damaged</c>, <c>store_newer</c>, <c>store_owned</c>, <c>store_not_found</c>, …</summary>
    public string Code { get; } = code;
}

/// <summary>
/// The store could not write just now (a full disk, a lost connection): nothing of this commit was written, nothing acknowledged before is
/// lost, and the same commit may be tried again. <see cref="Code"/> is stable.
/// </summary>
public sealed class StoreUnavailableException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary><c>disk_full</c>, <c>store_io</c>, <c>store_closed</c>.</summary>
    public string Code { get; } = code;
}
