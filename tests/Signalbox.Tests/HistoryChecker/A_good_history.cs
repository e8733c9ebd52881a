using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_good_history
{
    [Fact]
    public void Has_no_violations()
    {
        Assert.Empty(GoodHistory.Write().Check());
    }

    [Fact]
    public void Has_none_beside_the_acknowledgements_and_the_target()
    {
        Assert.Empty(GoodHistory.Write().Check(new HistoryOptions
        {
            Acknowledgements =
            [
                """{"request":"start","run":"r-a","workflow":"alert","key":"k-1","reply":"ok","code":"ok"}""",
                """{"request":"start","run":"r-a","workflow":"alert","key":"k-1","reply":"ok","code":"key_taken"}""",
                """{"request":"answer","run":"r-a","name":"may/-/1","choice":"yes","reply":"ok"}""",
                """{"request":"answer","run":"r-a","choice":"no","reply":"refused","code":"approval_not_open"}""",
                """{"request":"answer","run":"r-a","choice":"yes","reply":"refused","code":"approval_not_open"}""",
                """{"request":"signal","run":"r-a","name":"go","reply":"unknown"}""",
                """{"request":"signal","run":"r-a","name":"stop","reply":"unknown"}""",
                """{"request":"start","run":"r-b","workflow":"alert","key":"k-2","reply":"unknown"}""",
                """{"request":"start","run":"r-b","workflow":"alert","key":"k-2","reply":"refused","code":"key_taken"}""",
                """{"request":"retry","run":"r-b","reply":"ok"}""",
                """{"request":"retry","run":"r-b","reply":"refused","code":"not_failed"}""",
                """{"request":"release","run":"r-b","reply":"ok"}""",
                """{"request":"cancel","run":"r-b","reply":"ok"}""",
            ],
            TargetLog =
            [
                """{"actionId":"a-1","op":"block","resource":"192.0.2.7","applied":true,"after":10,"arguments":{"minutes":60,"address":"192.0.2.7"}}""",
                """{"actionId":"a-1","op":"block","resource":"192.0.2.7","applied":false}""",
            ],
            TargetState = ["# blocked", "", "192.0.2.7 # by a-1"],
            Action = "block",
            Resource = "address",
        }));
    }

    [Fact]
    public void Has_none_when_its_payloads_come_last()
    {
        var lines = GoodHistory.Write().Seal();
        Assert.Empty(lines.Where(l => !l.StartsWith("{\"payload\"", StringComparison.Ordinal)).Concat(lines.Where(l => l.StartsWith("{\"payload\"", StringComparison.Ordinal))).Check());
    }

    [Fact]
    public void Has_none_when_an_agents_configuration_comes_late()
    {
        var lines = GoodHistory.Write().Seal();
        var pinned = lines.FindIndex(l => l.Contains("sameCallMax", StringComparison.Ordinal));
        Assert.Empty(lines.Where((_, i) => i != pinned).Append(lines[pinned]).Check());
    }

    [Fact]
    public void Has_none_beside_the_budget()
    {
        Assert.Empty(GoodHistory.Write().Check(new HistoryOptions { Budgets = ["""{"workflow":"alert","calls":7,"tokens":860,"micros":1400,"rejections":2}"""] }));
    }

    [Fact]
    public void Says_what_agents_have_used()
    {
        // Five replies, a failed attempt that cost nothing but its call, and what a process that died had reserved.
        Assert.Equal(
            new Usage(7, (5 * 90) + 100, (5 * 10) + 50, (5 * 140) + 350, (5 * 7) + (2 * 3), 2),
            Assert.Single(HistoryCheck.Report(GoodHistory.Write().Seal()).Used, u => u.Key == "r-j").Value);
    }

    [Fact]
    public void Is_counted()
    {
        Assert.Equal("74 entries, 3 runs, 0 violations", HistoryCheck.Report(GoodHistory.Write().Seal()).Summary);
    }
}
