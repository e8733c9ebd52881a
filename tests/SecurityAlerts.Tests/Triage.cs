using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace SecurityAlerts.Tests;

/// <summary>What the workflow will do with an alert, without the engine: ask the sources, then the two tiers of the offline analyst, each with its tools and under the policy.</summary>
internal static class Triage
{
    private const int TurnsMax = 10;

    public static async Task<CaseFile> CaseFileAsync(AlertSources sources, Alert alert)
    {
        var missing = new Dictionary<string, string>();
        return new(
            alert,
            await Ask(AlertSources.Logins, () => sources.LoginsAsync(LoginQuery.For(alert), default)),
            alert.SourceIp is null ? null : await Ask(AlertSources.Threats, () => sources.ThreatsAsync(alert.SourceIp, default)),
            await Ask(AlertSources.Assets, () => sources.AssetsAsync(alert.Site, alert.Host, alert.SourceIp, default)),
            missing);

        async Task<T?> Ask<T>(string name, Func<Task<T>> source) where T : class
        {
            try
            {
                return await source();
            }
            catch (SourceUnavailableException unavailable)
            {
                missing[name] = unavailable.Message;
                return null;
            }
        }
    }

    /// <summary>What the strong tier says, or the fast one.</summary>
    public static async Task<Verdict> AnalystAsync(CaseFile caseFile, bool looksFurther = true, string failure = "no answer")
    {
        using var analyst = new OfflineAnalyst(new("offline", looksFurther), new ManualClock());
        var messages = new List<ChatMessage> { new(ChatRole.User, AnalystPrompt.Question(caseFile)) };
        for (var turn = 1; turn <= TurnsMax; turn++)
        {
            var reply = await analyst.GetResponseAsync(messages);
            messages.AddRange(reply.Messages);
            var calls = reply.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
            if (calls.Count == 0)
            {
                return JsonSerializer.Deserialize<Verdict>(reply.Text, SignalboxJson.Options)!;
            }

            messages.Add(new(ChatRole.Tool, [.. calls.Select(call => new FunctionResultContent(call.CallId, Answer(caseFile, call, failure)))]));
        }

        throw new InvalidOperationException($"The analyst has said nothing in {TurnsMax} turns.");
    }

    /// <summary>What the ladder comes to.</summary>
    public static async Task<Verdict> DecideAsync(CaseFile caseFile)
    {
        var fast = await AnalystAsync(caseFile, looksFurther: false);
        return fast.Decision != Decision.Escalate && fast.Confidence >= new ResponseOptions().AcceptAt && Policy.Allows(caseFile, fast) ? fast : await AnalystAsync(caseFile);
    }

    public static async Task<List<(CaseFile CaseFile, Verdict Verdict, string? Objection)>> AllAsync(AlertData data)
    {
        var sources = new AlertSources(data, new ManualClock());
        var all = new List<(CaseFile, Verdict, string?)>();
        foreach (var alert in data.Alerts)
        {
            var caseFile = await CaseFileAsync(sources, alert);
            var verdict = await DecideAsync(caseFile);
            all.Add((caseFile, verdict, Policy.Objection(caseFile, verdict)));
        }

        return all;
    }

    private static JsonElement Answer(CaseFile caseFile, FunctionCallContent call, string failure)
    {
        var argument = call.Arguments?.Values.SingleOrDefault()?.ToString() ?? "";
        object? answer = call.Name switch
        {
            AnalystTools.LoginHistory when argument == caseFile.Alert.SourceIp => caseFile.Logins is null ? null : caseFile.Logins with { Accounts = null, Session = null },
            AnalystTools.ThreatReport when argument == caseFile.Alert.SourceIp => caseFile.Threats,
            AnalystTools.AssetReport => caseFile.Assets,
            AnalystTools.RootSession => new SessionReport(caseFile.Logins?.Session is not null, caseFile.Logins?.Session),
            AnalystTools.AccountHistory => caseFile.Logins?.Accounts?.FirstOrDefault(account => account.User == argument),
            AnalystTools.Neighbours => new Neighbourhood("192.0.2.0/24", 0, 0, []),
            _ => null,
        };
        return JsonSerializer.SerializeToElement(answer ?? new { error = "failed", reason = failure }, SignalboxJson.Options);
    }
}
