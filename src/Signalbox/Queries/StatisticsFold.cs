using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// Counts what entries tell, of the whole log in order: the one arithmetic of <see cref="Statistics"/>, whether a log is read in one pass or an index follows it in batches. All that it must know of entries before lies
/// in its tables, so that nothing depends on where one batch ends and the next begins. A body that cannot be read (damaged, or erased) counts only as far as its entry's header tells.
/// </summary>
internal sealed class StatisticsFold(IStatisticsTables tables)
{
    /// <summary>Names may come from models and tools; no row is longer than that.</summary>
    private const int NameCharactersMax = 200;

    private static readonly IReadOnlyDictionary<string, Speaker> Nobody = new Dictionary<string, Speaker>();
    private static readonly IReadOnlyDictionary<string, long> Nothing = new Dictionary<string, long>();

    public void Add(Entry entry)
    {
        switch (entry.Kind)
        {
            case EntryKinds.RunStarted:
                var started = new RunMemory(Cut(Read<RunStarted>(entry)?.Workflow), entry.At);
                tables.KeepRun(entry.Run, started);
                Count(entry, started, Figures.Started, "");
                break;
            case EntryKinds.StateEntered:
                var entering = Of(entry);
                if (entering.Speaking.Count + entering.Questions.Count > 0)
                {
                    tables.KeepRun(entry.Run, entering with { Speaking = Nobody, Questions = Nothing });
                }

                break;
            case EntryKinds.RunCompleted:
                End(entry, RunStatus.Completed, reachedAnEnd: true);
                break;
            case EntryKinds.RunCanceled:
                End(entry, RunStatus.Canceled, reachedAnEnd: false);
                break;
            case EntryKinds.RunFailed:
                End(entry, RunStatus.Failed, Read<Trouble>(entry)?.Code == TroubleCodes.EndedWithoutSuccess);
                break;
            case EntryKinds.RunRetried:
                Reopen(entry);
                break;
            case EntryKinds.RunHeld:
                Ask(entry);
                break;
            case EntryKinds.ApprovalRequested:
                var asking = Of(entry);
                tables.KeepRun(entry.Run, asking with { Asked = true, Questions = With(asking.Questions, Place(entry), entry.At) });
                break;
            case EntryKinds.ApprovalAnswered:
                Answer(entry);
                break;
            case EntryKinds.DecisionMade when Read<DecisionMade>(entry) is { Decision: not null } made:
                Decide(entry, made);
                break;
            case EntryKinds.DecisionJudged when Read<DecisionJudged>(entry) is { Decision: not null, Verdict: "right" or "wrong" } judged:
                tables.Judged(entry.Run, judged.Decision, judged.Verdict == "right");
                break;
            case EntryKinds.EscalationRaised when Read<EscalationRaised>(entry) is { } raised:
                Count(entry, Of(entry), Figures.Escalation, raised.Reason);
                if (raised.To == Ladder.Person)
                {
                    Ask(entry);
                }

                break;
            case EntryKinds.BudgetReserved when Read<BudgetReserved>(entry) is { Amount: not null } reserved:
                var speaker = Cut(WhoSpent.Reserving(entry, reserved));
                var run = Of(entry);
                if (run.Speaking.GetValueOrDefault(entry.Scope) != speaker)
                {
                    tables.KeepRun(entry.Run, run with { Speaking = With(run.Speaking, entry.Scope, speaker) });
                }

                Spend(entry, run, new(speaker, reserved.Amount));
                break;
            case EntryKinds.ToolRejected:
                Reject(entry, Read<ToolRejected>(entry));
                break;
            case EntryKinds.AnswerRejected:
                var wrong = Read<AnswerRejected>(entry);
                var addressed = Of(entry);
                Spend(entry, addressed, WhoSpent.Rejected(Speaking(entry, addressed), wrong?.Agent, wrong?.Tier));
                break;
            case EntryKinds.StepCompleted or EntryKinds.StepFailed or EntryKinds.StepAttemptFailed when Read<StepFigures>(entry) is { } step:
                Step(entry, step);
                break;
            case EntryKinds.ActionIntended when Read<ActionIntended>(entry) is { ActionId: not null } intended:
                var acting = Of(entry);
                tables.KeepRun(entry.Run, acting with { Intended = acting.Intended.ContainsKey(intended.ActionId) ? acting.Intended : With(acting.Intended, intended.ActionId, entry.At) });
                break;
            case EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused or EntryKinds.ActionUnknown
                when Read<ActionObserved>(entry) is { ActionId: not null } seen:
                Settle(entry, seen);
                break;
        }
    }

    private void End(Entry entry, RunStatus status, bool reachedAnEnd)
    {
        Reopen(entry);
        var run = Of(entry);
        var ended = run with { EndedAt = entry.At, EndedAs = status, EndedAlone = !run.Asked };
        tables.KeepRun(entry.Run, status == RunStatus.Failed ? ended : ended with { Speaking = Nobody, Questions = Nothing });
        Count(entry, run, Figures.Ended, status.ToString());
        if (!run.Asked)
        {
            Count(entry, run, Figures.Alone, "");
        }

        if (reachedAnEnd)
        {
            Took(entry, run, "run", entry.At - run.StartedAt);
        }
    }

    /// <summary>A run that goes on has not ended: its end is taken back where it was counted.</summary>
    private void Reopen(Entry entry)
    {
        var run = Of(entry);
        if (run.EndedAt is not { } endedAt)
        {
            return;
        }

        tables.KeepRun(entry.Run, run with { EndedAt = null, EndedAs = default, EndedAlone = false });
        Count(endedAt, run, Figures.Ended, run.EndedAs.ToString(), new Tally(-1, 0));
        if (run.EndedAlone)
        {
            Count(endedAt, run, Figures.Alone, "", new Tally(-1, 0));
        }
    }

    private void Ask(Entry entry)
    {
        var run = Of(entry);
        if (!run.Asked)
        {
            tables.KeepRun(entry.Run, run with { Asked = true });
        }
    }

    private void Answer(Entry entry)
    {
        var run = Of(entry);
        Count(entry, run, Figures.Stood, Ladder.Person);
        if (run.Questions.TryGetValue(Place(entry), out var askedAt))
        {
            Took(entry, run, "approval", entry.At - askedAt);
        }
    }

    private void Decide(Entry entry, DecisionMade made)
    {
        var run = Of(entry);
        Count(entry, run, made.Stands ? Figures.Stood : Figures.Climbed, made.Tier);
        tables.Decided(new DecisionFigure(entry.Run, made.Decision, entry.Position, entry.At, run.Workflow, Cut(made.Tier), made.Confidence));
    }

    private void Reject(Entry entry, ToolRejected? rejected)
    {
        var run = Of(entry);
        if (rejected is not null)
        {
            Count(entry, run, Figures.Rejection, rejected.Code);
        }

        Spend(entry, run, WhoSpent.Rejected(Speaking(entry, run), rejected?.Agent, rejected?.Tier));
    }

    private void Step(Entry entry, StepFigures step)
    {
        var run = Of(entry);
        Spend(entry, run, WhoSpent.Step(Speaking(entry, run), step.Settlement, step.Type, step.Tool, step.Microseconds));
        if (entry.Kind == EntryKinds.StepAttemptFailed)
        {
            return; // the step's end tells of all its attempts
        }

        if (entry.Kind == EntryKinds.StepFailed)
        {
            Count(entry, run, Figures.Failure, step.Code);
        }

        if (step.CachedMicroseconds is null)
        {
            var name = step.Type switch
            {
                "model" => "model:" + (step.Model?.Model ?? Speaking(entry, run)?.Model ?? ""),
                "tool" or "evidence" => $"{step.Type}:{NameOf(entry.Step)}",
                _ => "read:" + NameOf(entry.Step),
            };
            Took(entry, run, name, step.Microseconds);
        }
    }

    private void Settle(Entry entry, ActionObserved seen)
    {
        var run = Of(entry);
        var outcome = (entry.Kind, seen.Undo) switch
        {
            (EntryKinds.ActionVerified, true) => "undone",
            (EntryKinds.ActionUnverified, true) => "undo_unverified",
            _ => entry.Kind["action.".Length..],
        };
        tables.Acted(new ActionFigure(entry.Run, seen.ActionId, entry.At, run.Workflow, outcome));
        if (entry.Kind != EntryKinds.ActionUnknown && run.Intended.TryGetValue(seen.ActionId, out var since))
        {
            Took(entry, run, "action:" + seen.Action, entry.At - since);
            tables.KeepRun(entry.Run, run with { Intended = run.Intended.Where(i => i.Key != seen.ActionId).ToDictionary() });
        }
    }

    private static Speaker? Speaking(Entry entry, RunMemory run) => run.Speaking.GetValueOrDefault(entry.Scope);

    private void Spend(Entry entry, RunMemory run, Spent? spent)
    {
        if (spent is not var (speaker, amount))
        {
            return;
        }

        var name = Figures.Spender(Cut(speaker));
        foreach (var (figure, sum) in new[]
        {
            (Figures.Calls, amount.Calls), (Figures.InputTokens, amount.InputTokens), (Figures.OutputTokens, amount.OutputTokens), (Figures.Micros, amount.Micros),
            (Figures.Microseconds, amount.Microseconds), (Figures.Rejections, amount.Rejections),
        })
        {
            if (sum != 0)
            {
                Count(entry.At, run, figure, name, new Tally(sum, 0));
            }
        }
    }

    private void Took(Entry entry, RunMemory run, string name, long microseconds) =>
        Count(entry.At, run, Figures.Latency, Cut(name), new Tally(1, Math.Max(0, microseconds)), LatencyBins.Of(microseconds));

    private void Count(Entry entry, RunMemory run, string figure, string? name) => Count(entry.At, run, figure, Cut(name), new Tally(1, 0));

    private void Count(long at, RunMemory run, string figure, string name, Tally tally, int bin = 0)
    {
        foreach (var size in (ReadOnlySpan<SlotSize>)[SlotSize.Minute, SlotSize.Hour, SlotSize.Day])
        {
            tables.Count(new CountKey(size, Slots.Floor(at, Slots.Width(size)), run.Workflow, figure, name, bin), tally);
        }
    }

    /// <summary>What is known of the run; of one whose beginning is not in the log, that it is there.</summary>
    private RunMemory Of(Entry entry) => tables.FindRun(entry.Run) ?? new RunMemory("", entry.At);

    private static string Place(Entry entry) => $"{entry.Scope}\n{entry.Step}";

    private static string NameOf(string step) => step.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? step[..slash] : step;

    private static Speaker Cut(Speaker speaker) => new(Cut(speaker.Agent), Cut(speaker.Tier), Cut(speaker.Model));

    private static string Cut(string? name) => name is null ? "" : name.Length <= NameCharactersMax ? name : name[..(char.IsHighSurrogate(name[NameCharactersMax - 1]) ? NameCharactersMax - 1 : NameCharactersMax)];

    private static Dictionary<string, T> With<T>(IReadOnlyDictionary<string, T> all, string key, T value) => new(all, StringComparer.Ordinal) { [key] = value };

    private static T? Read<T>(Entry entry)
        where T : class
    {
        try
        {
            return entry.Body.IsEmpty ? null : Body.Read<T>(entry);
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException)
        {
            return null; // ArgumentException: a hash or an id in the body that is none
        }
    }
}

/// <summary>What of the body of a step's end is counted.</summary>
internal sealed record StepFigures(long Microseconds, string? Type = null, Settlement? Settlement = null, StepModel? Model = null, ToolCalled? Tool = null, string? Code = null, long? CachedMicroseconds = null);

/// <summary>Which model a model call went to.</summary>
internal sealed record StepModel(string Model);

/// <summary>The names of what is counted, as the tables have them.</summary>
internal static class Figures
{
    private const char Separator = '\u001f';

    public const string Started = "started";
    public const string Ended = "ended";
    public const string Alone = "alone";
    public const string Stood = "stood";
    public const string Climbed = "climbed";
    public const string Escalation = "escalation";
    public const string Rejection = "rejection";
    public const string Failure = "failure";
    public const string Latency = "latency";
    public const string Calls = "calls";
    public const string InputTokens = "input";
    public const string OutputTokens = "output";
    public const string Micros = "micros";
    public const string Microseconds = "microseconds";
    public const string Rejections = "rejections";

    public static string Spender(Speaker speaker) => $"{speaker.Agent}{Separator}{speaker.Tier}{Separator}{speaker.Model}";

    public static Speaker Spender(string name) => name.Split(Separator) is [var agent, var tier, var model] ? new(agent, tier, model) : new(name, "", "");
}
