using System.Text.Json;

namespace SecurityAlerts.Tests;

public sealed class The_real_alerts(ITestOutputHelper output)
{
    [Fact]
    public async Task Are_read_without_a_fault()
    {
        var data = await World.RealAlertsAsync();

        Assert.Empty(data.Faults);
        Assert.Equal(136, data.Alerts.Count);
        Assert.Equal(2612, data.Events!.Count);
        Assert.Equal(58572, data.Feed!.Count);
        Assert.Equal(3989, data.AllowList!.Count);
        Assert.Equal(2, data.Assets!.Count);
    }

    [Fact]
    public async Task All_get_a_decision_that_the_policy_allows_and_less_than_a_third_is_handed_to_a_person()
    {
        var all = await Triage.AllAsync(await World.RealAlertsAsync());
        Print(all);

        Assert.Equal(136, all.Count);
        Assert.All(all, alert => Assert.Null(alert.Objection));
        Assert.All(all, alert => Assert.InRange(alert.Verdict.Confidence, 0.7, 1));
        Assert.All(all, alert => Assert.InRange(alert.Verdict.Reasons.Count, 1, 5));
        Assert.InRange(all.Count(alert => alert.Verdict.Decision == Decision.Escalate), 1, 136 / 3 - 1);
        Assert.Equal(Enum.GetValues<Decision>(), all.Select(alert => alert.Verdict.Decision).Distinct().Order());
    }

    // Each of these was looked at by hand in the log.
    [Theory]
    [InlineData("cloud-2017a-003", "close")] // ubuntu's own sudo, logged in with the staff's key from the staff's address
    [InlineData("cloud-2017a-004", "close")] // the same person tried "test" two seconds before
    [InlineData("cloud-2017a-014", "close")] // Shodan: on eight block lists, and on the allow-list
    [InlineData("cloud-2017a-020", "close")] // 24.151.103.17 the day before it logs in: nothing to see yet
    [InlineData("cloud-2017a-021", "close")] // ubuntu runs create_n_users.sh
    [InlineData("cloud-2017a-022", "close")] // the new accounts are tried out from the host itself
    [InlineData("cloud-2017a-031", "escalate")] // the first of ten accounts that 24.151.103.17 logs in to
    [InlineData("cloud-2017a-036", "escalate")]
    [InlineData("cloud-2017a-045", "escalate")]
    [InlineData("cloud-2017a-049", "block_ip")] // 115 failures of that address in minutes
    [InlineData("cloud-2017a-050", "disable_account")] // 147 failures on elastic_user_0, then in
    [InlineData("class-2023a-017", "close")] // one failure
    [InlineData("class-2023a-018", "block_ip")] // and it came back
    public async Task Are_decided_as_a_person_did_who_looked_at_the_log(string id, string decision)
    {
        var data = await World.RealAlertsAsync();
        var caseFile = await Triage.CaseFileAsync(new(data, new ManualClock()), data.Alerts.Single(alert => alert.Id == id));

        var verdict = await Triage.DecideAsync(caseFile);

        Assert.Equal(decision, verdict.Decision.InText());
        Assert.Equal(decision == "disable_account" ? "elastic_user_0" : null, verdict.Account);
    }

    [Fact]
    public async Task Break_no_rule_of_the_policy_when_that_is_checked_on_the_files_alone()
    {
        var data = await World.RealAlertsAsync();
        foreach (var (caseFile, verdict, _) in await Triage.AllAsync(data))
        {
            var alert = caseFile.Alert;
            var asset = data.Assets!.Single(asset => asset.Site == alert.Site);
            var address = alert.SourceIp is null ? null : System.Net.IPAddress.Parse(alert.SourceIp);
            var ours = address is not null && (asset.KnownSources.Contains(alert.SourceIp!) || asset.InternalNetworks.Any(network => network.Contains(address)));
            var loggedIn = address is not null && data.Events!.Any(e => e.Site == alert.Site && e.Type == "auth_ok" && e.SourceIp == alert.SourceIp && e.Time <= alert.AsOf);

            switch (verdict.Decision)
            {
                case Decision.BlockIp:
                    Assert.False(ours || address is null || data.AllowList!.Any(range => range.Range.Contains(address)), alert.Id);
                    break;
                case Decision.DisableAccount:
                    Assert.Contains(verdict.Account, asset.Accounts);
                    break;
                case Decision.Close:
                    Assert.False(loggedIn && !ours, alert.Id);
                    break;
            }
        }
    }

    [Fact]
    public async Task Are_summed_up_in_a_few_kilobytes_each()
    {
        var all = await Triage.AllAsync(await World.RealAlertsAsync());

        var sizes = all.Select(alert => JsonSerializer.Serialize(alert.CaseFile, CaseFile.Json).Length).Order().ToList();
        output.WriteLine($"evidence: median {sizes[sizes.Count / 2]}, largest {sizes[^1]} characters");
        Assert.InRange(sizes[^1], 1, 9000);
    }

    private void Print(List<(CaseFile CaseFile, Verdict Verdict, string? Objection)> all)
    {
        foreach (var (caseFile, verdict, _) in all)
        {
            var alert = caseFile.Alert;
            output.WriteLine($"{alert.Id,-16} {alert.Rule,-28} {alert.SourceIp,-16} {verdict.Decision.InText(),-16}{verdict.Confidence:0.00}  {TerminalText.Escape(string.Join(" ", verdict.Reasons))}");
        }
        foreach (var group in all.GroupBy(alert => (alert.CaseFile.Alert.Rule, alert.Verdict.Decision)).OrderBy(group => group.Key))
        {
            output.WriteLine($"{group.Key.Rule,-28} {group.Key.Decision.InText(),-16} {group.Count(),4}");
        }
        foreach (var group in all.GroupBy(alert => alert.Verdict.Decision).OrderBy(group => group.Key))
        {
            output.WriteLine($"{group.Key.InText(),-16} {group.Count(),4}  {100.0 * group.Count() / all.Count:0.0} %");
        }
    }
}
