using System.Text.RegularExpressions;

namespace Signalbox;

/// <summary>What is masked unless somebody says otherwise. Hashes, run ids, action ids and counts of tokens match nothing here.</summary>
internal static class WellKnownSecrets
{
    /// <summary>Members whose texts are masked. A number under such a name stays.</summary>
    public static readonly string[] Members =
    [
        "password", "passwd", "pwd", "passphrase", "secret", "client_secret", "token", "access_token", "refresh_token", "id_token", "auth_token", "session_token", "bearer_token", "api_key", "api_token", "apikey", "x-api-key",
        "authorization", "proxy_authorization", "cookie", "set_cookie", "private_key", "secret_key", "secret_access_key", "access_key", "signing_key", "encryption_key", "credentials", "connection_string",
    ];

    /// <summary>Of each pattern below, something that stands in all that it matches: most texts have none of them and need no further look.</summary>
    public static readonly string[] Hints =
        ["sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza", "sbk_", "bearer", "authorization", "PRIVATE KEY-----", "eyJ", "://"];

    /// <summary>Keys by their form, as one alternation that is matched in time linear in the text.</summary>
    public static readonly Regex Pattern = new(
        string.Join(
            '|',
            @"\bsk-[A-Za-z0-9_-]{20,}", // Anthropic (sk-ant-), OpenAI and others
            @"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", // AWS
            @"\bgh[pousr]_[A-Za-z0-9]{20,}",
            @"\bgithub_pat_[A-Za-z0-9_]{20,}",
            @"\bglpat-[A-Za-z0-9_-]{16,}",
            @"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", // Slack
            @"\bAIza[A-Za-z0-9_-]{30,}", // Google
            @"\bsbk_[A-Za-z0-9_-]{12,}", // our own
            @"\b[Bb][Ee][Aa][Rr][Ee][Rr]\s+[A-Za-z0-9._~+/=-]{16,}",
            @"\b[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]\s*:\s*(?:[A-Za-z]+\s+)?[A-Za-z0-9._~+/=-]{8,}",
            @"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z0-9 ]*PRIVATE KEY-----)?",
            @"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", // JSON web tokens
            @"\b[a-z][a-z0-9+.-]*://[^\s/:@""']*:[^\s/@""']+@"), // a password in an address
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant,
        RedactionRules.TimeLimit);

    /// <summary>What stands behind a marked name in text that is no JSON: <c>password=…</c>, or a cut piece of JSON.</summary>
    public static Regex Named(IEnumerable<string> names)
    {
        var any = string.Join('|', names.Select(n => Regex.Escape(n).Replace("_", "[_-]?", StringComparison.Ordinal)).Distinct(StringComparer.OrdinalIgnoreCase));
        return new($"""(?<name>\b(?:{any})=)[^\s&;,"'\[]+|(?<name>\\?["'](?:{any})\\?["']\s*[:=]\s*\\?["'])[^"'\\\[][^"'\\]*""", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, RedactionRules.TimeLimit);
    }
}
