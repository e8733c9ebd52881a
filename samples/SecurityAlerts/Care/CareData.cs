using System.Net;

namespace SecurityAlerts;

/// <summary>A customer's wish to get in from an address. <paramref name="Says"/> is text from outside: shown and quoted, never interpreted.</summary>
/// <param name="Id">What it is known by.</param>
/// <param name="Time">When it came. No source shows anything later.</param>
/// <param name="Site">Whose log shows what the address did.</param>
/// <param name="Customer">The number that the customer gives.</param>
/// <param name="Address">From where they want to get in.</param>
/// <param name="Says">Their own words.</param>
internal sealed record CareRequest(string Id, DateTimeOffset Time, string Site, string Customer, string Address, string Says);

/// <summary>A customer, and the networks that their contract names.</summary>
internal sealed record Customer(string Number, string Name, IReadOnlyList<IPNetwork> Networks);

/// <summary>The requests to customer care, and the customers beside them. What could not be read is in <see cref="Faults"/>, as with <see cref="AlertData"/>.</summary>
internal sealed class CareData
{
    public const string RequestsFile = "requests.jsonl";
    public const string CustomersFile = "customers.jsonl";

    private readonly InputFolder _folder;

    private CareData(InputFolder folder) => _folder = folder;

    /// <summary>False when there are no requests to be read.</summary>
    public bool CanWork { get; private set; }

    /// <summary>The requests, in the order of the file.</summary>
    public IReadOnlyList<CareRequest> Requests { get; private set; } = [];

    /// <summary>The customers; null when their file cannot be used.</summary>
    public IReadOnlyDictionary<string, Customer>? Customers { get; private set; }

    public IReadOnlyList<Fault> Faults => _folder.Faults;

    /// <summary>Reads a file of requests, and the customers that lie beside it.</summary>
    public static async Task<CareData> ReadAsync(string requests, CancellationToken cancellationToken = default)
    {
        var folder = new InputFolder(Path.GetDirectoryName(Path.GetFullPath(requests))!);
        var data = new CareData(folder);
        var file = Path.GetFileName(requests);
        var lines = await folder.ReadJsonLinesAsync(file, "no customer's request is handled.", ReadRequest, cancellationToken);
        data.CanWork = lines is not null;
        data.Requests = folder.WithoutDuplicates(file, lines ?? [], request => request.Id);
        var customers = await folder.ReadJsonLinesAsync(CustomersFile, "no customer is known, so a person decides about each request.", ReadCustomer, cancellationToken);
        data.Customers = customers is null ? null : folder.WithoutDuplicates(CustomersFile, customers, customer => customer.Number).ToDictionary(customer => customer.Number, StringComparer.Ordinal);
        return data;
    }

    private static CareRequest ReadRequest(JsonFields fields) => new(
        fields.Text("id"),
        fields.Time("time"),
        fields.Text("site"),
        fields.Text("customer"),
        fields.Address("address"),
        fields.Text("says"));

    private static Customer ReadCustomer(JsonFields fields) => new(fields.Text("customer"), fields.Text("name"), fields.Ranges("networks"));
}
