using Signalbox.Journal;

namespace Signalbox;

/// <summary>Does steps and records them: attempts within their limits, each failed one an entry, and the result of the last.</summary>
internal sealed class StepRunner(VisitEngine visit)
{
    private const int ReasonCharactersMax = 4_000; // it may be anybody's words

    /// <summary>The completed step: as recorded, or done and recorded now.</summary>
    /// <exception cref="StepFailedException">It failed for good.</exception>
    public async Task<(Entry Entry, StepCompleted Body)> CompletedAsync(ScopedStep step, RawJson? arguments, Func<CancellationToken, Task<StepResult>> work, StepOptions options)
    {
        if (visit.Record.Outcome(step) is { } recorded)
        {
            return (recorded, Outcome(recorded));
        }

        if (visit.Record.Steps >= visit.Engine.Limits.StepsOfAVisitMax)
        {
            visit.Finish(new VisitEnd(VisitEndKind.LimitReached, new Trouble(TroubleCodes.LimitReached, $"State '{visit.Row.State}' has taken {visit.Record.Steps} steps in one visit, which is the limit (StepsOfAVisitMax).")));
            throw new VisitOverException();
        }

        var begun = visit.Engine.Clock.GetTimestamp();
        var attempt = Math.Min(visit.Record.FailedAttempts(step), options.Attempts - 1);
        NoteStart(step);
        var (placed, payloads) = arguments is { } a ? ((RawJson?, IReadOnlyList<Payload>))Bodies.Place(a) : (null, []);
        while (true)
        {
            attempt++;
            var (result, fault) = await AttemptAsync(work, options);
            await visit.ArriveAsync(step.Scope); // of an attempt whose time was up while the journal could not write
            visit.Closing.ThrowIfCancellationRequested();
            visit.Journal.Forget(step);
            var microseconds = (long)visit.Engine.Clock.GetElapsedTime(begun).TotalMicroseconds;
            if (fault is null)
            {
                var (value, more) = Bodies.Place(result!.Value);
                var completed = new StepCompleted(placed, value, microseconds, attempt, result.Model, options.Type, options.Tool, result.Settlement, (long?)result.CachedAge?.TotalMicroseconds);
                var appended = await visit.Journal.AppendAsync([visit.Draft(EntryKinds.StepCompleted, step, Body.Write(completed), payloads: [.. payloads, .. more, .. result.Payloads])]);
                visit.Consume(step.Scope, appended.Entries[0]);
                return (appended.Entries[0], completed);
            }

            var known = fault as StepFaultException;
            var failed = new StepFailed(
                known?.Code ?? "failed", Texts.Cut(known?.Message ?? $"{fault.GetType().Name}: {fault.Message}", ReasonCharactersMax), placed, microseconds, attempt, options.Type, options.Tool, known?.Settlement);
            if (attempt >= options.Attempts || !options.IsWorthAnother(fault))
            {
                var appended = await visit.Journal.AppendAsync([visit.Draft(EntryKinds.StepFailed, step, Body.Write(failed), failed.Reason, payloads)]);
                return (appended.Entries[0], Outcome(appended.Entries[0]));
            }

            await visit.Journal.AppendAsync([visit.Draft(EntryKinds.StepAttemptFailed, step, Body.Write(failed), failed.Reason, payloads)]);
            var pause = options.PauseAfter(attempt) * (0.75 + (visit.Engine.Entropy.NextFraction() / 2));
            await Task.Delay(options.AsksToWait?.Invoke(fault) is { } asked && asked > pause ? asked : pause, visit.Engine.Clock, visit.Closing);
            NoteStart(step);
        }
    }

    /// <summary>What was recorded of a step, as its scope sees it from now on.</summary>
    private StepCompleted Outcome(Entry entry)
    {
        visit.Consume(entry.Scope, entry);
        if (entry.Kind == EntryKinds.StepFailed)
        {
            var failed = Body.Read<StepFailed>(entry);
            throw new StepFailedException(visit.Row.Run, entry.Step, failed.Code, failed.Reason, failed.Attempts);
        }

        return Body.Read<StepCompleted>(entry);
    }

    private void NoteStart(ScopedStep step)
    {
        var now = Microseconds.From(visit.Engine.Clock.GetUtcNow());
        visit.Journal.Note(step, () => visit.Draft(EntryKinds.StepStarted, step, Body.Write(new StepStarted(now))));
    }

    private async ValueTask<(StepResult? Result, Exception? Fault)> AttemptAsync(Func<CancellationToken, Task<StepResult>> work, StepOptions options)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(visit.Closing);
        try
        {
            var result = await visit.Engine.WithinAsync(work, options.Within, limit);
            return result.Value.Utf8.Length <= visit.Engine.Limits.ResultBytesMax
                ? (result, null)
                : (null, new StepFaultException("too_large", $"its result has {result.Value.Utf8.Length:N0} bytes; the limit is {visit.Engine.Limits.ResultBytesMax:N0} (ResultBytesMax)"));
        }
        catch (TimeoutException)
        {
            return (null, new StepFaultException("timed_out", $"timed out after {Durations.Text(options.Within)}"));
        }
        catch (Exception e) when (!visit.Closing.IsCancellationRequested)
        {
            return (null, e);
        }
    }
}
