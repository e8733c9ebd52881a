namespace SecurityAlerts;

/// <summary>The accounts that may not log in, for whatever enforces it: <c>host account</c>, one a line.</summary>
internal sealed class DisabledAccountsFile(string path, TimeProvider clock)
{
    private readonly EntryFile _file = new(path, clock,
        line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [var host, var account] ? $"{host} {account}" : null,
        "a host and an account");

    public string FilePath => _file.FilePath;

    /// <summary>Disables an account, on disk when this returns. False when it was disabled already, by whomever.</summary>
    public Task<bool> AddAsync(string host, string account, string run, CancellationToken cancellationToken) =>
        _file.AddAsync(Entry(host, account), run, cancellationToken);

    /// <summary>Enables an account again, whoever disabled it. False when it was not disabled.</summary>
    public Task<bool> RemoveAsync(string host, string account, CancellationToken cancellationToken) =>
        _file.RemoveAsync(Entry(host, account), cancellationToken);

    /// <summary>Whether the file on disk disables an account, read anew.</summary>
    public Task<bool> ContainsAsync(string host, string account, CancellationToken cancellationToken) =>
        _file.ContainsAsync(Entry(host, account), cancellationToken);

    public Task<EntryFileContent> ReadAsync(CancellationToken cancellationToken) => _file.ReadAsync(cancellationToken);

    private static string Entry(string host, string account) => $"{Word(host, nameof(host))} {Word(account, nameof(account))}";

    // Anything else could smuggle in a second line or a comment.
    private static string Word(string text, string name) =>
        text.Length > 0 && text.All(c => c is > ' ' and <= '~' and not '#')
            ? text
            : throw new ArgumentException($"The {name} must be one word of printable ASCII without '#'; got \"{TerminalText.Escape(text, 60)}\".", name);
}
