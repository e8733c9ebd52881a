using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace SecurityAlerts;

/// <summary>What became of a change that was asked for under an action's id.</summary>
internal enum NftReply
{
    /// <summary>It was made now.</summary>
    Done,

    /// <summary>It was made before, under this id, and is not made again, whatever has happened since.</summary>
    DoneBefore,

    /// <summary>An unblock found nothing to take out. Its id is used up all the same.</summary>
    WasNotThere,

    /// <summary>Somebody gave it up under this id: it is not made any more.</summary>
    Forbidden,
}

/// <summary>The firewall has forgotten which actions it carried out, or never knew this one's time: nothing was done.</summary>
internal sealed class NftMemoryLostException(string message) : IOException(message);

/// <summary>
/// The kernel's firewall (nftables), in a table of its own: it drops whatever comes from a blocked address and touches nobody else's rules.
/// <para>
/// It remembers the id of every action that it carried out, for <see cref="RemembersFor"/>. One transaction makes the change <em>and</em> creates the element that is named by the id;
/// creating fails where there is one, and with it the whole. So an id has one effect at most: from however many processes, however late, and also after a person took the effect back.
/// The memory lasts as long as the table. A marker in it says since when it is unbroken; an action that was intended before cannot be told from one that was done, so it
/// is refused, and every transaction is refused that was prepared under another marker. Marker and intents are compared by the wall clock: both must be of this machine.
/// </para>
/// Safe for concurrent use, here and in other processes.
/// </summary>
internal sealed class NftFirewall(NftCommand nft, TimeProvider clock)
{
    /// <summary>How long an action's id is remembered. Later than this after its intent no call is made: it could be a second one.</summary>
    public static readonly TimeSpan RemembersFor = TimeSpan.FromHours(24);

    public const string FullName = $"{NftTable.Family} {NftTable.Name}";

    private const string GivenUp = "given up";

    // Both happen when another process is quicker, and are over at once.
    private const int TriesMax = 3;

    public string Where => nft.Where;

    /// <summary>Asks the kernel, past every cache.</summary>
    public async Task<NftTable> LookAsync(CancellationToken cancellationToken)
    {
        for (var i = 1; ; i++)
        {
            var end = await nft.RunAsync(["-j", "list", "table", NftTable.Family, NftTable.Name], null, cancellationToken);
            if (end.IsOk)
            {
                return NftTable.Parse(end.Output);
            }

            // By its words alone, no table could not be told from other troubles.
            var tables = await nft.RunAsync(["list", "tables", NftTable.Family], null, cancellationToken);
            if (!tables.IsOk)
            {
                throw new NftException($"The firewall of {Where} cannot be read: {NftCommand.FirstLine(tables.Errors)}");
            }

            if (!tables.Output.Split('\n').Contains($"table {FullName}", StringComparer.Ordinal))
            {
                return NftTable.None;
            }

            if (i == TriesMax)
            {
                throw new NftException($"Table {FullName} of {Where} cannot be read: {NftCommand.FirstLine(end.Errors)}");
            }
        }
    }

    /// <summary>Makes the table unless there is one; of two processes that try, one does. What there is, however it is, is left as it is.</summary>
    public async Task<NftTable> SetUpAsync(CancellationToken cancellationToken)
    {
        for (var i = 1; ; i++)
        {
            if (await LookAsync(cancellationToken) is { IsThere: true } table)
            {
                return table;
            }

            var end = await SendAsync(NftTable.Creation(NftMemory.Beginning(clock.GetUtcNow())), cancellationToken);
            if (!end.IsOk && i == TriesMax)
            {
                throw new NftException($"Table {FullName} cannot be made in the firewall of {Where}: {NftCommand.FirstLine(end.Errors)}");
            }
        }
    }

    /// <summary>Drops from now on what comes from an address, once under this id.</summary>
    /// <param name="address">An IPv4-mapped IPv6 address is its IPv4 address.</param>
    /// <param name="actionId">32 hexadecimal digits.</param>
    /// <param name="intendedAt">No call under this id can have been made before.</param>
    /// <exception cref="NftMemoryLostException">Whether it happened before cannot be known. Nothing was done.</exception>
    /// <exception cref="NftException">The firewall refused, or could not be asked; without more in the message, nothing was done.</exception>
    public Task<NftReply> BlockAsync(IPAddress address, string actionId, DateTimeOffset intendedAt, CancellationToken cancellationToken) =>
        ChangeAsync("add", address, BlockKey(actionId), $"block {AddressText.Of(address)} {actionId}", intendedAt, cancellationToken);

    /// <summary>Lets through again what comes from an address, once under this id, whoever blocked it. An id may block once and unblock once.</summary>
    /// <inheritdoc cref="BlockAsync"/>
    public async Task<NftReply> UnblockAsync(IPAddress address, string actionId, DateTimeOffset intendedAt, CancellationToken cancellationToken)
    {
        var key = UnblockKey(actionId);
        var reply = await ChangeAsync("delete", address, key, $"unblock {AddressText.Of(address)} {actionId}", intendedAt, cancellationToken);
        if (reply == NftReply.WasNotThere)
        {
            // Otherwise a call of ours that is still on its way would take out the block of somebody who comes later.
            await ForbidAsync(key, cancellationToken);
        }

        return reply;
    }

    /// <summary>
    /// Lets a block under this id happen no more: a call that is still on its way is refused. For whoever settles an action as not done. False when it has been done (or was forbidden) before.
    /// </summary>
    public Task<bool> ForbidBlockAsync(string actionId, CancellationToken cancellationToken) => ForbidAsync(BlockKey(actionId), cancellationToken);

    /// <summary>What the table remembers of a block under this id, for people; null for nothing.</summary>
    public static string? Remembered(NftTable table, string actionId) => table.Remembered(BlockKey(actionId)) switch
    {
        null => null,
        GivenUp => "this action was given up",
        var what => $"this action was carried out ({TerminalText.Escape(what, 120)})",
    };

    /// <summary>Why nobody can know whether an action happened before; null when it can be known.</summary>
    public string? WhyMemoryIsLost(NftTable table, DateTimeOffset intendedAt)
    {
        const string LookYourself = "whether this action was carried out before is unknown. Look at the firewall yourself";
        return table switch
        {
            { IsThere: false } => $"table {FullName} is gone, and with it the firewall's memory of actions: {LookYourself}",
            { Memory: null } => $"the firewall's memory of actions was lost (table {FullName} has no marker in set {NftTable.Done}): {LookYourself}",
            { Memory.Since: var since } when since > intendedAt =>
                $"the firewall's memory of actions was lost: it remembers since {Time(since)}, and this action was intended at {Time(intendedAt)}; {LookYourself}",
            _ when clock.GetUtcNow() - intendedAt >= RemembersFor =>
                $"the firewall remembers an action for {RemembersFor.TotalHours:0} hours, and this one was intended at {Time(intendedAt)}: {LookYourself}",
            _ => null,
        };

        static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
    }

    private async Task<NftReply> ChangeAsync(string verb, IPAddress address, IPAddress key, string comment, DateTimeOffset intendedAt, CancellationToken cancellationToken)
    {
        var before = await LookAsync(cancellationToken);
        ThrowIfLost(before, intendedAt);
        var end = await SendAsync(
            [.. NftTable.OnlyWith(before.Memory!), NftTable.Key(key, RemembersFor, comment), NftTable.Address(verb, address)], cancellationToken);
        if (end.IsOk)
        {
            return NftReply.Done;
        }

        // nft's words about a refusal are for people; what the table holds now says why.
        var now = await LookAsync(cancellationToken);
        ThrowIfLost(now, intendedAt);
        return now.Remembered(key) switch
        {
            GivenUp => NftReply.Forbidden,
            not null => NftReply.DoneBefore,
            null when verb == "delete" && !now.Blocks(address) => NftReply.WasNotThere,
            _ => throw new NftException($"The firewall of {Where} refused '{comment}' ({NftCommand.FirstLine(end.Errors)}). Nothing was done."),
        };
    }

    private async Task<bool> ForbidAsync(IPAddress key, CancellationToken cancellationToken)
    {
        var table = await LookAsync(cancellationToken);
        if (table.Memory is null)
        {
            throw new NftMemoryLostException($"Table {FullName} of {Where} remembers nothing: it cannot be told what not to do. Nothing was done.");
        }

        var end = await SendAsync([.. NftTable.OnlyWith(table.Memory), NftTable.Key(key, RemembersFor, GivenUp)], cancellationToken);
        return end.IsOk || (await LookAsync(cancellationToken)).Remembered(key) is not null
            ? end.IsOk
            : throw new NftException($"The firewall of {Where} did not take a note ({NftCommand.FirstLine(end.Errors)}). Nothing was done.");
    }

    private void ThrowIfLost(NftTable table, DateTimeOffset intendedAt)
    {
        if (WhyMemoryIsLost(table, intendedAt) is { } why)
        {
            throw new NftMemoryLostException($"Nothing was done: {why}.");
        }

        if (table.Fault is { } fault)
        {
            throw new NftException($"Nothing was done: table {FullName} is not as it was set up: {fault}.");
        }
    }

    /// <summary>One transaction: the kernel carries out all of it or nothing.</summary>
    private Task<NftEnd> SendAsync(IEnumerable<JsonObject> commands, CancellationToken cancellationToken) =>
        nft.RunAsync(["-j", "-f", "-"], NftTable.Text(commands), cancellationToken);

    private static IPAddress BlockKey(string actionId)
    {
        var key = new IPAddress(Convert.FromHexString(actionId));
        return NftMemory.Of(key) is null ? key : throw new ArgumentException($"The action id {actionId} begins with 64 zero bits, which marks the memory.", nameof(actionId));
    }

    private static IPAddress UnblockKey(string actionId) => new(SHA256.HashData(Encoding.UTF8.GetBytes($"unblock {actionId}")).AsSpan(0, 16));
}
