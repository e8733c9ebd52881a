using System.Text.Json;

namespace Signalbox.Providers;

/// <summary>What a provider says of an error, in any of the shapes in use.</summary>
internal sealed record ErrorAnswer(string? Type, string? Code, string? Message)
{
    private static readonly string[] s_quotaNames = ["quota", "billing", "spend_limit", "insufficient_funds", "insufficient_credit", "credit_balance"];
    private static readonly string[] s_quotaPhrases = ["spend limit", "spending limit", "usage limit", "credit balance", "current quota", "out of credits", "insufficient credits"];
    private static readonly string[] s_ratePhrases = ["rate limit", "per second", "per minute", "per hour"];

    /// <summary>
    /// Whether it says that a spending limit or quota is used up. Names decide where there are any; the text is asked only after them, because providers do not name
    /// every case, and one that speaks of a rate is a rate limit.
    /// </summary>
    public bool SaysQuota =>
        HasAny($"{Type} {Code}", s_quotaNames) || (Message is not null && HasAny(Message, s_quotaPhrases) && !HasAny(Message, s_ratePhrases));

    public static ModelException Translate(Provider provider, HttpResponseMessage answer, string body)
    {
        var error = Read(body);
        var status = (int)answer.StatusCode;
        return provider.Trouble(error.TroubleOf(status), $"answered {status}{error.Said(provider)}", RetryAfter.Of(answer.Headers, provider.Clock.GetUtcNow()));
    }

    public static ErrorAnswer Read(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Of(document.RootElement);
        }
        catch (JsonException)
        {
            return new ErrorAnswer(null, null, body);
        }
    }

    /// <summary>What it said, for a message: <c> (type): text</c>.</summary>
    public string Said(Provider provider)
    {
        var names = string.Join(", ", new[] { Type, Code }.Where(n => !string.IsNullOrEmpty(n)).Distinct());
        var said = (names.Length > 0 ? $" ({names})" : "") + (string.IsNullOrWhiteSpace(Message) ? "." : $": {Message}");
        return provider.Clean(said) is var line && said.StartsWith(' ') ? $" {line}" : line;
    }

    /// <summary>The trouble behind an error in the middle of a stream, which has no status.</summary>
    public ModelTrouble Trouble() => SaysQuota ? ModelTrouble.QuotaExhausted : Type switch
    {
        "rate_limit_error" => ModelTrouble.RateLimited,
        "overloaded_error" => ModelTrouble.Overloaded,
        "timeout_error" => ModelTrouble.TimedOut,
        "invalid_request_error" or "not_found_error" or "request_too_large" => ModelTrouble.InvalidRequest,
        "authentication_error" or "permission_error" => ModelTrouble.Unauthorized,
        _ => ModelTrouble.ServerError,
    };

    // 408 and 504 are somebody's patience that ended: the model may have done the work. Of what is refused for good (4xx) some providers say 400 or 403 when money is out.
    private ModelTrouble TroubleOf(int status) => status switch
    {
        402 => ModelTrouble.QuotaExhausted,
        400 or 403 or 429 when SaysQuota => ModelTrouble.QuotaExhausted,
        429 => ModelTrouble.RateLimited,
        503 or 529 => ModelTrouble.Overloaded,
        408 or 504 => ModelTrouble.TimedOut,
        401 or 403 => ModelTrouble.Unauthorized,
        409 or 425 => ModelTrouble.Failed,
        >= 500 => ModelTrouble.ServerError,
        _ => ModelTrouble.InvalidRequest,
    };

    private static ErrorAnswer Of(JsonElement root)
    {
        var error = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out var inner) ? inner : root;
        return error.ValueKind switch
        {
            JsonValueKind.Object => new ErrorAnswer(Text(error, "type"), Text(error, "code") ?? DetailCode(error), Text(error, "message") ?? Text(error, "detail")),
            JsonValueKind.String => new ErrorAnswer(null, null, error.GetString()),
            _ => new ErrorAnswer(null, null, null),
        };
    }

    private static string? DetailCode(JsonElement error) => error.TryGetProperty("details", out var details) && details.ValueKind == JsonValueKind.Object ? Text(details, "error_code") : null;

    private static string? Text(JsonElement of, string name) =>
        !of.TryGetProperty(name, out var value) ? null : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };

    private static bool HasAny(string text, string[] words) => words.Any(w => text.Contains(w, StringComparison.OrdinalIgnoreCase));
}
