using System.Net;

namespace SecurityAlerts;

/// <summary>Whether it stands, and what was seen.</summary>
internal sealed record Sighting(bool Stands, string What);

/// <summary>
/// Looks at the two lists as whoever enforces them does: opens the file, takes the first words of each line, and knows nothing of the code that
/// writes it. What wrote a wrong line would also read it back wrongly; this does not.
/// </summary>
/// <param name="denyList">The deny list.</param>
/// <param name="disabledAccounts">The list of accounts.</param>
/// <param name="atFirewall">Looks at a firewall instead of the deny list.</param>
internal sealed class SecondLook(string denyList, string disabledAccounts, Func<BlockAddress, CancellationToken, Task<Sighting>>? atFirewall = null)
{
    public Task<Sighting> AtAsync(BlockAddress block, CancellationToken cancellationToken) => atFirewall is null ? AtDenyListAsync(block, cancellationToken) : atFirewall(block, cancellationToken);

    /// <summary>That an address gets through stands where nothing shows a block of it.</summary>
    public async Task<Sighting> AtAsync(AllowAddress allow, CancellationToken cancellationToken)
    {
        var blocked = await AtAsync(new BlockAddress(allow.Address), cancellationToken);
        return blocked with { Stands = !blocked.Stands };
    }

    private Task<Sighting> AtDenyListAsync(BlockAddress block, CancellationToken cancellationToken) => FindAsync(
        denyList,
        block.Address.ToString(),
        words => words.Length == 1 && IPAddress.TryParse(words[0], out var address) && (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).Equals(block.Address),
        cancellationToken);

    public Task<Sighting> AtAsync(DisableAccount disable, CancellationToken cancellationToken) => FindAsync(
        disabledAccounts,
        $"{disable.Account} on {disable.Host}",
        words => words.Length == 2 && words[0] == disable.Host && words[1] == disable.Account,
        cancellationToken);

    private static async Task<Sighting> FindAsync(string path, string what, Func<string[], bool> isIt, CancellationToken cancellationToken)
    {
        var name = Path.GetFileName(path);
        var number = 0;
        try
        {
            await foreach (var line in File.ReadLinesAsync(path, cancellationToken))
            {
                number++;
                if (isIt(line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
                {
                    return new(true, $"{name} shows {what} on line {number}");
                }
            }
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            // A list that is not there blocks nobody.
        }

        return new(false, $"none of the {number} lines of {name} shows {what}");
    }
}
