using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// Puts conversations together. A turn's entry holds the messages that are new with it and its reply; what tools answered stands in entries of its own: so each message is read once.
/// </summary>
internal sealed class ConversationFold(IRunReader reader, Redactor redactor, RunId run, string? scope)
{
    private readonly List<Conversation> _inOrder = [];
    private readonly Dictionary<(int Visit, string Scope, string Step), Conversation> _found = [];
    private readonly List<(int Visit, string Scope, AgentBegan Began)> _agents = [];

    public async Task<IReadOnlyList<ConversationView>> EndAsync(CancellationToken cancellationToken)
    {
        var views = new List<ConversationView>();
        foreach (var conversation in _inOrder)
        {
            views.Add(new(run, conversation.Visit, conversation.Scope, conversation.Agent, conversation.Tier, await ConfigurationAsync(conversation, cancellationToken), conversation.Messages));
        }

        return views;
    }

    public async Task AddAsync(Entry entry, CancellationToken cancellationToken)
    {
        switch (entry.Kind)
        {
            case EntryKinds.AgentBegan when Body.Find<AgentBegan>(entry) is { Agent: not null } began:
                _agents.Add((entry.Visit, entry.Scope, began));
                break;
            case EntryKinds.StepCompleted when IsWanted(entry) && Body.Find<StepCompleted>(entry) is { } step:
                if (step.Model is { Messages: not null } model)
                {
                    await AddTurnAsync(entry, model, cancellationToken);
                }
                else if (step.Tool is { } tool)
                {
                    await AddAnswerAsync(entry, tool, step, cancellationToken);
                }

                break;
            case EntryKinds.StepFailed when IsWanted(entry) && Body.Find<StepFailed>(entry) is { Tool: { } tool } failed:
                AddFailure(entry, tool, failed);
                break;
            case EntryKinds.ToolRejected when IsWanted(entry) && Body.Find<ToolRejected>(entry) is { } rejected:
                AddRejection(entry, rejected);
                break;
        }
    }

    private bool IsWanted(Entry entry) => scope is null || (scope.Length == 0 ? entry.Scope.Length == 0 : Scopes.IsWithin(entry.Scope, scope));

    /// <summary>Turns of an agent in one scope are one conversation; a call without an agent is one of its own.</summary>
    private Conversation Of(Entry entry, int turn, string? agent, string? tier)
    {
        var key = (entry.Visit, entry.Scope, turn == 0 ? entry.Step : "");
        if (!_found.TryGetValue(key, out var conversation))
        {
            _found[key] = conversation = new(entry.Visit, entry.Scope, agent ?? "", tier ?? "");
            _inOrder.Add(conversation);
        }

        return conversation;
    }

    private async Task AddTurnAsync(Entry entry, ModelCall model, CancellationToken cancellationToken)
    {
        var conversation = Of(entry, model.Turn, model.Agent, model.Tier);
        foreach (var hash in model.Messages)
        {
            Add(conversation, entry, model, await reader.FindPayloadAsync(hash, cancellationToken), hash.Value, isReply: false);
        }

        Add(conversation, entry, model, await ResolvedBody.FindAsync(reader, model.Reply, cancellationToken), model.Reply.Reference?.Value ?? "", isReply: true);
    }

    /// <summary>The messages that a stored JSON text holds.</summary>
    private void Add(Conversation conversation, Entry entry, ModelCall model, ReadOnlyMemory<byte>? stored, string address, bool isReply)
    {
        if (stored is not { } bytes || Parse(redactor.Value(new RawJson(bytes))) is not { } json)
        {
            conversation.Messages.Add(new(
                entry.Seq, entry.At, model.Turn, isReply ? "assistant" : "user", "", ResolvedBody.Missing(address), Fault: $"payload {address} is missing or altered") { Step = entry.Step });
            return;
        }

        using (json)
        {
            foreach (var message in Messages(json.RootElement))
            {
                conversation.Messages.Add(new(entry.Seq, entry.At, model.Turn, Role(message), Text(message), Raw(message), isReply ? model.Model : null)
                {
                    Step = entry.Step,
                    FinishReason = isReply ? model.FinishReason : null,
                });
            }
        }
    }

    private async Task AddAnswerAsync(Entry entry, ToolCalled tool, StepCompleted step, CancellationToken cancellationToken)
    {
        var answer = await ResolvedBody.FindAsync(reader, step.Result, cancellationToken);
        var content = answer is { } bytes ? redactor.Json(ResolvedBody.Stored(bytes)) : ResolvedBody.Missing(step.Result.Reference?.Value ?? "");
        Add(entry, tool, content, step.Arguments, answer is null ? "the answer is missing or altered" : null);
    }

    private void AddFailure(Entry entry, ToolCalled tool, StepFailed failed) => Add(entry, tool, redactor.Json(Told(failed.Code, failed.Reason)), failed.Arguments, null);

    private void Add(Entry entry, ToolCalled tool, RawJson content, RawJson? arguments, string? fault) =>
        Of(entry, tool.Turn, tool.Agent, tool.Tier).Messages.Add(new(entry.Seq, entry.At, tool.Turn, "tool", fault is null ? Plain(content) : "", content, Fault: fault)
        {
            Step = entry.Step,
            Tool = entry.Step.Split('/')[0],
            CallId = tool.CallId,
            Arguments = redactor.Optional(arguments),
        });

    private void AddRejection(Entry entry, ToolRejected rejected) =>
        Of(entry, rejected.Turn, rejected.Agent, rejected.Tier).Messages.Add(new(entry.Seq, entry.At, rejected.Turn, "tool", redactor.Shown(rejected.Answer), redactor.Json(Told(rejected.Code, rejected.Answer)))
        {
            Step = entry.Step,
            Tool = redactor.Shown(rejected.Tool),
            CallId = rejected.CallId,
            Arguments = redactor.Optional(rejected.Arguments),
            Rejected = rejected.Code,
        });

    /// <summary>What the agent worked under: pinned where it was asked, which is the innermost scope around its tiers.</summary>
    private async Task<RawJson?> ConfigurationAsync(Conversation conversation, CancellationToken cancellationToken)
    {
        var began = _agents.Where(a => a.Visit == conversation.Visit && a.Began.Agent == conversation.Agent && Scopes.IsWithin(conversation.Scope, a.Scope)).OrderBy(a => a.Scope.Length).LastOrDefault().Began;
        return began is { Configuration: { IsMissing: false } configuration }
            ? await ResolvedBody.FindAsync(reader, configuration, cancellationToken) is { } bytes ? redactor.Json(ResolvedBody.Stored(bytes)) : ResolvedBody.Missing(configuration.Reference?.Value ?? "")
            : null;
    }

    /// <summary>What a model is told of a call that has no answer.</summary>
    private static RawJson Told(string? code, string? reason) => ResolvedBody.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("error", code);
        json.WriteString("reason", reason);
        json.WriteEndObject();
    });

    private static JsonDocument? Parse(RawJson json)
    {
        try
        {
            return JsonDocument.Parse(json.Utf8, PayloadReferences.JsonOptions);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The messages of a reply, or the one message that a payload holds.</summary>
    private static IEnumerable<JsonElement> Messages(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => json.EnumerateArray().Where(m => m.ValueKind == JsonValueKind.Object),
        JsonValueKind.Object => [json],
        _ => [],
    };

    private static string Role(JsonElement message) => message.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String && Text(role) is { Length: > 0 } name ? name : "?";

    /// <summary>The texts among a message's contents, line below line; its value, of a text.</summary>
    private static string Text(JsonElement message)
    {
        if (message.ValueKind == JsonValueKind.String)
        {
            try
            {
                return message.GetString()!;
            }
            catch (InvalidOperationException)
            {
                return message.GetRawText(); // half of a character
            }
        }

        return message.TryGetProperty("contents", out var contents) && contents.ValueKind == JsonValueKind.Array
            ? string.Join('\n', contents.EnumerateArray()
                .Where(c => c.ValueKind == JsonValueKind.Object && c.TryGetProperty("$type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("text") && c.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                .Select(c => Text(c.GetProperty("text"))))
            : message.TryGetProperty("text", out var plain) && plain.ValueKind == JsonValueKind.String ? Text(plain) : "";
    }

    /// <summary>A tool's answer as the model was given it: text as text, anything else as JSON.</summary>
    private static string Plain(RawJson answer)
    {
        using var json = Parse(answer);
        return json?.RootElement.ValueKind == JsonValueKind.String ? Text(json.RootElement) : answer.ToString();
    }

    private static RawJson Raw(JsonElement element) => new(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(element).ToArray());

    private sealed record Conversation(int Visit, string Scope, string Agent, string Tier)
    {
        public List<MessageView> Messages { get; } = [];
    }
}
