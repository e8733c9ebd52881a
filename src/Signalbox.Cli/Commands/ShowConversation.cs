using System.Globalization;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary>
/// <c>signalbox show --conversation</c>: what models were asked and answered, message by message, in the order of their recording. A turn's entry holds the messages that are new with it
/// and its reply; what tools answered stands in entries of its own. Holds one message at a time.
/// </summary>
internal sealed class ShowConversation
{
    private const int Indent = 4;
    private readonly CommandContext _context;
    private readonly IRunReader _reader;
    private readonly string? _scope;
    private readonly bool _wantsJson;
    private readonly SortedSet<string> _scopes = new(StringComparer.Ordinal);
    private (string Scope, string What) _heading;
    private bool _isSomethingShown;

    private ShowConversation(CommandContext context, IRunReader reader, string? scope, bool wantsJson)
    {
        _context = context;
        _reader = reader;
        _scope = scope;
        _wantsJson = wantsJson;
    }

    /// <exception cref="CliException">There is none, or none in that scope.</exception>
    public static async Task WriteAsync(CommandContext context, OpenStore store, RunHead head, string? scope, bool wantsJson, CancellationToken cancellationToken)
    {
        var conversation = new ShowConversation(context, store.Reader, scope, wantsJson);
        await foreach (var entry in EntryPages.OfRunAsync(store.Reader, head.Row.Run, head.Seq, cancellationToken))
        {
            await conversation.AddAsync(entry, cancellationToken);
        }

        if (!conversation._isSomethingShown)
        {
            throw new CliException(
                ExitCodes.Refused, "conversation_not_found",
                scope is null || conversation._scopes.Count == 0
                    ? $"Run '{head.Row.Run}' has no conversation with a model."
                    : $"Run '{head.Row.Run}' has no conversation in the scope '{scope}'. It has: {string.Join(", ", conversation._scopes.Select(s => s.Length == 0 ? "(the visit itself)" : s))}");
        }
    }

    private async Task AddAsync(Entry entry, CancellationToken cancellationToken)
    {
        switch (entry.Kind)
        {
            case EntryKinds.StepCompleted when Tolerant.Read<StepCompleted>(entry) is { } step:
                if (step.Model is { Messages: not null } model && IsWanted(entry))
                {
                    await AddTurnAsync(entry, model, cancellationToken);
                }
                else if (step.Tool is { } tool && IsWanted(entry))
                {
                    AddAnswer(entry, tool, await FindAsync(step.Result, cancellationToken), AgentWords.Arguments(step.Arguments));
                }

                break;
            case EntryKinds.StepFailed when Tolerant.Read<StepFailed>(entry) is { Tool: { } tool } failed && IsWanted(entry):
                AddAnswer(entry, tool, JsonSerializer.SerializeToUtf8Bytes(new { error = failed.Code, reason = failed.Reason }), AgentWords.Arguments(failed.Arguments));
                break;
            case EntryKinds.ToolRejected when Tolerant.Read<ToolRejected>(entry) is { } rejected && IsWanted(entry):
                AddRejection(entry, rejected);
                break;
        }
    }

    private bool IsWanted(Entry entry)
    {
        _scopes.Add(entry.Scope);
        return _scope is null || entry.Scope == _scope || (_scope.Length > 0 && entry.Scope.StartsWith(_scope + "/", StringComparison.Ordinal));
    }

    private async Task AddTurnAsync(Entry entry, ModelCall model, CancellationToken cancellationToken)
    {
        Heading(entry.Scope, model.Turn == 0 ? Words.Step("", entry.Step) : string.Create(CultureInfo.InvariantCulture, $"turn {model.Turn}"), model.Model);
        foreach (var hash in model.Messages)
        {
            Add(entry, model.Turn, await _reader.FindPayloadAsync(hash, cancellationToken), hash.Value, null);
        }

        var reply = await FindAsync(model.Reply, cancellationToken);
        Add(entry, model.Turn, reply, model.Reply.Reference?.Value ?? "", model);
    }

    private async Task<ReadOnlyMemory<byte>?> FindAsync(RawJson value, CancellationToken cancellationToken) =>
        value.Reference is { } hash ? await _reader.FindPayloadAsync(hash, cancellationToken) : value.Utf8;

    /// <summary>The messages that a stored JSON text holds.</summary>
    private void Add(Entry entry, int turn, ReadOnlyMemory<byte>? stored, string address, ModelCall? reply)
    {
        _isSomethingShown = true;
        if (stored is not { } bytes)
        {
            Missing(entry, turn, address);
            return;
        }

        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(bytes, StoredJson.Options);
        }
        catch (JsonException)
        {
            Missing(entry, turn, address);
            return;
        }

        using (json)
        {
            foreach (var message in ReplyWords.Messages(json.RootElement))
            {
                if (_wantsJson)
                {
                    Line(entry, turn, writer =>
                    {
                        writer.OptionalText("model", reply?.Model);
                        writer.OptionalText("finishReason", reply?.FinishReason);
                        writer.WritePropertyName("message");
                        message.WriteTo(writer);
                    });
                }
                else
                {
                    Write(message);
                }
            }
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

    private void AddAnswer(Entry entry, ToolCalled tool, ReadOnlyMemory<byte>? answer, string arguments)
    {
        _isSomethingShown = true;
        var name = entry.Step.Split('/')[0];
        if (answer is not { } bytes)
        {
            Missing(entry, tool.Turn, "of the answer");
        }
        else if (_wantsJson)
        {
            Line(entry, tool.Turn, writer =>
            {
                writer.WriteString("tool", name);
                writer.WriteString("callId", tool.CallId);
                writer.Stored("answer", bytes);
            });
        }
        else
        {
            Heading(entry.Scope, string.Create(CultureInfo.InvariantCulture, $"turn {tool.Turn}"), null);
            Said($"tool {name}{arguments}", Plain(bytes), Tone.Plain);
        }
    }

    private void AddRejection(Entry entry, ToolRejected rejected)
    {
        _isSomethingShown = true;
        if (_wantsJson)
        {
            Line(entry, rejected.Turn, writer =>
            {
                writer.WriteString("tool", rejected.Tool);
                writer.WriteString("callId", rejected.CallId);
                writer.WriteString("rejected", rejected.Code);
                writer.WriteString("answer", rejected.Answer);
            });
            return;
        }

        Heading(entry.Scope, string.Create(CultureInfo.InvariantCulture, $"turn {rejected.Turn}"), null);
        Said($"rejected {rejected.Tool}{AgentWords.Arguments(rejected.Arguments)}: {rejected.Code}", rejected.Answer, Tone.Attention);
    }

    /// <summary>A tool's answer as the model was given it: text as text, anything else as JSON.</summary>
    private static string Plain(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var json = JsonDocument.Parse(answer, StoredJson.Options);
            return json.RootElement.ValueKind == JsonValueKind.String ? StoredText.Of(json.RootElement) : StoredJson.Compact(answer);
        }
        catch (JsonException)
        {
            return StoredJson.Compact(answer);
        }
    }

    private void Missing(Entry entry, int turn, string address)
    {
        _isSomethingShown = true;
        if (_wantsJson)
        {
            Line(entry, turn, writer =>
            {
                writer.WriteString("$payload", address);
                writer.WriteBoolean("missing", true);
            });
        }
        else
        {
            _context.Page.Line(new string(' ', Indent), new Piece($"(payload {address} is missing or altered)", Tone.Bad));
        }
    }

    private void Line(Entry entry, int turn, Action<Utf8JsonWriter> rest) => JsonOutput.Line(_context.Output, json =>
    {
        json.WriteStartObject();
        json.WriteString("scope", entry.Scope);
        json.WriteString("step", entry.Step);
        if (turn > 0)
        {
            json.WriteNumber("turn", turn);
        }

        json.WriteNumber("seq", entry.Seq);
        rest(json);
        json.WriteEndObject();
    });

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
