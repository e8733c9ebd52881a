using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace SecurityAlerts;

/// <summary>How a call of <c>nft</c> ended.</summary>
internal sealed record NftEnd(int ExitCode, string Output, string Errors)
{
    public bool IsOk => ExitCode == 0;
}

/// <summary>The firewall could not be asked or changed; the message says why and what to do.</summary>
internal sealed class NftException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>
/// The <c>nft</c> command as a child process, on this machine or inside one of its network namespaces. A call that is canceled or takes too long is
/// ended, and is gone when this returns: nothing of it reaches the firewall later. What it sends, the kernel takes as a whole or not at all.
/// </summary>
/// <param name="networkNamespace">A namespace that <c>ip netns</c> knows; null for the one this process is in.</param>
internal sealed class NftCommand(string? networkNamespace, TimeProvider clock)
{
    private const int ErrorsMax = 4096;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(10);

    /// <summary>Where commands are looked for. Debian and others have these where an ordinary user's PATH does not lead.</summary>
    public IReadOnlyList<string> Folders { get; init; } =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/sbin"];

    /// <summary>How many characters a call may say: the default is enough for a million blocked addresses.</summary>
    public int OutputMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Whose firewall this is, for messages.</summary>
    public string Where => networkNamespace is null ? "this machine" : $"the network namespace {TerminalText.Escape(networkNamespace, 60)}";

    /// <exception cref="NftException">There is no such command, it may not do this, or it did not end in time.</exception>
    public async Task<NftEnd> RunAsync(IReadOnlyList<string> arguments, string? input, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var process = Start(arguments);
        try
        {
            var output = ReadAsync(process.StandardOutput, OutputMax, either.Token);
            var errors = ReadAsync(process.StandardError, ErrorsMax, either.Token);
            await WriteAsync(process.StandardInput, input, either.Token);
            var (said, isWhole) = await output;
            var end = new NftEnd(0, said, (await errors).Text.Trim());
            await process.WaitForExitAsync(either.Token);
            end = end with { ExitCode = process.ExitCode };
            return !isWhole ? throw new NftException($"nft said more than {OutputMax} characters about the firewall of {Where}. Nobody can say from half of it how the firewall stands.")
                : networkNamespace is not null && end.Errors.StartsWith("Cannot open network namespace", StringComparison.Ordinal) ? throw new NftException(
                    $"There is no network namespace {TerminalText.Escape(networkNamespace, 60)} on this machine; those that there are: ip netns list.")
                : end.IsOk || !IsForbidden(end.Errors) ? end
                : throw new NftException($"nft may not touch the firewall of {Where} ({FirstLine(end.Errors)}). Run this as root or with CAP_NET_ADMIN, or leave out --firewall nft.");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new NftException($"nft did not end within {TimeLimit.TotalSeconds:0} s and was ended. Whether the firewall of {Where} has changed is unknown.");
        }
        finally
        {
            await EndAsync(process);
        }
    }

    /// <summary>The first thing that a failed call said.</summary>
    public static string FirstLine(string errors) => TerminalText.Escape(errors.Split('\n', 2)[0].Trim(), 200);

    private static bool IsForbidden(string errors) =>
        errors.Contains("Operation not permitted", StringComparison.Ordinal) || errors.Contains("Permission denied", StringComparison.Ordinal);

    private Process Start(IReadOnlyList<string> arguments)
    {
        var nft = Find("nft", "nftables");
        string[] command = networkNamespace is null ? [nft, .. arguments] : [Find("ip", "iproute2"), "netns", "exec", networkNamespace, nft, .. arguments];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["LC_ALL"] = "C"; // what it says is looked at
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new NftException($"{command[0]} does not start: {e.Message}", e);
        }
    }

    private string Find(string command, string package) =>
        Folders.Select(folder => Path.Combine(folder, command)).FirstOrDefault(File.Exists)
        ?? throw new NftException($"There is no '{command}' command on this machine. Install it (Debian: apt install {package}), or leave out --firewall nft.");

    private static async Task WriteAsync(StreamWriter to, string? input, CancellationToken cancellationToken)
    {
        try
        {
            await to.WriteAsync(input.AsMemory(), cancellationToken);
            to.Close();
        }
        catch (IOException)
        {
            // It has ended without reading; its exit code and its errors say why.
        }
    }

    /// <summary>Reads to the end, and keeps no more than is wanted.</summary>
    private static async Task<(string Text, bool IsWhole)> ReadAsync(StreamReader from, int charactersMax, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var isWhole = true;
        var buffer = new char[4096];
        while (await from.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            var room = Math.Min(count, charactersMax - text.Length);
            text.Append(buffer, 0, room);
            isWhole &= room == count;
        }

        return (text.ToString(), isWhole);
    }

    private static async Task EndAsync(Process process)
    {
        if (!process.HasExited)
        {
            // `ip netns exec` becomes nft, it starts none: there is one process to end. One that has died changes nothing more.
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }
}
