using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.HistoryChecker;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Tests.PlantedBugs;

/// <summary>What is wanted of one network or two; with <paramref name="Quorum"/>, so many persons must approve it.</summary>
public record Deed(string Network, string? Second = null, int Quorum = 0);

public sealed record Deny(string Network, string? Second = null, int Quorum = 0) : Deed(Network, Second, Quorum);

public sealed record Permit(string Network, string? Second = null, int Quorum = 0) : Deed(Network, Second, Quorum);

/// <summary>How the actions of a world are carried out, and what is wrong with that.</summary>
public sealed class DeedOptions
{
    public ConflictRule OnConflict { get; init; }

    public TargetClass? Class { get; init; }

    /// <summary>How many persons must approve each action at least.</summary>
    public int QuorumMin { get; init; }

    /// <summary>Acts when it is asked to look.</summary>
    public bool ActsBeforeItsIntent { get; init; }

    /// <summary>Another action id for each call.</summary>
    public bool IsNewForEachAttempt { get; init; }

    /// <summary>Takes a target that cannot tell for one that has done nothing.</summary>
    public bool TakesUnclearForNot { get; init; }

    /// <summary>The position of the log when each call was made.</summary>
    public Dictionary<(string ActionId, string Operation, int Attempt), long> Positions { get; } = [];

    public Func<long> Position { get; set; } = () => 0;

    /// <summary>The looks that the target was asked for, by the action: whether it was so, and when.</summary>
    public List<(string ActionId, bool? So, long At)> Looks { get; } = [];

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public Verification Verification { get; init; } = new() { Agreeing = 3, Over = TimeSpan.FromSeconds(2), Every = TimeSpan.FromSeconds(1) };
}

public abstract class DeedHandler<TDeed>(FaultyTarget target, DeedOptions options, string intent, string against, int priority) : FaultyHandler<TDeed>(target)
    where TDeed : Deed
{
    public override TargetClass TargetClass => options.Class ?? base.TargetClass;

    public override ActionPolicy Policy => base.Policy with { OnConflict = options.OnConflict, Priority = priority, Verification = options.Verification };

    public override ApprovalRule? Approval(TDeed action) => Math.Max(action.Quorum, options.QuorumMin) is var quorum and > 0 ? new ApprovalRule { Quorum = quorum, ValidFor = TimeSpan.FromMinutes(30), Within = TimeSpan.FromHours(2) } : null;

    public override IReadOnlyList<Claim> Claims(TDeed action) =>
        [.. new[] { action.Network, action.Second }.OfType<string>().Select(n => new Claim(Signalbox.Resource.Network(IPNetwork.Parse(n)), intent, [against]))];

    protected override string Resource(TDeed action) => $"{intent} {action.Network}";

    public override async Task<Observation> ProbeAsync(TDeed action, ActionContext context, CancellationToken cancellationToken)
    {
        var seen = await base.ProbeAsync(action, context, cancellationToken);
        options.Looks.Add((context.ActionId, seen.Kind == ObservationKind.Unclear ? null : seen.Kind == ObservationKind.So, Microseconds.From(options.Clock.GetUtcNow())));
        if (options.ActsBeforeItsIntent && seen.Kind == ObservationKind.NotSo)
        {
            await ExecuteAsync(action, context, cancellationToken);
        }

        return options.TakesUnclearForNot && seen.Kind == ObservationKind.Unclear ? Observation.NotSo("not that anybody knew of it") : seen;
    }

    public override Task<string?> ExecuteAsync(TDeed action, ActionContext context, CancellationToken cancellationToken)
    {
        var called = options.IsNewForEachAttempt ? context with { ActionId = $"{Target.Log.Count:x32}" } : context;
        options.Positions[(called.ActionId, "execute", called.Attempt)] = options.Position();
        return base.ExecuteAsync(action, called, cancellationToken);
    }

    public override Task<string?> UndoAsync(TDeed action, ActionContext context, CancellationToken cancellationToken)
    {
        options.Positions[(context.ActionId, "undo", context.Attempt)] = options.Position();
        return base.UndoAsync(action, context, cancellationToken);
    }
}

public sealed class DenyHandler(FaultyTarget target, DeedOptions options) : DeedHandler<Deny>(target, options, "deny", "permit", 0);

public sealed class PermitHandler(FaultyTarget target, DeedOptions options) : DeedHandler<Permit>(target, options, "permit", "deny", 1);

/// <summary>
/// One history by a seed: several runs that want the same and the opposite of overlapping networks, some with approval; persons who answer as they should and as they should not; a target with faults;
/// workers that die; time that passes. When all has come to rest, the checker says what is wrong with it.
/// </summary>
internal sealed class ActionWorld : IAsyncDisposable
{
    private static readonly string[] s_networks = ["192.0.2.7/32", "192.0.2.0/24", "192.0.2.8/32", "198.51.100.0/24"];
    private static readonly string[] s_persons = ["person:anna", "person:bob", "person:carl", "person:dora", "agent:judge"];

    private readonly Random _random;
    private readonly ManualClock _clock = new();
    private readonly PlantedStore _store;
    private readonly FaultyTarget _target;
    private readonly DeedOptions _options;
    private WorkflowHarness _harness = null!;

    private ActionWorld(ulong seed, Bug bug, DeedOptions? options, TargetClass targetClass)
    {
        _random = new Random((int)seed);
        _store = new PlantedStore(_clock, bug);
        _target = new FaultyTarget(targetClass);
        _options = options ?? new DeedOptions { OnConflict = (ConflictRule)_random.Next(3) };
        (_options.Position, _options.Clock) = (() => _store.Position, _clock);
    }

    /// <summary>Plays a history, and gives what the checker finds in it.</summary>
    public static async Task<IReadOnlyList<Violation>> PlayAsync(ulong seed, Bug bug = Bug.None, Func<DeedOptions>? options = null, TargetClass targetClass = TargetClass.T3)
    {
        await using var world = new ActionWorld(seed, bug, options?.Invoke(), targetClass);
        await world.StartAsync(seed);
        await world.LiveAsync();
        await world.EndAsync();
        return await world.CheckAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _harness.DisposeAsync();
        await _store.DisposeAsync();
    }

    private async Task StartAsync(ulong seed) => _harness = await WorkflowHarness.StartAsync(
        signalbox =>
        {
            signalbox.Services.AddSingleton(_target).AddSingleton(_options);
            signalbox.AddAction<Deny, DenyHandler>("deny").AddAction<Permit, PermitHandler>("permit").AddPolicy(new FewDenials());
            signalbox.Add(new Flow(ActAsync));
        },
        new HarnessOptions { Seed = seed, Clock = _clock, Store = _store });

    /// <summary>The case has a line for each deed; with a number the first is taken back at the end.</summary>
    private static async Task<Next> ActAsync(Visit<Step, Note> visit)
    {
        foreach (var line in visit.Case.Lines!)
        {
            await DoAsync(visit, line, undo: false);
        }

        if (visit.Case.Number > 0)
        {
            await DoAsync(visit, visit.Case.Lines![0], undo: true);
        }

        return visit.GoTo(Step.Done);
    }

    private static Task<ActionOutcome> DoAsync(Visit<Step, Note> visit, string line, bool undo)
    {
        var parts = line.Split(' ');
        var (second, quorum) = (parts[2] == "-" ? null : parts[2], int.Parse(parts[3], System.Globalization.CultureInfo.InvariantCulture));
        return (parts[0], undo) switch
        {
            ("deny", false) => visit.Act(new Deny(parts[1], second, quorum)),
            ("deny", true) => visit.Undo(new Deny(parts[1], second, quorum)),
            (_, false) => visit.Act(new Permit(parts[1], second, quorum)),
            _ => visit.Undo(new Permit(parts[1], second, quorum)),
        };
    }

    private async Task LiveAsync()
    {
        for (var run = _random.Next(2, 5); run > 0; run--)
        {
            await BeginRunAsync();
        }

        for (var moment = 0; moment < 40; moment++)
        {
            switch (_random.Next(11))
            {
                case 0:
                    await _harness.AdvanceAsync(TimeSpan.FromMinutes(_random.Next(1, 100)));
                    break;
                case 1:
                    _target.Faults.Enqueue((TargetFault)_random.Next(6));
                    break;
                case 2:
                    _target.UnclearLooks = _random.Next(6);
                    break;
                case 3:
                    await _harness.Worker.CrashAsync();
                    await AnswerAsync();
                    _clock.Advance(TimeSpan.FromMinutes(_random.Next(3) * 50));
                    await AnswerAsync();
                    await _harness.StartWorkerAsync();
                    break;
                case 10:
                    _target.Faults.Enqueue(TargetFault.ThrowsAfterEffect);
                    _target.SilentAfterCalls = _target.Log.Count + 1;
                    break;
                case 4:
                    _target.SilentAfterCalls = null;
                    await ReleaseAsync();
                    break;
                case 5 or 6:
                    await AnswerAsync();
                    break;
                default:
                    await _harness.SettleAsync(_random.Next(1, 60));
                    break;
            }
        }
    }

    /// <summary>Whatever still waits for somebody gets its answer, so that nothing is left in doubt.</summary>
    private async Task EndAsync()
    {
        (_target.UnclearLooks, _target.SilentAfterCalls) = (0, null);
        _target.Faults.Clear();
        for (var round = 0; round < 12; round++)
        {
            await _harness.RunUntilIdleAsync();
            await ReleaseAsync();
            foreach (var (head, wait) in await QuestionsAsync())
            {
                await _harness.Client(round % 2 == 0 ? "person:bob" : "person:carl").AnswerAsync(head.Row.Run, "approve", wait);
            }
        }
    }

    private async Task BeginRunAsync()
    {
        string[] lines = [.. Enumerable.Range(0, _random.Next(2, 4)).Select(_ => $"{(_random.Next(3) == 0 ? "permit" : "deny")} {Network()} {(_random.Next(3) == 0 ? Network() : "-")} {Math.Max(0, _random.Next(5) - 2)}")];
        await _harness.Client(s_persons[0]).StartAsync("flow", new Note(Number: _random.Next(2), Lines: lines));
    }

    private string Network() => s_networks[_random.Next(s_networks.Length)];

    /// <summary>Anybody answers anything: often rightly, sometimes twice, in no role, as who asked for it, for other arguments, or too late.</summary>
    private async Task AnswerAsync()
    {
        foreach (var (head, step) in await QuestionsAsync())
        {
            var who = s_persons[_random.Next(s_persons.Length)];
            var hash = _random.Next(8) == 0 ? new string('0', 64) : null;
            await _harness.Client(who, who == "person:dora" ? ["reader"] : ["approver"]).AnswerAsync(head.Row.Run, _random.Next(6) == 0 ? "reject" : "approve", step, hash: hash);
        }
    }

    private async Task<IReadOnlyList<(RunHead Head, string Step)>> QuestionsAsync() =>
        [.. (await _harness.RunsAsync()).SelectMany(h => h.Waits.Where(w => w.Kind == WaitKind.Approval).Select(w => (h, w.Step)))];

    private async Task ReleaseAsync()
    {
        foreach (var held in (await _harness.RunsAsync()).Where(h => h.Row.Status == RunStatus.Held))
        {
            await _harness.Client("person:otto").ReleaseAsync(held.Row.Run, ReleaseVerb.Retry);
        }
    }

    private async Task<IReadOnlyList<Violation>> CheckAsync()
    {

        var log = _target.Log.Select(c =>
            $$"""{"actionId":"{{c.ActionId}}","op":"{{c.Operation}}","resource":"{{c.Resource.Split(' ')[1]}}","applied":{{(c.Applied ? "true" : "false")}},"after":{{_options.Positions[(c.ActionId, c.Operation, c.Attempt)]}}}""");
        return HistoryCheck.Run(await JournalExport.LinesAsync(_store), new HistoryOptions
        {
            TargetLog = log,
            TargetLooks = _options.Looks.Select(l => $$"""{"look":true,"actionId":"{{l.ActionId}}"{{(l.So is { } so ? $",\"so\":{(so ? "true" : "false")}" : "")}},"at":{{l.At}}}"""),
            TargetState = _target.Resources.Where(r => r.StartsWith("deny ", StringComparison.Ordinal)).Select(r => r[5..]),
            Action = "deny",
            Resource = "network",
        });
    }

    /// <summary>No more than two denials in an hour.</summary>
    private sealed class FewDenials : IActionPolicy
    {
        public string Name => "few";

        public PolicyVerdict? Judge(ProposedAction action) => action.Name != "deny" || action.Undo ? null : PolicyVerdict.Allow("within the limit") with
        {
            Limit = new LimitUse("denials", 1, 2, (long)TimeSpan.FromHours(1).TotalMicroseconds),
            WhenReached = PolicyVerdictKind.Refuse,
        };
    }
}
