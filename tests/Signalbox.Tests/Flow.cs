using Signalbox.Testing;

namespace Signalbox.Tests;

/// <summary>The states of the tests' workflows; <see cref="Flow"/> declares those that a test gives no handler.</summary>
public enum Step { One, Two, Three, Done, Bad }

/// <summary>The case of the tests' workflows.</summary>
public sealed record Note(string Text = "", int Number = 0, IReadOnlyList<string>? Lines = null);

public sealed record Block(string Address);

public sealed class BlockHandler(FaultyTarget target) : FaultyHandler<Block>(target)
{
    protected override string Resource(Block action) => action.Address;
}

public delegate Task<Next> Handler(Visit<Step, Note> visit);

/// <summary>
/// What a test's workflow does in each state. One leads to Two, Two to Three, and each to Done (a success) and Bad (none); a state without a handler goes on to Done.
/// </summary>
public sealed record Flow(Handler One, Handler? Two = null, Handler? Three = null)
{
    public string Name { get; init; } = "flow";

    public int Version { get; init; } = 1;

    public Step? OnCancel { get; init; }

    /// <summary>The agent that state One asks, and its tools there; a decision that does not stand may go to Three.</summary>
    public string? Agent { get; init; }

    public string[] Tools { get; init; } = [];

    /// <summary>More transitions, to make another definition.</summary>
    public (Step From, Step To)[] Also { get; init; } = [];

    /// <summary>What each visit's service scope holds.</summary>
    public static Handler GoesTo(Step state) => visit => Task.FromResult(visit.GoTo(state));
}

/// <summary>The workflow of a <see cref="Tests.Flow"/>.</summary>
public sealed class FlowWorkflow(Flow flow) : Workflow<Step, Note>(flow.Name, flow.Version)
{
    protected override void Define(StateMachine<Step, Note> states)
    {
        var one = states.Start(Step.One, visit => flow.One(visit)).To([Step.Two, Step.Done, Step.Bad, .. Also(Step.One)]);
        if (flow.Agent is { } agent)
        {
            one.Agent(agent, flow.Tools);
            states.EscalatesTo(Step.Three);
        }

        states.State(Step.Two, visit => (flow.Two ?? Flow.GoesTo(Step.Done))(visit)).To([Step.Three, Step.Done, Step.Bad, .. Also(Step.Two)]);
        states.State(Step.Three, visit => (flow.Three ?? Flow.GoesTo(Step.Done))(visit)).To([Step.Done, Step.Bad, .. Also(Step.Three)]);
        states.End(Step.Done);
        states.End(Step.Bad, success: false);
        if (flow.OnCancel is { } state)
        {
            states.OnCancel(state);
        }
    }

    private IEnumerable<Step> Also(Step from) => flow.Also.Where(a => a.From == from).Select(a => a.To);
}

internal static class FlowRegistration
{
    /// <summary>Registers the flow's workflow; several flows of one program get a factory each.</summary>
    public static SignalboxBuilder Add(this SignalboxBuilder builder, Flow flow)
    {
        builder.Workflows.Add(_ => new FlowWorkflow(flow));
        return builder;
    }
}
