using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>What a move has to work with: the request, and chance.</summary>
internal sealed partial class MaliciousTurn
{
    private const int WordsMax = 200;
    private const int TextRead = 20_000;

    private readonly SchemaSample _sample;

    public MaliciousTurn(ScriptedRequest request, SeededEntropy entropy, MaliciousChatClient client)
    {
        Request = request;
        Entropy = entropy;
        Client = client;
        Tools = [.. (request.Options?.Tools ?? []).OfType<AIFunctionDeclaration>()];
        _sample = new(entropy, [.. request.Messages.Where(m => m.Role == ChatRole.User).SelectMany(m => Words(m.Text)).Distinct().Take(WordsMax)]);
    }

    public ScriptedRequest Request { get; }

    public SeededEntropy Entropy { get; }

    public MaliciousChatClient Client { get; }

    /// <summary>The tools that are offered.</summary>
    public IReadOnlyList<AIFunctionDeclaration> Tools { get; }

    public JsonElement? AnswerSchema => (Request.Options?.ResponseFormat as ChatResponseFormatJson)?.Schema;

    public T Pick<T>(IReadOnlyList<T> of) => of[Entropy.Below(of.Count)];

    public AIFunctionDeclaration? Tool() => Tools.Count == 0 ? null : Pick(Tools);

    /// <summary>An id that no other call of a conversation is likely to have.</summary>
    public string CallId() => $"call-{Request.Turn}-{Entropy.Below(int.MaxValue):x}";

    /// <summary>Arguments that fit; <paramref name="saying"/>: their texts, where they may be any, are among these.</summary>
    public JsonObject Arguments(AIFunctionDeclaration tool, params IReadOnlyList<string> saying) => Sample(saying).Of(tool.JsonSchema) as JsonObject ?? [];

    /// <summary>A valid call of an offered tool, or of one that never was if none is offered.</summary>
    public ScriptedReply Call() => Tool() is { } tool ? Call(tool.Name, Arguments(tool)) : Call("run_shell", new JsonObject { ["command"] = "id" });

    public ScriptedReply Call(string name, JsonObject? arguments, string? id = null) => ScriptedReply.ToolCall(name, arguments is null ? null : ContentJson.Arguments(arguments), id ?? CallId());

    /// <summary>An answer that fits what was asked for; <paramref name="saying"/>: its texts, where they may be any, are among these.</summary>
    public JsonNode? AnswerJson(params IReadOnlyList<string> saying) => AnswerSchema is { } schema
        ? Sample(saying).Of(schema)
        : new JsonObject { ["decision"] = saying.Count > 0 ? Pick(saying) : "allow", ["confidence"] = 0.9, ["reason"] = saying.Count > 0 ? Pick(saying) : "It looks fine." };

    public ScriptedReply Answer() => Json(AnswerJson());

    /// <summary>An answer that fits and says this, or the bare text, if no particular answer was asked for.</summary>
    public ScriptedReply AnswerSaying(string text) => AnswerSchema is null ? ScriptedReply.Text(text) : Json(AnswerJson(text));

    public static ScriptedReply Json(JsonNode? json) => ScriptedReply.Text(json?.ToJsonString(ContentJson.Options) ?? "null");

    /// <summary>Puts another value where an object has members of such a name, at any depth; says how many.</summary>
    public static int ReplaceMembers(JsonObject json, string name, Func<JsonNode?> by)
    {
        var count = 0;
        foreach (var (member, value) in json.ToArray())
        {
            if (member.Contains(name, StringComparison.OrdinalIgnoreCase))
            {
                json[member] = by();
                count++;
            }
            else if (value is JsonObject inner)
            {
                count += ReplaceMembers(inner, name, by);
            }
        }

        return count;
    }

    private SchemaSample Sample(IReadOnlyList<string> words) => words.Count > 0 ? new(Entropy, words) : _sample;

    private static IEnumerable<string> Words(string text) => Word().Matches(text.Length > TextRead ? text[..TextRead] : text).Select(m => m.Value);

    [GeneratedRegex("""[\w][\w.:/@-]{0,62}[\w]|\w""", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();
}
