using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace SecurityAlerts;

/// <summary>How an offline analyst works.</summary>
/// <param name="Model">What it calls itself.</param>
/// <param name="LooksFurther">Whether it asks more than the three basic tools, and judges what a first look cannot.</param>
internal sealed record OfflineOptions(string Model, bool LooksFurther)
{
    /// <summary>How long each reply takes.</summary>
    public TimeSpan Think { get; init; }

    /// <summary>With how many replies it investigates at least, where there is an address: it looks at one address of the neighbourhood after the other.</summary>
    public int Calls { get; init; }

    /// <summary>How it is to misbehave, if at all; several take turns from alert to alert.</summary>
    public IReadOnlyList<Misbehaviour> Misbehaves { get; init; } = [];
}

/// <summary>
/// Calls the tools whose answers it lacks, and then decides by the rules of <see cref="AnalystRules"/>.
/// </summary>
internal sealed class OfflineAnalyst(OfflineOptions options, TimeProvider clock) : OfflineChatClient(options.Model, options.Think, clock)
{
    private const int AccountsMax = 3;

    protected override OfflineReply Next(List<ChatMessage> messages)
    {
        var move = Move(messages);
        var calls = move.Calls.Select((call, index) => (AIContent)call.ToContent($"{Model}-{messages.Count}-{index}"));
        return new([.. calls, .. move.Text is { } text ? [new TextContent(text)] : Array.Empty<AIContent>()], move.Finish);
    }

    /// <summary>What it says next: calls of tools, or its verdict.</summary>
    private AnalystMove Move(List<ChatMessage> messages)
    {
        try
        {
            var conversation = new Conversation(messages);
            var move = Lacking(conversation) is { Count: > 0 } calls ? AnalystMove.Call(calls) : AnalystMove.Answer(AnalystRules.Judge(conversation.CaseFile, Surroundings(conversation)));
            return options.Misbehaves is { Count: > 0 } kinds ? Misbehaving.Instead(kinds[Turn(conversation.Alert.Id) % kinds.Count], move, conversation) : move;
        }
        catch (JsonException broken)
        {
            return AnalystMove.Answer(new(Decision.Escalate, 0, [$"The conversation cannot be judged by: {TerminalText.Escape(broken.Message, 200)}"]));
        }
    }

    /// <summary>The tools whose answers it lacks. What depends on an answer is asked for in a later reply.</summary>
    private List<ToolRequest> Lacking(Conversation conversation)
    {
        var calls = Basics(conversation).Concat(options.LooksFurther ? Further(conversation) : []).Where(call => !conversation.WasAsked(call.Tool, call.Argument)).ToList();
        return calls.Count > 0 ? calls : [.. OneMore(conversation)];
    }

    private static IEnumerable<ToolRequest> Basics(Conversation conversation)
    {
        if (conversation.Alert.SourceIp is { } address)
        {
            if (!conversation.IsMissing(AlertSources.Logins))
            {
                yield return new(AnalystTools.LoginHistory, "address", address);
            }

            if (!conversation.IsMissing(AlertSources.Threats))
            {
                yield return new(AnalystTools.ThreatReport, "address", address);
            }
        }

        if (!conversation.IsMissing(AlertSources.Assets))
        {
            yield return new(AnalystTools.AssetReport);
        }
    }

    private static IEnumerable<ToolRequest> Further(Conversation conversation)
    {
        if (conversation.IsMissing(AlertSources.Logins))
        {
            yield break;
        }

        if (AnalystRules.IsAboutRoot(conversation.Alert))
        {
            yield return new(AnalystTools.RootSession);
        }

        foreach (var user in conversation.Alert.Users.Take(AccountsMax))
        {
            yield return new(AnalystTools.AccountHistory, "user", user);
        }

        if (conversation.Alert.SourceIp is { } address)
        {
            yield return new(AnalystTools.Neighbours, "address", address);
        }
    }

    /// <summary>On a long investigation: the next address of the neighbourhood, one a reply; the last reply is the verdict.</summary>
    private IEnumerable<ToolRequest> OneMore(Conversation conversation)
    {
        if (conversation.Replies + 1 < options.Calls && AddressText.TryParse(conversation.Alert.SourceIp, out var address))
        {
            var own = address.GetAddressBytes();
            var next = Enumerable.Range(1, 255).Select(further => AddressText.Of(new([.. own[..^1], (byte)(own[^1] + further)])))
                .FirstOrDefault(other => !conversation.WasAsked(AnalystTools.LoginHistory, other));
            if (next is not null)
            {
                yield return new(AnalystTools.LoginHistory, "address", next);
            }
        }
    }

    private Surroundings Surroundings(Conversation conversation) => new(
        options.LooksFurther,
        conversation.Alert.SourceIp is { } address ? conversation.Answer<Neighbourhood>(AnalystTools.Neighbours, address) : null);

    private static int Turn(string alert) => alert.Aggregate(0, (sum, c) => (sum * 31 + c) & 0xFFFF);
}

/// <summary>A tool that the analyst calls, with its one argument if it has one.</summary>
internal sealed record ToolRequest(string Tool, string? Parameter = null, string Argument = "")
{
    public FunctionCallContent ToContent(string id) =>
        new(id, Tool, Parameter is null ? new Dictionary<string, object?>() : new Dictionary<string, object?> { [Parameter] = Argument });
}

/// <summary>What an analyst says in one reply: calls of tools, or text.</summary>
internal sealed record AnalystMove(IReadOnlyList<ToolRequest> Calls, string? Text, ChatFinishReason Finish)
{
    public static AnalystMove Call(IReadOnlyList<ToolRequest> calls) => new(calls, null, ChatFinishReason.ToolCalls);

    public static AnalystMove Answer(Verdict verdict) => new([], JsonSerializer.Serialize(verdict, SignalboxJson.Options), ChatFinishReason.Stop) { Verdict = verdict };

    /// <summary>The verdict that the text is, if it is one.</summary>
    public Verdict? Verdict { get; private init; }
}
