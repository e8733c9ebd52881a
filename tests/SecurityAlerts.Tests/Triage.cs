using System.Text.Json;

namespace SecurityAlerts.Tests;

/// <summary>What the workflow will do with an alert, without the engine: ask the sources, the analyst, then the policy.</summary>
internal static class Triage
{
    public static async Task<Dossier> DossierAsync(AlertSources sources, Alert alert)
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

    public static async Task<Verdict> AnalystAsync(Dossier dossier)
    {
        using var analyst = new OfflineAnalyst(new ManualClock());
        var answer = await analyst.GetResponseAsync(AnalystPrompt.Messages(dossier));
        return JsonSerializer.Deserialize<Verdict>(answer.Text, Dossier.Json)!;
    }

    public static async Task<List<(Dossier Dossier, Verdict Proposed, PolicyRuling Ruling)>> AllAsync(AlertData data)
    {
        var sources = new AlertSources(data, new ManualClock());
        var all = new List<(Dossier, Verdict, PolicyRuling)>();
        foreach (var alert in data.Alerts)
        {
            var dossier = await DossierAsync(sources, alert);
            var proposed = await AnalystAsync(dossier);
            all.Add((dossier, proposed, Policy.Apply(dossier, proposed)));
        }
        return all;
    }
}
