using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class A_risk_class
{
    private static readonly Risk<Fence> s_risk = new("risk", (fence, _) => Enum.Parse<RiskClass>(fence.Note));

    private static PolicyVerdict? Verdict(Risk<Fence> policy, RiskClass risk, string? tier, Reversibility reversibility = Reversibility.Reversible) =>
        policy.Judge(Fences.Proposed(new Fence("192.0.2.7", risk.ToString()), [], tier, reversibility: reversibility));

    [Theory]
    [InlineData(RiskClass.Low, "fast", PolicyVerdictKind.Allow)]
    [InlineData(RiskClass.Medium, "fast", PolicyVerdictKind.Raise)]
    [InlineData(RiskClass.High, "fast", PolicyVerdictKind.Ask)]
    [InlineData(RiskClass.Low, "strong", PolicyVerdictKind.Allow)]
    [InlineData(RiskClass.Medium, "strong", PolicyVerdictKind.Allow)]
    [InlineData(RiskClass.High, "strong", PolicyVerdictKind.Ask)]
    [InlineData(RiskClass.Low, null, PolicyVerdictKind.Allow)]
    [InlineData(RiskClass.Medium, null, PolicyVerdictKind.Raise)]
    [InlineData(RiskClass.High, null, PolicyVerdictKind.Ask)]
    [InlineData(RiskClass.Medium, "no-such-tier", PolicyVerdictKind.Raise)]
    public void Needs_a_tier_that_may_do_it_or_a_person(RiskClass risk, string? tier, PolicyVerdictKind expected) => Assert.Equal(expected, Verdict(s_risk, risk, tier)!.Kind);

    [Fact]
    public void Is_told_with_who_may_do_what()
    {
        Assert.Equal("its risk is medium, and tier 'fast' may do by itself what is low", Verdict(s_risk, RiskClass.Medium, "fast")!.Reason);
        Assert.Equal("its risk is high, and tier 'strong' may do by itself what is medium or less", Verdict(s_risk, RiskClass.High, "strong")!.Reason);
        Assert.Equal("its risk is low, and who acts by no tier's decision may do by itself nothing", Verdict(new("risk") { Otherwise = null }, RiskClass.Low, null)!.Reason);
    }

    [Fact]
    public void May_be_given_to_other_tiers_and_asked_by_another_rule()
    {
        var rule = new ApprovalRule { Roles = ["lead"], Quorum = 2 };
        var risk = new Risk<Fence>("risk", (fence, _) => Enum.Parse<RiskClass>(fence.Note)) { Tiers = new Dictionary<string, RiskClass> { ["opus"] = RiskClass.High }, Otherwise = null, Rule = rule };
        Assert.Equal(PolicyVerdictKind.Allow, Verdict(risk, RiskClass.High, "opus")!.Kind);
        Assert.Equal((PolicyVerdictKind.Raise, rule), (Verdict(risk, RiskClass.Low, "fast")!.Kind, Verdict(risk, RiskClass.Low, "fast")!.Rule));
    }

    [Theory]
    [InlineData(Reversibility.Reversible, PolicyVerdictKind.Allow)]
    [InlineData(Reversibility.Compensable, PolicyVerdictKind.Raise)]
    [InlineData(Reversibility.Irreversible, PolicyVerdictKind.Ask)]
    public void Is_by_default_how_far_it_can_be_taken_back(Reversibility reversibility, PolicyVerdictKind expected) => Assert.Equal(expected, Verdict(new("risk"), RiskClass.Low, "fast", reversibility)!.Kind);
}
