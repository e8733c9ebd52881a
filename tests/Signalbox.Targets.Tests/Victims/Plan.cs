using Signalbox.Targets.Tests.Http;

namespace Signalbox.Targets.Tests.Victims;

public enum Stage
{
    Act,
    TakeBack,
    Done,
    Failed,
}

public enum MailStage
{
    Send,
    Done,
    Failed,
}

/// <summary>What a run is about: its resources are named by it.</summary>
public sealed record Matter(string Name, string? Why = null)
{
    public BlockHost Stays => new(Name + "-stays");

    public BlockHost Goes => new(Name + "-goes");

    public SetRule Rule => new(Name, "deny all");

    public SendMail Mail => new(Name, "it is blocked");
}

/// <summary>Two blocks at a keyed target and a rule at a conditional one; one of the blocks is taken back.</summary>
public sealed class PlanFlow() : Workflow<Stage, Matter>(Plan, version: 1)
{
    public const string Plan = "plan";

    protected override void Define(StateMachine<Stage, Matter> states)
    {
        states.Start(Stage.Act, ActAsync).To(Stage.TakeBack, Stage.Failed);
        states.State(Stage.TakeBack, TakeBackAsync).To(Stage.Done, Stage.Failed);
        states.End(Stage.Done);
        states.End(Stage.Failed);
    }

    private static async Task<Next> ActAsync(Visit<Stage, Matter> visit)
    {
        var matter = visit.Case;
        foreach (var outcome in new[] { await visit.Act(matter.Stays), await visit.Act(matter.Rule), await visit.Act(matter.Goes) })
        {
            if (!outcome.IsVerified)
            {
                return visit.GoTo(Stage.Failed, matter with { Why = outcome.ToString() });
            }
        }

        return visit.GoTo(Stage.TakeBack);
    }

    private static async Task<Next> TakeBackAsync(Visit<Stage, Matter> visit)
    {
        var outcome = await visit.Undo(visit.Case.Goes);
        return outcome.IsVerified ? visit.GoTo(Stage.Done) : visit.GoTo(Stage.Failed, visit.Case with { Why = outcome.ToString() });
    }
}

/// <summary>One mail to a target that cannot be asked.</summary>
public class MailFlow : Workflow<MailStage, Matter>
{
    public const string MailOnly = "mail";

    public MailFlow()
        : this(MailOnly)
    {
    }

    protected MailFlow(string name)
        : base(name, version: 1)
    {
    }

    protected override void Define(StateMachine<MailStage, Matter> states)
    {
        states.Start(MailStage.Send, SendAsync).To(MailStage.Done, MailStage.Failed);
        states.End(MailStage.Done);
        states.End(MailStage.Failed);
    }

    private static async Task<Next> SendAsync(Visit<MailStage, Matter> visit)
    {
        var outcome = await visit.Act(visit.Case.Mail);
        return outcome.Status is ActionStatus.Verified or ActionStatus.Unverified
            ? visit.GoTo(MailStage.Done, because: outcome.Proof)
            : visit.GoTo(MailStage.Failed, visit.Case with { Why = outcome.ToString() });
    }
}

/// <summary>The same where the mail server's word is enough: <see cref="TrustingMailHandler"/>.</summary>
public sealed class TrustedMailFlow() : MailFlow(TrustedMail)
{
    public const string TrustedMail = "trusted_mail";
}

/// <summary>The handler of the guide, whose policy trusts the answer.</summary>
public sealed class TrustingMailHandler(HttpClient http) : ActionHandler<SendMail>
{
    private readonly HttpMailHandler _inner = new(http);

    public override TargetClass TargetClass => _inner.TargetClass;

    public override ActionPolicy Policy => _inner.Policy with { Blind = BlindRule.TrustAnswer };

    public override ApprovalRule? Approval(SendMail action) => _inner.Approval(action);

    public override Task<Observation> ProbeAsync(SendMail action, ActionContext context, CancellationToken cancellationToken) => _inner.ProbeAsync(action, context, cancellationToken);

    public override Task<string?> ExecuteAsync(SendMail action, ActionContext context, CancellationToken cancellationToken) => _inner.ExecuteAsync(action, context, cancellationToken);
}
