using System.Net;

namespace SecurityAlerts;

/// <summary>What is known of a machine of which there is only its log.</summary>
internal static class LocalAsset
{
    private const string Accounts = "/etc/passwd";

    private static readonly IReadOnlyList<IPNetwork> Inside =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"),
        IPNetwork.Parse("::1/128"), IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("fe80::/10"),
    ];

    public static Asset Of(IGrouping<string, LogEvent> host)
    {
        var seen = host.Where(e => e.Type is "auth_ok" or "account_created" || e.UserExists == true).Select(e => e.User).OfType<string>();
        var own = string.Equals(host.Key, Environment.MachineName, StringComparison.OrdinalIgnoreCase) ? OwnAccounts() : [];
        return new(host.Key, host.Key, "the machine that wrote the log", "ssh reached from the addresses that the log names", Inside, [.. seen.Concat(own).Distinct().Order(StringComparer.Ordinal)], []);
    }

    private static IEnumerable<string> OwnAccounts()
    {
        try
        {
            return [.. File.ReadLines(Accounts).Select(line => line.Split(':')[0]).Where(name => name.Length > 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
