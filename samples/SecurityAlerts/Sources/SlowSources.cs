using System.Globalization;

namespace SecurityAlerts;

/// <summary>Sources that are to answer late, for trying out what a run does then: <c>--slow threats=3</c>.</summary>
internal sealed class SlowSources
{
    public static readonly SlowSources None = new([]);

    private readonly Dictionary<string, TimeSpan> _delays;

    private SlowSources(Dictionary<string, TimeSpan> delays) => _delays = delays;

    public TimeSpan DelayOf(string source) => _delays.GetValueOrDefault(source);

    /// <summary>Reads <c>SOURCE=SECONDS</c> options; what is wrong with them is returned in <paramref name="wrong"/>.</summary>
    public static SlowSources Parse(IEnumerable<string> options, out IReadOnlyList<string> wrong)
    {
        var delays = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        var faults = new List<string>();
        foreach (var option in options)
        {
            var parts = option.Split('=', 2);
            if (parts.Length == 2
                && AlertSources.Names.Contains(parts[0])
                && double.TryParse(parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                && seconds <= 3600)
            {
                delays[parts[0]] = TimeSpan.FromSeconds(seconds);
            }
            else
            {
                faults.Add($"--slow must be SOURCE=SECONDS with a source of {string.Join(", ", AlertSources.Names)} and 0 to 3600 seconds; got \"{TerminalText.Escape(option, 60)}\".");
            }
        }
        wrong = faults;
        return new(delays);
    }
}

/// <summary>A source that cannot answer at all, because its file is missing or unusable.</summary>
internal sealed class SourceUnavailableException(string source, string file)
    : Exception($"The source '{source}' is not available: {file} could not be read. The faults of the input say why.")
{
    public string SourceName { get; } = source;
}
