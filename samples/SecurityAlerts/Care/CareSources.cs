using Signalbox;

namespace SecurityAlerts;

/// <summary>What the list of customers says about a number and an address.</summary>
/// <param name="Networks">What the contract names.</param>
/// <param name="IsTheirs">Whether the address lies in one of them.</param>
internal sealed record CustomerRecord(string Customer, bool Known, string? Name, IReadOnlyList<string> Networks, bool IsTheirs)
{
    public static CustomerRecord Of(CareRequest request, IReadOnlyDictionary<string, Customer> customers)
    {
        if (!customers.TryGetValue(request.Customer, out var customer))
        {
            return new(request.Customer, false, null, [], false);
        }

        var isTheirs = AddressText.TryParse(request.Address, out var address) && customer.Networks.Any(network => network.Contains(address));
        return new(request.Customer, true, customer.Name, [.. customer.Networks.Select(network => network.ToString())], isTheirs);
    }
}

/// <summary>The two sources of customer care, as its workflow asks them.</summary>
internal sealed class CareSources(CareData care, AlertSources alerts)
{
    public const string Customers = "customers";

    public EvidenceSource<CareRequest, CustomerRecord> Records { get; } = new(Customers, (request, _) => care.Customers is { } customers
        ? Task.FromResult(CustomerRecord.Of(request, customers))
        : throw new SourceUnavailableException(Customers, CareData.CustomersFile));

    /// <summary>What the address has done as of the request, in the same log that alerts are judged by.</summary>
    public EvidenceSource<CareRequest, LoginHistory> Logins { get; } = new(
        AlertSources.Logins, (request, cancellationToken) => alerts.LoginsAsync(new(request.Site, request.Address, [], request.Time, request.Time), cancellationToken));
}
