using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Signalbox.Bench;

internal enum Verdict { Sought, Given, ByPerson }

/// <summary>An agent that asks a tool in each of its turns but the last, in which it decides.</summary>
internal sealed class AgentFlow : Workflow<Verdict, StepsCase>
{
    private static readonly Agent<Assessment> s_analyst = new("analyst")
    {
        Instructions = Words.Text(seed: -1, 2_000),
        Confidence = static assessment => assessment.Confidence,
        Kind = static assessment => assessment.Decision,
        Reasons = static assessment => assessment.Reasons,
        TurnsMax = 1_000,
    };

    public AgentFlow()
        : base("agent", 1)
    {
    }

    protected override void Define(StateMachine<Verdict, StepsCase> states)
    {
        states.Start(Verdict.Sought, WorkAsync).To(Verdict.Given, Verdict.ByPerson).Agent("analyst", "lookup", "whois", "history");
        states.EscalatesTo(Verdict.ByPerson);
        states.End(Verdict.ByPerson, success: false);
        states.End(Verdict.Given);
    }

    private static async Task<Next> WorkAsync(Visit<Verdict, StepsCase> visit)
    {
        var decision = await visit.Decide(s_analyst, $"Case {visit.Case.Seed}: is 192.0.2.{visit.Case.Seed % 250} an intruder?");
        return visit.GoTo(decision.Stands ? Verdict.Given : Verdict.ByPerson, decision.Why);
    }
}

internal sealed record Assessment(string Decision, double Confidence, IReadOnlyList<string> Reasons);

/// <summary>
/// A model with the replies of one conversation ready: so many turns of about 1 KB, each but the last with one tool call. Which turn it is follows from the number of messages, so that the fake costs
/// nothing. What the process has used up by each call is noted where somebody asked for that.
/// </summary>
internal sealed class TalkingModel : IChatClient
{
    private const int OpeningMessages = 2;

    private readonly ChatResponse[] _replies;

    public TalkingModel(int turns)
    {
        _replies = [.. Enumerable.Range(1, turns).Select(turn => Reply(turn, isLast: turn == turns))];
    }

    /// <summary>A line for each call, in the order of the calls; nothing is noted while it is null.</summary>
    public List<(int Turn, TimeSpan Cpu, long Allocated)>? Calls { get; set; }

    /// <summary>The last conversation, with its last reply.</summary>
    public IReadOnlyList<ChatMessage> Conversation { get; private set; } = [];

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var turn = ((messages.TryGetNonEnumeratedCount(out var count) ? count : messages.Count()) - OpeningMessages) / 2;
        Calls?.Add((turn + 1, Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes()));
        if (turn == _replies.Length - 1 && Calls is not null)
        {
            Conversation = [.. messages, .. _replies[turn].Messages];
        }

        return Task.FromResult(_replies[turn]);
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private static ChatResponse Reply(int turn, bool isLast)
    {
        AIContent[] contents = isLast
            ? [new TextContent(JsonSerializer.Serialize(new Assessment("ignore", 0.93, [Words.Text(turn, 450), Words.Text(-turn, 450)]), JsonSerializerOptions.Web))]
            : [new TextContent(Words.Text(turn, 750)), new FunctionCallContent($"toolu_{turn:D22}", "lookup", Arguments(turn))];
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents) { MessageId = $"msg_{turn:D22}" })
        {
            FinishReason = isLast ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls,
            ModelId = "talker-1",
            Usage = new() { InputTokenCount = 700 + (900 * turn), OutputTokenCount = 250, CachedInputTokenCount = 600 * turn },
        };
    }

    /// <summary>As a provider's client gives them: JSON elements.</summary>
    private static Dictionary<string, object?> Arguments(int turn) => new()
    {
        ["address"] = JsonElement.Parse($"\"192.0.2.{turn}\""),
        ["source"] = JsonElement.Parse("\"logins\""),
        ["days"] = JsonElement.Parse($"{turn % 30}"),
    };
}

/// <summary>The tools of the agent. What one of them answers is about 2 KB.</summary>
internal static class Tools
{
    private static readonly string[] s_answers = [.. Enumerable.Range(0, 256).Select(i => Words.Text(1_000 + i, 2_000))];

    public static string Answer(string address, string source, int days) => s_answers[(address.Length + source.Length + (days * 7)) % s_answers.Length];

    public static IEnumerable<Tool> All =>
    [
        Tool.Read("lookup", "Looks an address up in one of the sources.", Answer),
        Tool.Read("whois", "Whose an address is.", (string address) => Answer(address, "whois", 0)),
        Tool.Read("history", "What an address did before, day by day.", (string address, int days, string[] kinds) => Answer(address, kinds[0], days)),
    ];
}

/// <summary>Text with the redundancy of words, always the same for the same seed.</summary>
internal static class Words
{
    private static readonly string[] s_words = [.. Enumerable.Range(0, 900).Select(i => Word(new Random(i)))];

    public static string Text(int seed, int characters)
    {
        var random = new Random(seed);
        var text = new System.Text.StringBuilder(characters + 12);
        while (text.Length < characters)
        {
            text.Append(s_words[random.Next(s_words.Length)]).Append(random.Next(12) == 0 ? ". " : " ");
        }

        return text.ToString(0, characters);
    }

    private static string Word(Random random) => string.Concat(Enumerable.Range(0, random.Next(2, 10)).Select(_ => (char)('a' + random.Next(26))));
}
