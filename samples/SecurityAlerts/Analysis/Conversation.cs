using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace SecurityAlerts;

/// <summary>
/// What a conversation shows to somebody who has nothing but the conversation: the alert that is asked about, and what tools have answered, to this tier or to the one before it, whose findings were
/// handed over.
/// </summary>
internal sealed class Conversation
{
    private readonly CaseFile _asked;
    private readonly Dictionary<(string Tool, string Argument), JsonElement?> _answers = [];
    private readonly Dictionary<string, string> _failed = [];

    /// <exception cref="JsonException">It asks about no alert that can be read.</exception>
    public Conversation(IReadOnlyCollection<ChatMessage> messages)
    {
        // The last question counts: an earlier one may have shown less.
        _asked = messages.Where(message => message.Role == ChatRole.User).Select(message => AnalystPrompt.Find(message.Text)).LastOrDefault(found => found is not null)
            ?? throw new JsonException("no message asks about an alert");
        foreach (var finding in messages.Where(message => message.Role == ChatRole.User).SelectMany(message => HandedOver(message.Text)))
        {
            Keep(finding.Tool, finding.Arguments, finding.Answer);
        }

        var calls = new Dictionary<string, FunctionCallContent>();
        foreach (var content in messages.SelectMany(message => message.Contents))
        {
            if (content is FunctionCallContent made)
            {
                calls[made.CallId] = made;
            }
            else if (content is FunctionResultContent result && calls.TryGetValue(result.CallId, out var call))
            {
                Keep(call.Name, JsonSerializer.SerializeToElement(call.Arguments, SignalboxJson.Options), JsonSerializer.SerializeToElement(result.Result, SignalboxJson.Options));
            }
        }

        Replies = messages.Count(message => message.Role == ChatRole.Assistant);
    }

    public Alert Alert => _asked.Alert;

    /// <summary>How often the analyst has spoken in it so far.</summary>
    public int Replies { get; }

    /// <summary>Whether a source is known to be missing, so that there is no use in asking for it.</summary>
    public bool IsMissing(string source) => _asked.Missing.ContainsKey(source);

    /// <summary>Whether a tool was asked already, whatever came of it.</summary>
    public bool WasAsked(string tool, string argument = "") => _answers.ContainsKey((tool, argument));

    /// <summary>What a tool answered; null if it was not asked, or failed.</summary>
    public T? Answer<T>(string tool, string argument = "") where T : class =>
        _answers.GetValueOrDefault((tool, argument)) is { } answer ? answer.Deserialize<T>(SignalboxJson.Options) : null;

    /// <summary>All that is known by now.</summary>
    public CaseFile CaseFile
    {
        get
        {
            var address = Alert.SourceIp ?? "";
            var session = Answer<SessionReport>(AnalystTools.RootSession);
            var logins = Answer<LoginHistory>(AnalystTools.LoginHistory, address) ?? (session is null ? null : LoginHistory.OfNobody(Alert.AsOf));
            return _asked with
            {
                Missing = _asked.Missing.Concat(_failed).ToDictionary(),
                Logins = logins is null ? null : logins with
                {
                    Session = session?.Session,
                    Accounts = [.. Alert.Users.Select(user => Answer<AccountHistory>(AnalystTools.AccountHistory, user)).OfType<AccountHistory>()],
                },
                Threats = Answer<ThreatReport>(AnalystTools.ThreatReport, address),
                Assets = Answer<AssetReport>(AnalystTools.AssetReport),
            };
        }
    }

    private void Keep(string tool, JsonElement arguments, JsonElement answer)
    {
        // Each of the tools has one argument, or none. What is an error, or was cut, is no answer.
        var argument = arguments.ValueKind == JsonValueKind.Object ? string.Concat(arguments.EnumerateObject().Select(property => property.Value.ToString())) : "";
        var isAnswer = answer.ValueKind == JsonValueKind.Object && !answer.TryGetProperty("error", out _);
        if (isAnswer || !_answers.ContainsKey((tool, argument)))
        {
            _answers[(tool, argument)] = isAnswer ? answer : null;
        }

        if (isAnswer)
        {
            _failed.Remove(tool);
        }
        else if (answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("reason", out var reason) && reason.ValueKind == JsonValueKind.String)
        {
            _failed[tool] = reason.GetString()!;
        }
    }

    private static IEnumerable<(string Tool, JsonElement Arguments, JsonElement Answer)> HandedOver(string message)
    {
        const string Start = "<dossier>\n";
        var start = message.IndexOf(Start, StringComparison.Ordinal);
        var end = message.IndexOf("\n</dossier>", Math.Max(0, start), StringComparison.Ordinal);
        if (start < 0 || end < 0)
        {
            yield break;
        }

        using var dossier = JsonDocument.Parse(message[(start + Start.Length)..end]);
        foreach (var finding in dossier.RootElement.GetProperty("findings").EnumerateArray())
        {
            // A long answer is handed over as the beginning of its text: it has to be asked for again.
            if (finding.GetProperty("answer") is { ValueKind: JsonValueKind.Object } answer)
            {
                yield return (finding.GetProperty("tool").GetString()!, finding.GetProperty("arguments").Clone(), answer.Clone());
            }
        }
    }
}
