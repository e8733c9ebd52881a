using System.Globalization;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Times, durations and counts in words.</summary>
internal static class Words
{
    public static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string TimeOfDay(DateTimeOffset time) => time.ToUniversalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    public static string Day(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static string Microseconds(long microseconds) => Duration(TimeSpan.FromMicroseconds(microseconds));

    public static string Duration(TimeSpan span) => span switch
    {
        _ when span < TimeSpan.Zero => "-" + Duration(span.Negate()),
        { TotalMicroseconds: > 0 and < 100 } => "0.1 ms",
        { TotalMilliseconds: < 9.95 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.#} ms"),
        { TotalMilliseconds: < 999.5 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 59.95 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{span.Minutes} min {span.Seconds} s"),
        { TotalHours: < 24 } => string.Create(CultureInfo.InvariantCulture, $"{span.Hours} h {span.Minutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.Days} d {span.Hours} h"),
    };

    /// <summary>How long ago, in one number.</summary>
    public static string Age(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => "now",
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{span.Seconds}s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{span.Minutes}m"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.Days}d"),
    };

    public static string Ago(TimeSpan span) => Age(span) is "now" ? "just now" : Age(span) + " ago";

    /// <summary>A due time, and how far off it is.</summary>
    public static string Due(long due, DateTimeOffset now)
    {
        var time = Journal.Microseconds.ToTime(due);
        return $"{Time(time)} ({(time > now ? "in " + Duration(time - now) : "due since " + Duration(now - time))})";
    }

    public static string Count(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many ?? one + "s")}");

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Millionths of the price table's currency, which is dollars unless somebody says otherwise; small amounts to four digits.</summary>
    public static string Money(long micros) => (micros / 1_000_000m) switch
    {
        0 => "$0",
        > -0.0001m and < 0.0001m => "<$0.0001",
        var money and > -1 and < 1 => string.Create(CultureInfo.InvariantCulture, $"${money:0.0000}"),
        var money => string.Create(CultureInfo.InvariantCulture, $"${money:N2}"),
    };

    /// <summary>A step's key as people know it: its name, and which asking of several it was.</summary>
    public static string Step(string scope, string step)
    {
        var parts = step.Split('/');
        var name = parts.Length == 3 && parts[2] != "1" ? $"{parts[0]} #{parts[2]}" : parts[0];
        return scope.Length == 0 ? name : $"{scope}: {name}";
    }
}
