using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Signalbox.Server.Api;

/// <summary>A parameter of a route's query: what it is called, what it takes, and what for. <paramref name="Kind"/> is a type of JSON schema; several values may be given where <paramref name="IsMany"/>.</summary>
internal sealed record QueryParameter(string Name, string Description, string Kind = "string", bool IsMany = false);

/// <summary>Reads a request's query, and says what was expected where it makes no sense.</summary>
internal sealed class ApiQuery(HttpContext context)
{
    private const int TextMax = 2_000;

    /// <summary>A misspelled filter must not pass as one that was left out.</summary>
    public static void ThrowIfUnknown(HttpContext context)
    {
        var known = context.GetEndpoint()?.Metadata.GetOrderedMetadata<QueryParameter>().Select(p => p.Name).ToArray() ?? [];
        if (context.Request.Query.Keys.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } unknown)
        {
            throw Wrong($"There is no parameter '{Shown(unknown)}' here; {(known.Length == 0 ? "this route has none" : "there are " + string.Join(", ", known))}.");
        }
    }

    public string? Text(string name) => context.Request.Query[name] switch
    {
        [] => null,
        [var one] => one is { Length: <= TextMax } ? one : throw Wrong($"'{name}' has at most {TextMax} characters."),
        _ => throw Wrong($"'{name}' is given once at most."),
    };

    public IReadOnlyList<string> Texts(string name) => [.. context.Request.Query[name].Where(t => !string.IsNullOrEmpty(t)).Select(t => t!.Length <= TextMax ? t : throw Wrong($"'{name}' has at most {TextMax} characters."))];

    public long? Whole(string name, long min, long max) => Text(name) switch
    {
        null => null,
        var text when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max => number,
        var text => throw Wrong($"'{name}' wants a whole number from {min} to {max}; got '{Shown(text)}'."),
    };

    public int Limit(int usual, int max) => (int)(Whole("limit", 1, max) ?? usual);

    public bool Flag(string name) => Text(name) switch
    {
        null or "false" => false,
        "true" => true,
        var text => throw Wrong($"'{name}' wants true or false; got '{Shown(text)}'."),
    };

    public DateTimeOffset? Time(string name) => Text(name) switch
    {
        null => null,
        var text when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) => time,
        var text => throw Wrong($"'{name}' wants a time such as 2026-02-01T08:30:00Z; got '{Shown(text)}'."),
    };

    public T[] Names<T>(string name)
        where T : struct, Enum => [.. Texts(name).SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Select(t => !t.Any(char.IsAsciiDigit) && Enum.TryParse<T>(t, ignoreCase: true, out var value)
            ? value
            : throw Wrong($"'{name}' wants one of {string.Join(", ", Enum.GetNames<T>())}; got '{Shown(t)}'.")).Distinct()];

    public IReadOnlyDictionary<string, string> Labels(string name)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in Texts(name))
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            labels[equals > 0 ? text[..equals] : throw Wrong($"'{name}' wants name=value; got '{Shown(text)}'.")] = text[(equals + 1)..];
        }

        return labels;
    }

    public RunId? Run(string name) => Text(name) is { } text ? RunOf(text) : null;

    /// <summary>A run's id as it stands in a path.</summary>
    public static RunId RunOf(string text) => !string.IsNullOrWhiteSpace(text) && text.Length <= 64 ? new RunId(text) : throw NotFound(text);

    public static ProblemException NotFound(RunId run) => NotFound(run.Value);

    public static ProblemException Wrong(string why) => Problems.Exception(StatusCodes.Status400BadRequest, "request_invalid", why + " Nothing was done.");

    private static ProblemException NotFound(string run) => Problems.Exception(StatusCodes.Status404NotFound, "run_not_found", $"The store has no run '{Shown(run)}'.");

    private static string Shown(string? text) => text is { Length: > 100 } ? text[..100] + "…" : text ?? "";
}
