using System.Globalization;
using System.Net.Http.Headers;

namespace Signalbox.Providers;

/// <summary>How long an answer asks to wait: <c>retry-after-ms</c>, or <c>retry-after</c> as seconds or as a date.</summary>
internal static class RetryAfter
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(365);

    public static TimeSpan? Of(HttpResponseHeaders headers, DateTimeOffset now) =>
        Number(headers, "retry-after-ms") is { } milliseconds ? Wait(milliseconds / 1000)
        : Number(headers, "retry-after") is { } seconds ? Wait(seconds)
        : headers.RetryAfter?.Date is { } date ? Wait((date - now).TotalSeconds)
        : null;

    private static double? Number(HttpResponseHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values)
        && double.TryParse(values.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static TimeSpan Wait(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, s_longest.TotalSeconds));
}
