using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// What would be right for a case: the kinds of decision that are (one, or several that are equally good), and those that would do harm. A case for a person has
/// <see cref="Evaluation{TCase}.Person"/> among the right ones. A kind in neither list is wrong.
/// </summary>
public sealed record Truth(params IReadOnlyList<string> Right)
{
    /// <summary>The kinds that would be worse than wrong.</summary>
    public IReadOnlyList<string> Harmful { get; init; } = [];

    internal EvaluationVerdict Judge(string kind) =>
        Harmful.Contains(kind) ? EvaluationVerdict.Harmful : Right.Contains(kind) ? EvaluationVerdict.Right : EvaluationVerdict.Wrong;
}

/// <summary>One case of a data set: what a run starts with, and what would be right. Without a truth it is run all the same, and what is decided is unknown, never right.</summary>
public sealed record EvaluationCase<TCase>(string Id, TCase Start, Truth? Truth = null)
    where TCase : class;

/// <summary>A run that there is already, as a case of a data set, and what would be right.</summary>
public sealed record FinishedCase(string Id, RunId Run, Truth? Truth = null);

/// <summary>A run that has completed, for telling what was decided. <paramref name="Decision"/> is the agent's decision that stands, as the journal has it; null if none does.</summary>
public sealed record EvaluatedRun<TCase>(RunRow Row, TCase Case, DecisionMade? Decision);

/// <summary>What a run came to: a kind of decision, or <see cref="Escalated"/>.</summary>
public sealed record EvaluatedOutcome(string? Kind)
{
    /// <summary>A person has to decide.</summary>
    public static EvaluatedOutcome Escalated { get; } = new((string?)null);

    /// <summary>Who decided, where the journal has no decision of an agent that came to this kind.</summary>
    public string? Tier { get; init; }

    /// <summary>How sure it was, where the journal has no decision of an agent that came to this kind.</summary>
    public double? Confidence { get; init; }
}

/// <summary>How far an evaluation is.</summary>
public readonly record struct EvaluationProgress(EvaluationCounts Counts, int All)
{
    /// <summary>How many cases have come to something.</summary>
    public int Done => Counts.All;
}

/// <summary>
/// Runs a data set through a workflow and says what of it was right. One call evaluates one configuration, which is whatever the program is that drives the runs: its models, ladder,
/// prompts and tools. Every case is a run in the store, under the configuration's name and the case's id: an evaluation that was stopped and is called again goes on, and under the
/// same name in the same store it finds the same runs and comes to the same report. To evaluate a changed program, name its configuration otherwise or take another store.
/// </summary>
public sealed class Evaluation<TCase>(string workflow)
    where TCase : class
{
    /// <summary>The workflow.</summary>
    public string Workflow { get; } = workflow;

    /// <summary>Its version; null: the newest that the program has.</summary>
    public int? Version { get; init; }

    /// <summary>The agent whose decisions count; null: any. Of several askings in a run the last one counts.</summary>
    public string? Agent { get; init; }

    /// <summary>
    /// What a completed run came to, read from its last state and case. By default the kind of the decision that stands. It is not asked about runs that have asked a person: those are
    /// escalated, whatever was answered; nor about those that failed.
    /// </summary>
    public Func<EvaluatedRun<TCase>, EvaluatedOutcome>? Outcome { get; init; }

    /// <summary>The kind by which truths and answers mean that a person is to decide.</summary>
    public string Person { get; init; } = "escalate";

    /// <summary>How many runs are under way at once.</summary>
    public int RunsAtOnce { get; init; } = 16;

    /// <summary>How long one run is awaited. One that has not ended or asked a person by then has failed.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Starts a run for each case that has none, waits until each has ended or asks a person, and reports. A worker has to be at work on the store. Canceled, it throws, and leaves the runs as they are.
    /// <paramref name="progress"/> is told after each case, one at a time.
    /// </summary>
    /// <exception cref="ArgumentException">Two cases have one id, or a name is empty.</exception>
    public async Task<EvaluationReport> RunAsync(
        RunClient client, IReadOnlyList<EvaluationCase<TCase>> cases, string configuration, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(cases);
        ArgumentException.ThrowIfNullOrWhiteSpace(configuration);
        ArgumentOutOfRangeException.ThrowIfLessThan(RunsAtOnce, 1);
        if (cases.GroupBy(c => c.Id).FirstOrDefault(g => g.Count() > 1 || string.IsNullOrWhiteSpace(g.Key)) is { } twice)
        {
            throw new ArgumentException(string.IsNullOrWhiteSpace(twice.Key) ? "A case has no id." : $"Two cases have the id '{twice.Key}'; an id names one case.", nameof(cases));
        }

        var results = new EvaluatedCase[cases.Count];
        var done = default(EvaluationCounts);
        var begun = 0;
        var telling = new Lock();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(RunsAtOnce, cases.Count)).Select(_ => EvaluateOneAfterAnotherAsync()));
        return EvaluationReport.Of(Workflow, configuration, results);

        async Task EvaluateOneAfterAnotherAsync()
        {
            try
            {
                while (Interlocked.Increment(ref begun) - 1 is var index && index < cases.Count)
                {
                    var result = results[index] = await EvaluateOneAsync(client, cases[index], configuration, stop.Token);
                    lock (telling)
                    {
                        done = done.With(result);
                        progress?.Report(new EvaluationProgress(done, cases.Count));
                    }
                }
            }
            catch
            {
                stop.CancelHere(); // what stops one case (a store that is gone) stops all; the call can be repeated
                throw;
            }
        }
    }

    /// <summary>
    /// Reports on runs that there are already, whoever started them; starts and awaits nothing. A run that has neither ended nor asks a person counts as failed.
    /// </summary>
    /// <exception cref="ArgumentException">The store has no such run.</exception>
    public async Task<EvaluationReport> ReadAsync(RunClient client, IReadOnlyList<FinishedCase> cases, string configuration, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(cases);
        ArgumentException.ThrowIfNullOrWhiteSpace(configuration);
        var results = new List<EvaluatedCase>();
        foreach (var one in cases)
        {
            var head = await client.Store.FindAsync(one.Run, cancellationToken) ?? throw new ArgumentException($"The store has no run '{one.Run}' for case '{one.Id}'.", nameof(cases));
            var empty = new EvaluatedCase { Id = one.Id, Run = one.Run, Truth = one.Truth, Verdict = EvaluationVerdict.Failed };
            results.Add(head.IsSettled
                ? await ReadOneAsync(client, empty, head, cancellationToken)
                : empty with { Reason = "not_settled", Why = $"it is {head.Row.Status} in state '{head.Row.State}'", Spent = head.Row.Spent });
        }

        return EvaluationReport.Of(Workflow, configuration, results);
    }

    private async Task<EvaluatedCase> ReadOneAsync(RunClient client, EvaluatedCase empty, Storage.RunHead head, CancellationToken cancellationToken)
    {
        try
        {
            var read = await RunReading.ReadAsync(client.Store, head, Agent, cancellationToken);
            return await JudgeAsync(client, empty, head.Row, read, cancellationToken);
        }
        catch (JournalDamagedException e)
        {
            return empty with { Reason = "damaged", Why = e.Message };
        }
    }

    private async Task<EvaluatedCase> EvaluateOneAsync(RunClient client, EvaluationCase<TCase> one, string configuration, CancellationToken cancellationToken)
    {
        var labels = new Dictionary<string, string> { ["evaluation"] = configuration, ["case"] = one.Id };
        var (run, isNew) = await client.StartAsync(Workflow, one.Start, $"{configuration}/{one.Id}", labels, Version, cancellationToken);
        var empty = new EvaluatedCase { Id = one.Id, Run = run, Truth = one.Truth, Verdict = EvaluationVerdict.Failed };
        if (!isNew && !await IsSameStartAsync(client, run, one.Start, cancellationToken))
        {
            return empty with { Reason = "other_case", Why = $"the store has a run of configuration '{configuration}' under this id, with another case; name the configuration otherwise, or take another store" };
        }

        using var limit = new CancellationTokenSource(Within, client.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await ReadOneAsync(client, empty, await client.WaitUntilSettledAsync(run, both.Token), cancellationToken);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            var row = (await client.FindAsync(run, cancellationToken))!;
            return empty with { Reason = "timed_out", Why = $"after {Durations.Text(Within)} it is {row.Status} in state '{row.State}'", Spent = row.Spent };
        }
    }

    private async Task<EvaluatedCase> JudgeAsync(RunClient client, EvaluatedCase empty, RunRow row, RunReading read, CancellationToken cancellationToken)
    {
        var known = empty with
        {
            Spent = row.Spent,
            Microseconds = read.Microseconds,
            Answers = [.. read.Answers.Select(made => Answer(made, empty.Truth))],
            Tiers = read.Tiers,
        };
        if (row.Status != RunStatus.Completed && !(row.IsOpen && row.Status != RunStatus.Held))
        {
            return known with { Reason = row.ReasonCode ?? row.Status.ToString(), Why = row.Reason ?? $"the run is {row.Status}" };
        }

        if (read.AskedAPerson)
        {
            return Escalated(known, read);
        }

        var stands = read.Answers.LastOrDefault(made => made.Stands);
        if (Outcome is null && stands is null && read.Last is null)
        {
            return known with { Reason = "no_decision", Why = $"the run completed in state '{row.State}' without a decision of an agent; say what that means: set {nameof(Outcome)}" };
        }

        var outcome = Outcome is null
            ? new EvaluatedOutcome(stands?.Kind)
            : Outcome(new EvaluatedRun<TCase>(row, (await client.GetCaseAsync<TCase>(row.Run, cancellationToken))!, stands));
        if (outcome.Kind is null || outcome.Kind == Person)
        {
            return Escalated(known, read);
        }

        // A decision that the workflow changed afterwards is no longer the tier's.
        var byTier = stands?.Kind == outcome.Kind ? stands : null;
        return known with
        {
            Kind = outcome.Kind,
            Verdict = known.Truth?.Judge(outcome.Kind) ?? EvaluationVerdict.Unknown,
            Tier = byTier?.Tier ?? outcome.Tier ?? EvaluatedCase.ByWorkflow,
            Confidence = byTier?.Confidence ?? outcome.Confidence,
        };
    }

    private EvaluatedCase Escalated(EvaluatedCase known, RunReading read) => known with
    {
        Verdict = EvaluationVerdict.Escalated,
        IsForPerson = known.Truth?.Right.Contains(Person) ?? false,
        Tier = Ladder.Person,
        Reason = read.Last is { To: Ladder.Person } raised ? raised.Reason : "asked",
        Why = read.Last is { To: Ladder.Person } told ? told.Why : read.Cause,
    };

    private TierAnswer Answer(DecisionMade made, Truth? truth) => new(made.Tier, made.Model, made.Kind, made.Confidence, made.Stands)
    {
        MayStand = made.Objection is null && made.Kind != Person,
        Verdict = truth?.Judge(made.Kind) ?? EvaluationVerdict.Unknown,
        Micros = made.Micros,
    };

    private static async Task<bool> IsSameStartAsync(RunClient client, RunId run, TCase start, CancellationToken cancellationToken)
    {
        var entered = (await client.Store.ReadAsync(run, 0, 2, cancellationToken)).First(e => e.Kind == EntryKinds.StateEntered);
        return Body.Read<StateEntered>(entered).Case.Utf8.Span.SequenceEqual(Bodies.Place(Bodies.Json(start)).Value.Utf8.Span);
    }
}
