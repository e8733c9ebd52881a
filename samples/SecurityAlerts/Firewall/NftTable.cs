using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SecurityAlerts;

/// <summary>
/// The firewall's memory of actions, by the moment it began. A marker beside the action ids holds it; when they are lost (<c>flush ruleset</c>, <c>flush set</c>, a reboot) it is lost
/// with them, and the next one has another moment.
/// </summary>
internal sealed record NftMemory(DateTimeOffset Since)
{
    /// <summary>The marker as an element: no action's id begins with 64 zero bits.</summary>
    public IPAddress Key
    {
        get
        {
            var bytes = new byte[16];
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(8), (Since - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
            return new IPAddress(bytes);
        }
    }

    public static NftMemory Beginning(DateTimeOffset now) => new(now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond)));

    public static NftMemory? Of(IPAddress key) =>
        key.GetAddressBytes() is var bytes && BinaryPrimitives.ReadInt64BigEndian(bytes) == 0 && BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(8)) is var microseconds
        && microseconds is > 0 and < 253_402_300_800_000_000
            ? new(DateTimeOffset.UnixEpoch.AddMicroseconds(microseconds))
            : null;
}

/// <summary>The sample's table as <c>nft -j list</c> showed it at one moment; null sets mean that there was none.</summary>
internal sealed class NftTable
{
    public const string Family = "inet";
    public const string Name = "signalbox";
    public const string Blocked4 = "blocked4";
    public const string Blocked6 = "blocked6";
    public const string Done = "done";
    public const string Chain = "incoming";

    // Before connection tracking and everybody else's rules: a drop is final, and an accept elsewhere does not override it.
    private const int Priority = -300;

    private readonly HashSet<IPAddress> _blocked = [];
    private readonly Dictionary<IPAddress, string> _keys = [];

    private NftTable(string? fault) => Fault = fault;

    /// <summary>There is no table at all, as before the first use and after a reboot.</summary>
    public static NftTable None { get; } = new("there is no such table");

    public bool IsThere => this != None;

    /// <summary>Why the table does not drop what it should: somebody has changed it. Null when it is as it was set up.</summary>
    public string? Fault { get; private set; }

    /// <summary>Null when it is lost.</summary>
    public NftMemory? Memory { get; private set; }

    public IReadOnlyCollection<IPAddress> Blocked => _blocked;

    public bool Blocks(IPAddress address) => _blocked.Contains(AddressText.Normalize(address));

    /// <summary>What is written beside a key; null when the memory does not hold the key.</summary>
    public string? Remembered(IPAddress key) => _keys.GetValueOrDefault(key);

    /// <summary>The commands that make the table, all or none. They fail where there is one.</summary>
    public static IEnumerable<JsonObject> Creation(NftMemory memory)
    {
        yield return Command("create", "table", new() { ["family"] = Family, ["name"] = Name });
        yield return Command("create", "set", Part(Blocked4, new() { ["type"] = "ipv4_addr" }));
        yield return Command("create", "set", Part(Blocked6, new() { ["type"] = "ipv6_addr" }));
        yield return Command("create", "set", Part(Done, new() { ["type"] = "ipv6_addr", ["flags"] = new JsonArray("timeout") }));
        yield return Marker("create", memory);
        yield return Command("create", "chain", Part(Chain, new() { ["type"] = "filter", ["hook"] = "prerouting", ["prio"] = Priority, ["policy"] = "accept" }));
        yield return Command("add", "rule", new() { ["family"] = Family, ["table"] = Name, ["chain"] = Chain, ["expr"] = Drop("ip", Blocked4) });
        yield return Command("add", "rule", new() { ["family"] = Family, ["table"] = Name, ["chain"] = Chain, ["expr"] = Drop("ip6", Blocked6) });
    }

    /// <summary>Two commands that change nothing, and fail with all that is sent along unless the memory is still this one.</summary>
    public static IEnumerable<JsonObject> OnlyWith(NftMemory memory) => [Marker("delete", memory), Marker("create", memory)];

    public static JsonObject Key(IPAddress key, TimeSpan timeout, string comment) =>
        Element("create", Done, new() { ["val"] = key.ToString(), ["timeout"] = (long)timeout.TotalSeconds, ["comment"] = comment });

    public static JsonObject Address(string verb, IPAddress address) =>
        Element(verb, SetOf(address), new() { ["val"] = AddressText.Of(address) });

    public static string SetOf(IPAddress address) => AddressText.Normalize(address).GetAddressBytes().Length == 4 ? Blocked4 : Blocked6;

    public static string Text(IEnumerable<JsonObject> commands) => new JsonObject { ["nftables"] = new JsonArray([.. commands]) }.ToJsonString();

    /// <exception cref="NftException">It is not what nft writes about a table.</exception>
    public static NftTable Parse(string json)
    {
        try
        {
            var table = new NftTable(null);
            using var document = JsonDocument.Parse(json);
            table.Read(document.RootElement.GetProperty("nftables"));
            return table;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new NftException($"What nft says about table {Family} {Name} cannot be read: {e.Message}", e);
        }
    }

    private void Read(JsonElement objects)
    {
        var rules = new List<JsonNode>();
        var sets = new HashSet<string>(StringComparer.Ordinal);
        var isHooked = false;
        foreach (var part in objects.EnumerateArray().SelectMany(o => o.EnumerateObject()))
        {
            switch (part.Name)
            {
                case "table" when part.Value.TryGetProperty("flags", out _):
                    Fault = "the table is switched off (dormant)";
                    break;
                case "set":
                    sets.Add($"{part.Value.GetProperty("name").GetString()} {part.Value.GetProperty("type").GetString()}");
                    ReadSet(part.Value);
                    break;
                case "chain" when part.Value.GetProperty("name").GetString() == Chain:
                    isHooked = part.Value.TryGetProperty("hook", out var hook) && hook.GetString() == "prerouting";
                    break;
                case "rule" when part.Value.GetProperty("chain").GetString() == Chain:
                    rules.Add(WithoutCounts(part.Value.GetProperty("expr")));
                    break;
            }
        }

        Fault ??= !sets.SetEquals([$"{Blocked4} ipv4_addr", $"{Blocked6} ipv6_addr", $"{Done} ipv6_addr"]) ? $"its sets are {string.Join(", ", sets.Order(StringComparer.Ordinal))}"
            : !isHooked ? $"the chain {Chain} sees no packets"
            : rules.Count != 2 || !JsonNode.DeepEquals(rules[0], Drop("ip", Blocked4)) || !JsonNode.DeepEquals(rules[1], Drop("ip6", Blocked6)) ? $"the rules of the chain {Chain} are not the two that drop"
            : null;
    }

    private void ReadSet(JsonElement set)
    {
        var name = set.GetProperty("name").GetString();
        foreach (var element in set.TryGetProperty("elem", out var elements) ? elements.EnumerateArray() : [])
        {
            var inner = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("elem", out var elem) ? elem : element;
            var value = inner.ValueKind == JsonValueKind.Object ? inner.GetProperty("val") : inner;
            if (value.ValueKind != JsonValueKind.String)
            {
                Fault = $"the set {name} holds something that is no single address";
                continue;
            }

            var address = IPAddress.Parse(value.GetString()!);
            if (name != Done)
            {
                _blocked.Add(address);
            }
            else if (NftMemory.Of(address) is { } memory)
            {
                Memory = memory;
            }
            else
            {
                _keys[address] = inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("comment", out var comment) ? comment.GetString()! : "";
            }
        }
    }

    private static JsonArray WithoutCounts(JsonElement expressions)
    {
        var rule = JsonArray.Create(expressions)!;
        foreach (var counter in rule.OfType<JsonObject>().Where(expression => expression.ContainsKey("counter")))
        {
            counter["counter"] = null;
        }

        return rule;
    }

    private static JsonArray Drop(string protocol, string set) =>
    [
        new JsonObject
        {
            ["match"] = new JsonObject
            {
                ["op"] = "==",
                ["left"] = new JsonObject { ["payload"] = new JsonObject { ["protocol"] = protocol, ["field"] = "saddr" } },
                ["right"] = "@" + set,
            },
        },
        new JsonObject { ["counter"] = null },
        new JsonObject { ["drop"] = null },
    ];

    private static JsonObject Marker(string verb, NftMemory memory) => Element(
        verb, Done, new() { ["val"] = memory.Key.ToString(), ["comment"] = $"remembers since {memory.Since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}" });

    private static JsonObject Element(string verb, string set, JsonObject element) =>
        Command(verb, "element", Part(set, new() { ["elem"] = new JsonArray(new JsonObject { ["elem"] = element }) }));

    private static JsonObject Part(string name, JsonObject rest)
    {
        rest["family"] = Family;
        rest["table"] = Name;
        rest["name"] = name;
        return rest;
    }

    private static JsonObject Command(string verb, string kind, JsonObject what) => new() { [verb] = new JsonObject { [kind] = what } };
}
