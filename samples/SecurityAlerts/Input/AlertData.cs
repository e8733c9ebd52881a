using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SecurityAlerts;

/// <summary>
/// One folder of alerts with what is known around them. What could be read is here, and what could not is in
/// <see cref="Faults"/>, with file and line: nothing is dropped silently. A list that is null is a source that is
/// not available (its file is missing or unusable as a whole).
/// </summary>
internal sealed class AlertData
{
    public const string AlertsFile = "alerts.jsonl";
    public const string EventsFile = "events.jsonl";
    public const string FeedFile = "feed.csv";
    public const string AllowListFile = "allowlist.csv";
    public const string AssetsFile = "assets.json";

    private readonly InputFolder _folder;

    private AlertData(string folder) => _folder = new(folder);

    public string Folder => _folder.Path;

    /// <summary>False when there is no alert queue at all, so that there is nothing to work on.</summary>
    public bool CanWork { get; private set; }

    public IReadOnlyList<Alert> Alerts { get; private set; } = [];
    public IReadOnlyList<LogEvent>? Events { get; private set; }
    public IReadOnlyList<FeedEntry>? Feed { get; private set; }
    public IReadOnlyList<AllowedRange>? AllowList { get; private set; }
    public IReadOnlyList<Asset>? Assets { get; private set; }
    public IReadOnlyList<Fault> Faults => _folder.Faults;

    public static async Task<AlertData> ReadAsync(string folder, CancellationToken cancellationToken = default)
    {
        var data = new AlertData(folder);
        if (!Directory.Exists(folder))
        {
            data._folder.Add(new(TerminalText.Escape(folder), null, "there is no such folder; without alerts there is nothing to do."));
            return data;
        }

        var alerts = await data._folder.ReadJsonLinesAsync(AlertsFile, "without alerts there is nothing to do.", ReadAlert, cancellationToken);
        data.CanWork = alerts is not null;
        data.Alerts = data._folder.WithoutDuplicates(AlertsFile, alerts ?? [], alert => alert.Id);
        data.Events = Values(await data._folder.ReadJsonLinesAsync(EventsFile, "the login history is not available.", ReadEvent, cancellationToken));
        data.Feed = await data.ReadFeedAsync(cancellationToken);
        data.AllowList = await data.ReadAllowListAsync(cancellationToken);
        data.Assets = await data.ReadAssetsAsync(cancellationToken);
        return data;
    }

    /// <summary>
    /// A machine's own log: its events, and the alerts that they raise by <paramref name="now"/>. What is known around them (threat feed, allow-list, assets) comes from <paramref name="folder"/>; without one there is no feed, nobody is
    /// allow-listed, and of the machine is known what its log says, and its accounts where the log is this machine's.
    /// </summary>
    public static async Task<AlertData> OfLogAsync(string log, string? folder, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        var data = new AlertData(Path.GetDirectoryName(Path.GetFullPath(log))!);
        var name = TerminalText.Escape(Path.GetFileName(log));
        if (await data._folder.ReadBytesAsync(Path.GetFileName(log), "without a log there is nothing to do.", cancellationToken) is not { } bytes)
        {
            return data;
        }

        var faults = new List<Fault>();
        var events = SshLog.Read(bytes, name, File.GetLastWriteTimeUtc(log), faults);
        data._folder.AddRange(faults);
        data.CanWork = true;
        data.Events = events;
        data.Alerts = [.. events.GroupBy(e => e.Site).SelectMany(site => AlertRules.Raise([.. site], now)).OrderBy(alert => alert.Time)];
        if (folder is null)
        {
            data.AllowList = [];
            data.Assets = [.. events.GroupBy(e => e.Site).Select(LocalAsset.Of)];
            return data;
        }

        var around = new AlertData(folder);
        data.Feed = await around.ReadFeedAsync(cancellationToken);
        data.AllowList = await around.ReadAllowListAsync(cancellationToken);
        data.Assets = OfHosts(await around.ReadAssetsAsync(cancellationToken), events);
        data._folder.AddRange(around.Faults);
        return data;
    }

    /// <summary>A log names its machine by host alone: the asset's site is what the alerts go by.</summary>
    private static List<Asset>? OfHosts(List<Asset>? assets, List<LogEvent> events)
    {
        var hosts = events.Select(e => e.Site).ToHashSet(StringComparer.Ordinal);
        return assets is null ? null : [.. assets.Where(asset => hosts.Contains(asset.Host)).Select(asset => asset with { Site = asset.Host })];
    }

    private Task<List<FeedEntry>?> ReadFeedAsync(CancellationToken cancellationToken) =>
        ReadCsvAsync(FeedFile, "the threat feed is not available.", ["indicator", "score", "lists", "as_of"], ReadFeedEntry, cancellationToken);

    private Task<List<AllowedRange>?> ReadAllowListAsync(CancellationToken cancellationToken) =>
        ReadCsvAsync(AllowListFile, "nothing can be blocked: it might be a research scanner.", ["cidr", "list"], ReadAllowedRange, cancellationToken);

    private static Alert ReadAlert(JsonFields fields) => new(
        fields.Text("id"),
        fields.Time("time"),
        fields.Time("as_of"),
        fields.Text("site"),
        fields.Text("host"),
        fields.Text("rule"),
        fields.Text("severity"),
        fields.Text("summary"),
        fields.OptionalAddress("source_ip"),
        fields.Texts("users"),
        (int)fields.Count("failed_count"),
        (int)fields.Count("success_count"),
        fields.Time("first_seen"),
        fields.Time("last_seen"),
        fields.Numbers("evidence_seq"));

    private static LogEvent ReadEvent(JsonFields fields)
    {
        var read = new LogEvent(
            fields.Text("site"),
            fields.Count("seq", max: long.MaxValue),
            fields.Time("time"),
            fields.Text("type"),
            fields.Text("raw"),
            fields.OptionalAddress("source_ip"),
            fields.OptionalText("user"),
            fields.OptionalFlag("user_exists"),
            fields.OptionalText("method"),
            fields.OptionalText("key"),
            (int)fields.Count("n", ifMissing: 1, min: 1),
            fields.OptionalText("target"),
            fields.OptionalText("command"));
        fields.Unused("reason", "dst", "uid", "shell", "session");
        return read;
    }

    private static Asset ReadAsset(JsonFields fields)
    {
        var asset = new Asset(
            fields.Text("site"),
            fields.Text("host"),
            fields.Text("role"),
            fields.Text("exposure"),
            fields.Ranges("internal_networks"),
            fields.Texts("accounts"),
            fields.Addresses("known_sources"));
        fields.Unused("log_start", "log_end");
        return asset;
    }

    private static FeedEntry? ReadFeedEntry(IReadOnlyList<string> cells, List<string> wrong)
    {
        if (!AddressText.TryParse(cells[0], out var address))
        {
            wrong.Add($"indicator must be an IP address; got \"{InputFolder.Show(cells[0])}\".");
        }
        if (!int.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out var score))
        {
            wrong.Add($"score must be a whole number; got \"{InputFolder.Show(cells[1])}\".");
        }
        if (!DateOnly.TryParseExact(cells[3], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
        {
            wrong.Add($"as_of must be a day like 2024-01-26; got \"{InputFolder.Show(cells[3])}\".");
        }
        return wrong.Count > 0 ? null : new(AddressText.Of(address!), score, cells[2], cells[3]);
    }

    private static AllowedRange? ReadAllowedRange(IReadOnlyList<string> cells, List<string> wrong)
    {
        if (RangeText.TryParse(cells[0], out var range))
        {
            return new(range, cells[1]);
        }
        wrong.Add($"cidr must be a range like 192.0.2.0/24; got \"{InputFolder.Show(cells[0])}\".");
        return null;
    }

    private async Task<List<T>?> ReadCsvAsync<T>(
        string file, string ifMissing, string[] columns, Func<IReadOnlyList<string>, List<string>, T?> read,
        CancellationToken cancellationToken) where T : class
    {
        if (await _folder.ReadBytesAsync(file, ifMissing, cancellationToken) is not { } bytes)
        {
            return null;
        }

        var values = new List<T>();
        string[]? header = null;
        foreach (var (number, line) in InputFolder.Lines(bytes))
        {
            string text;
            try
            {
                text = InputFolder.StrictUtf8.GetString(line.Span);
            }
            catch (DecoderFallbackException)
            {
                _folder.Add(new(file, number, $"the line is not UTF-8 text.{InputFolder.LineSkipped}"));
                continue;
            }

            var cells = text.Split(',', StringSplitOptions.TrimEntries);
            if (header is null)
            {
                header = cells;
                if (columns.Except(header).FirstOrDefault() is { } missing)
                {
                    _folder.Add(new(file, number, $"the first line must name the columns {string.Join(',', columns)}; \"{missing}\" is missing. The file is not used: {ifMissing}"));
                    return null;
                }
                _folder.AddRange(header.Except(columns).Select(unknown =>
                    new Fault(file, number, $"unknown field \"{InputFolder.Show(unknown)}\"; known are {string.Join(", ", columns)}. The field is ignored.")));
                continue;
            }
            if (cells.Length != header.Length)
            {
                _folder.Add(new(file, number, $"expected {header.Length} values separated by commas; got {cells.Length}.{InputFolder.LineSkipped}"));
                continue;
            }

            var wrong = new List<string>();
            if (read([.. columns.Select(column => cells[Array.IndexOf(header, column)])], wrong) is { } value)
            {
                values.Add(value);
            }
            _folder.AddRange(wrong.Select(what => new Fault(file, number, what + InputFolder.LineSkipped)));
        }
        if (header is null)
        {
            _folder.Add(new(file, null, $"the file is empty; expected a first line {string.Join(',', columns)}. The file is not used: {ifMissing}"));
            return null;
        }
        return values;
    }

    private async Task<List<Asset>?> ReadAssetsAsync(CancellationToken cancellationToken)
    {
        const string IfMissing = "no host is known, so nothing can be blocked or disabled.";
        if (await _folder.ReadBytesAsync(AssetsFile, IfMissing, cancellationToken) is not { } bytes)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(InputFolder.StrictUtf8.GetString(bytes), InputFolder.Strict);
            if (json.RootElement.ValueKind != JsonValueKind.Array)
            {
                _folder.Add(new(AssetsFile, 1, $"expected a list of hosts; got {JsonFields.Show(json.RootElement)}. The file is not used: {IfMissing}"));
                return null;
            }

            var starts = StartLines(bytes);
            return [.. json.RootElement.EnumerateArray().Index()
                .Select(entry => _folder.ReadObject(AssetsFile, starts[entry.Index], entry.Item, " The host that starts here is skipped.", ReadAsset))
                .OfType<Asset>()];
        }
        catch (DecoderFallbackException)
        {
            _folder.Add(new(AssetsFile, null, $"the file is not UTF-8 text. It is not used: {IfMissing}"));
        }
        catch (JsonException broken)
        {
            _folder.Add(new(AssetsFile, (int)(broken.LineNumber ?? 0) + 1, $"expected JSON; {InputFolder.Why(broken)}. The file is not used: {IfMissing}"));
        }
        return null;
    }

    private static List<T>? Values<T>(List<(int Line, T Value)>? lines) => lines is null ? null : [.. lines.Select(line => line.Value)];

    /// <summary>The line on which each element of a JSON list starts.</summary>
    private static List<int> StartLines(byte[] bytes)
    {
        var starts = new List<int>();
        var reader = new Utf8JsonReader(bytes);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            starts.Add(1 + bytes.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n'));
            reader.Skip();
        }
        return starts;
    }
}
