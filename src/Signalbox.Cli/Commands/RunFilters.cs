using System.Globalization;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary>Turns what a person types into the parts of a <see cref="RunQuery"/>, or says what was expected.</summary>
internal static class RunFilters
{
    public const int LimitMax = 10_000;

    public static RunStatus[] Statuses(IEnumerable<string> texts) => [.. texts.SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Select(Status).Distinct()];

    public static Dictionary<string, string> Labels(IEnumerable<string> texts)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw CliException.WrongUse($"--label wants name=value; got '{text}'. Nothing was listed.");
            }

            labels[text[..equals]] = text[(equals + 1)..];
        }

        return labels;
    }

    /// <summary>A time (UTC where it names no zone), or how long ago: <c>90s</c>, <c>30m</c>, <c>2h</c>, <c>7d</c>.</summary>
    public static DateTimeOffset? Time(string option, string? text, DateTimeOffset now)
    {
        if (text is null)
        {
            return null;
        }

        if (text.Length > 1 && Unit(text[^1]) is { } unit && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * unit.TotalDays < 36_500)
        {
            return now - (number * unit);
        }

        return char.IsAsciiDigit(text.FirstOrDefault()) && text.Contains('-', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw CliException.WrongUse($"{option} wants a time such as 2026-02-01T08:30Z, or how long ago: 90s, 30m, 2h, 7d; got '{text}'. Nothing was listed.");
    }

    /// <summary>Money as millionths of the price table's currency.</summary>
    public static long? Micros(string option, decimal? money) => money switch
    {
        null => null,
        >= 0 and <= 1_000_000_000 => (long)Math.Ceiling(money.Value * 1_000_000),
        _ => throw CliException.WrongUse($"{option} wants an amount of money that is not negative, such as 0.05; got {money.Value.ToString(CultureInfo.InvariantCulture)}. Nothing was listed."),
    };

    public static int Limit(int limit) => limit is >= 1 and <= LimitMax
        ? limit
        : throw CliException.WrongUse($"--limit wants a number from 1 to {LimitMax.ToString("N0", CultureInfo.InvariantCulture)}; got {limit}. Nothing was listed.");

    private static RunStatus Status(string text) => !text.Any(char.IsAsciiDigit) && Enum.TryParse<RunStatus>(text, ignoreCase: true, out var status)
        ? status
        : throw CliException.WrongUse($"--status wants one of {string.Join(", ", Enum.GetNames<RunStatus>())}; got '{text}'. Nothing was listed.");

    private static TimeSpan? Unit(char unit) => unit switch
    {
        's' => TimeSpan.FromSeconds(1),
        'm' => TimeSpan.FromMinutes(1),
        'h' => TimeSpan.FromHours(1),
        'd' => TimeSpan.FromDays(1),
        _ => null,
    };
}
