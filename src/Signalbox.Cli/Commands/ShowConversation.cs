using System.Globalization;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox show --conversation</c>: what models were asked and answered, message by message, in the order of their recording.</summary>
internal sealed class ShowConversation
{
    private const int Indent = 4;
    private readonly CommandContext _context;
    private readonly bool _wantsJson;
    private (string Scope, string What) _heading;

    private ShowConversation(CommandContext context, bool wantsJson)
    {
        _context = context;
        _wantsJson = wantsJson;
    }

    /// <exception cref="CliException">There is none, or none in that scope.</exception>
    public static async Task WriteAsync(CommandContext context, OpenStore store, RunHead head, string? scope, bool wantsJson, CancellationToken cancellationToken)
    {
        var conversations = await store.Queries.ConversationsAsync(head.Row.Run, scope, cancellationToken);
        if (conversations.Count == 0)
        {
            var scopes = scope is null ? [] : (await store.Queries.ConversationsAsync(head.Row.Run, null, cancellationToken)).Select(c => c.Scope).Distinct().Order(StringComparer.Ordinal).ToArray();
            throw new CliException(
                ExitCodes.Refused, "conversation_not_found",
                scopes.Length == 0
                    ? $"Run '{head.Row.Run}' has no conversation with a model."
                    : $"Run '{head.Row.Run}' has no conversation in the scope '{scope}'. It has: {string.Join(", ", scopes.Select(s => s.Length == 0 ? "(the visit itself)" : s))}");
        }

        // Tiers and samples may speak at the same time: as it was recorded, so it is told.
        var show = new ShowConversation(context, wantsJson);
        foreach (var (conversation, message) in conversations.SelectMany(c => c.Messages.Select(m => (c, m))).OrderBy(m => m.m.Seq))
        {
            if (wantsJson)
            {
                show.WriteJson(conversation, message);
            }
            else
            {
                show.Write(conversation, message);
            }
        }
    }

    private void WriteJson(ConversationView conversation, MessageView message) => JsonOutput.Line(_context.Output, json =>
    {
        json.WriteStartObject();
        json.WriteString("scope", conversation.Scope);
        json.WriteString("step", message.Step);
        if (message.Turn > 0)
        {
            json.WriteNumber("turn", message.Turn);
        }

        json.WriteNumber("seq", message.Seq);
        if (message.Fault is not null)
        {
            Inner(json, message.Content);
        }
        else if (message.Tool is { } tool)
        {
            json.WriteString("tool", tool);
            json.WriteString("callId", message.CallId);
            json.OptionalText("rejected", message.Rejected);
            if (message.Rejected is null)
            {
                json.Stored("answer", message.Content.Utf8);
            }
            else
            {
                json.WriteString("answer", message.Text);
            }
        }
        else
        {
            json.OptionalText("model", message.FinishReason is null ? null : message.Model);
            json.OptionalText("finishReason", message.FinishReason);
            json.Stored("message", message.Content.Utf8);
        }

        json.WriteEndObject();
    });

    /// <summary>The members of what stands for a message that is missing.</summary>
    private static void Inner(Utf8JsonWriter json, Journal.RawJson missing)
    {
        using var document = JsonDocument.Parse(missing.Utf8, StoredJson.Options);
        foreach (var member in document.RootElement.EnumerateObject())
        {
            member.WriteTo(json);
        }
    }

    private void Write(ConversationView conversation, MessageView message)
    {
        var what = message.Turn == 0 ? Words.Step("", message.Step) : string.Create(CultureInfo.InvariantCulture, $"turn {message.Turn}");
        Heading(conversation.Scope, what, message.Model);
        if (message.Fault is { } fault)
        {
            _context.Page.Line(new string(' ', Indent), new Piece($"({fault})", Tone.Bad));
        }
        else if (message.Tool is { } tool)
        {
            var call = tool + AgentWords.Arguments(message.Arguments);
            Said(message.Rejected is { } rejected ? $"rejected {call}: {rejected}" : $"tool {call}", Plain(message), message.Rejected is null ? Tone.Plain : Tone.Attention);
        }
        else
        {
            using var document = JsonDocument.Parse(message.Content.Utf8, StoredJson.Options);
            Write(document.RootElement);
        }
    }

    private void Write(JsonElement message)
    {
        var role = ReplyWords.Role(message);
        foreach (var (type, text) in ReplyWords.Parts(message))
        {
            Said(type switch
            {
                "text" => role,
                "functionCall" => role + " calls",
                "reasoning" => role + " thinks",
                _ => $"{role} ({type})",
            }, text, type == "reasoning" ? Tone.Dim : Tone.Plain);
        }
    }

    /// <summary>A tool's answer as the model was given it: text as text, anything else as JSON.</summary>
    private static string Plain(MessageView message) => message.Content.ToString().StartsWith('"') || message.Rejected is not null ? message.Text : StoredJson.Compact(message.Content.Utf8);

    /// <summary>Whose words follow, where that is not what stood above.</summary>
    private void Heading(string scope, string what, string? model)
    {
        if (_wantsJson || _heading == (scope, what))
        {
            return;
        }

        if (_heading != default)
        {
            _context.Page.Line();
        }

        _heading = (scope, what);
        _context.Page.Line(new Piece(scope.Length == 0 ? what : $"{scope}, {what}", Tone.Strong), new Piece(string.IsNullOrEmpty(model) ? "" : $"  {model}", Tone.Dim));
    }

    /// <summary>Words as they are, line by line, each behind the indent, so that none passes for a line of ours.</summary>
    private void Said(string who, string text, Tone tone)
    {
        _context.Page.Line("  ", new Piece(who, Tone.Dim));
        foreach (var line in text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'))
        {
            var spaces = line.Length - line.TrimStart(' ').Length;
            _context.Page.Paragraph(line[spaces..], Indent + Math.Min(spaces, 40), tone);
        }
    }
}
