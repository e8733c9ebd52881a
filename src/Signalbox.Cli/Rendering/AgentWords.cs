using System.Globalization;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>The entries of agents in words: what was asked and at what cost, what was called, what was decided and why it climbed. All that a model said is data.</summary>
internal static class AgentWords
{
    /// <summary><paramref name="apart"/>: the configuration of an agent that begins, where it is at hand.</summary>
    public static EntryText? Describe(Entry entry, ReadOnlyMemory<byte>? apart) => entry.Kind switch
    {
        EntryKinds.AgentBegan => Began(Body.Read<AgentBegan>(entry), entry, apart),
        EntryKinds.BudgetReserved => Reserved(Body.Read<BudgetReserved>(entry), entry),
        EntryKinds.ToolRejected => Rejected(Body.Read<ToolRejected>(entry), entry),
        EntryKinds.AnswerRejected => Rejected(Body.Read<AnswerRejected>(entry), entry),
        EntryKinds.DecisionMade => Made(Body.Read<DecisionMade>(entry), entry),
        EntryKinds.DecisionJudged => Judged(Body.Read<DecisionJudged>(entry)),
        EntryKinds.EscalationRaised => Raised(Body.Read<EscalationRaised>(entry), entry),
        _ => null,
    };

    /// <summary>A turn that has its reply.</summary>
    public static EntryText Turn(StepCompleted body, ModelCall model, Entry entry)
    {
        var said = new StringBuilder($"model call {TurnName(entry)}: {(model.Model.Length == 0 ? "unnamed model" : model.Model)}, ");
        said.Append(CultureInfo.InvariantCulture, $"{Tokens(model.InputTokens)} tokens in{(model.CachedInputTokens > 0 ? $" ({Tokens(model.CachedInputTokens)} cached)" : "")}, {Tokens(model.OutputTokens)} out");
        said.Append(body.Settlement is { Spent.Micros: > 0 and var micros } ? $", {Words.Money(micros)}" : "");
        said.Append(CultureInfo.InvariantCulture, $", {Words.Microseconds(body.Microseconds)}{(body.Attempts > 1 ? $", {body.Attempts} attempts" : "")}");
        return new(said.ToString(), Tone.Plain, "= " + ReplyWords.OneLine(model.Reply));
    }

    /// <summary>A turn without a reply, or an attempt of it.</summary>
    public static EntryText TurnFailed(StepFailed body, Entry entry) => Failed($"model call {TurnName(entry)}", body, entry);

    /// <summary>A tool call that was carried out.</summary>
    public static EntryText Called(StepCompleted body, Entry entry) =>
        new($"{Call(entry, body.Arguments)}: {EntryWords.Taken(body)}", Tone.Plain, "= " + EntryWords.Value(body.Result));

    /// <summary>A tool call that has no answer, or an attempt of it.</summary>
    public static EntryText CallFailed(StepFailed body, Entry entry) => Failed(Call(entry, body.Arguments), body, entry);

    /// <summary>Whether a step is a turn of an agent, which its name alone tells where it failed.</summary>
    public static bool IsTurn(Entry entry, string? type) => type == "model" && entry.Scope.Length > 0 && Name(entry).StartsWith("turn-", StringComparison.Ordinal);

    /// <summary>Where a turn belongs and which it is: <c>analyst/fast turn 3</c>.</summary>
    public static string TurnName(Entry entry)
    {
        var name = Name(entry);
        return name.StartsWith("turn-", StringComparison.Ordinal)
            ? $"{entry.Scope} turn {(name.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? $"{name[5..dot]}, try {name[(dot + 1)..]}" : name[5..])}"
            : EntryWords.Step(entry);
    }

    /// <summary>What was used up, on one line.</summary>
    public static string Spent(Spending spent)
    {
        var parts = new List<string>
        {
            Words.Count(spent.Calls, "model call"),
            $"{Words.Number(spent.InputTokens)} tokens in, {Words.Number(spent.OutputTokens)} out",
        };
        if (spent.Micros > 0)
        {
            parts.Add(Words.Money(spent.Micros));
        }

        parts.Add($"{Words.Microseconds(spent.Microseconds)} at work");
        if (spent.Rejections > 0)
        {
            parts.Add(Words.Count(spent.Rejections, "rejection"));
        }

        return string.Join(", ", parts);
    }

    /// <summary>Arguments as a person would write the call: one value alone, several by name.</summary>
    public static string Arguments(RawJson? arguments)
    {
        if (arguments is not { IsMissing: false } given)
        {
            return "()";
        }

        if (given.Reference is not null)
        {
            return "(…)";
        }

        using var json = JsonDocument.Parse(given.Utf8, StoredJson.Options);
        return Arguments(json.RootElement);
    }

    public static string Arguments(JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            return $"({Text(arguments)})";
        }

        var members = arguments.EnumerateObject().ToArray();
        return $"({(members.Length == 1 ? Text(members[0].Value) : string.Join(", ", members.Select(m => $"{m.Name}: {Text(m.Value)}")))})";
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? StoredText.Of(value) : JsonOutput.Text(value.WriteTo);

    private static EntryText Began(AgentBegan body, Entry entry, ReadOnlyMemory<byte>? apart)
    {
        var began = $"agent {Path(entry, body.Agent)} begins";
        if (apart is not { } json)
        {
            return new(began, Tone.Strong, $"its configuration ({EntryWords.Value(body.Configuration)}) is missing or altered");
        }

        AgentConfiguration configuration;
        try
        {
            configuration = JsonSerializer.Deserialize<AgentConfiguration>(json.Span, SignalboxJson.Options)!;
        }
        catch (JsonException)
        {
            return new(began, Tone.Strong, "its configuration cannot be read");
        }

        var details = new List<string>
        {
            "tiers: " + string.Join(" > ", configuration.Tiers.Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Name} ({t.Model}, stands from {t.Accept:0.##}{(t.Samples > 1 ? $", {t.Samples} samples" : "")})")).Append(Ladder.Person)),
            "tools: " + (configuration.Tools.Count == 0 ? "none" : string.Join(", ", configuration.Tools.Select(t => t.Name))),
        };
        details.AddRange(configuration.Unavailable.Select(u => $"not to be had: {u.Key} ({u.Value})"));
        return new(began, Tone.Strong, [.. details]);
    }

    private static EntryText Reserved(BudgetReserved body, Entry entry) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"reserved for {TurnName(entry)}: up to {Words.Number(body.Amount.InputTokens)} tokens in, {Words.Number(body.Amount.OutputTokens)} out{(body.Amount.Micros > 0 ? $", {Words.Money(body.Amount.Micros)}" : "")} of {body.Model}"),
        Tone.Dim);

    private static EntryText Rejected(ToolRejected body, Entry entry) => new(
        $"tool call REJECTED: {body.Tool}{Arguments(body.Arguments)} of {entry.Scope} turn {Number(body.Turn)} ({body.Code})", Tone.Attention, "it was told: " + body.Answer);

    private static EntryText Rejected(AnswerRejected body, Entry entry) =>
        new($"answer REJECTED: {entry.Scope} turn {Number(body.Turn)}", Tone.Attention, "it was told: " + body.Answer);

    private static EntryText Made(DecisionMade body, Entry entry)
    {
        // The answer stands in the reply above; where its kind is not named either, it is said here.
        var details = body.Kind.Length > 0 ? new List<string>() : ["= " + EntryWords.Value(body.Answer)];
        if (body.Signals.Count > 0)
        {
            details.Add("signals: " + string.Join(", ", body.Signals.Select(s => $"{s.Key} {Probability(s.Value)}")));
        }

        details.AddRange(body.Reasons.Select(r => "reason: " + r));
        details.AddRange((body.Missing ?? new Dictionary<string, string>()).Select(m => $"missing: {m.Key} ({m.Value})"));
        if (body.Objection is { } objection)
        {
            details.Add("objection: " + objection);
        }

        details.Add($"{body.Decision}, by {body.Model}{(body.Micros > 0 ? $", {Words.Money(body.Micros)}" : "")}");
        return new($"decision{(body.Kind.Length == 0 ? "" : $" {body.Kind}")} of {entry.Scope}: confidence {Probability(body.Confidence)}, {(body.Stands ? "STANDS" : "does not stand")}", body.Stands ? Tone.Good : Tone.Attention, [.. details]);
    }

    private static EntryText Judged(DecisionJudged body) => new($"decision {body.Decision} was judged {body.Verdict}", body.Verdict == "right" ? Tone.Good : Tone.Bad);

    private static EntryText Raised(EscalationRaised body, Entry entry)
    {
        var scope = entry.Scope.LastIndexOf('/') is > 0 and var end ? entry.Scope[..end] : body.Agent;
        return new($"escalated: {scope}, {body.From} -> {(body.To == Ladder.Person ? "a person" : body.To)} ({body.Reason})", Tone.Attention, "because: " + body.Why);
    }

    private static EntryText Failed(string what, StepFailed body, Entry entry) => entry.Kind == EntryKinds.StepAttemptFailed
        ? new(string.Create(CultureInfo.InvariantCulture, $"{what}: attempt {body.Attempts} failed after {Words.Microseconds(body.Microseconds)} ({body.Code})"), Tone.Attention, body.Reason)
        : new($"{what}: FAILED, {body.Reason} ({body.Code}; {Words.Count(body.Attempts, "attempt")}, {Words.Microseconds(body.Microseconds)})", Tone.Bad);

    /// <summary>A tool call. Where it is one of several side by side, whose it is.</summary>
    private static string Call(Entry entry, RawJson? arguments) => $"tool {(entry.Scope.Count(c => c == '/') > 1 ? entry.Scope + ": " : "")}{Name(entry)}{Arguments(arguments)}";

    private static string Path(Entry entry, string agent) => entry.Scope.Length == 0 ? agent : entry.Scope;

    private static string Name(Entry entry) => entry.Step.Split('/')[0];

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Probability(double probability) => probability.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Tokens(long? tokens) => tokens is { } n ? Words.Number(n) : "?";
}
