using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// When an action counts as verified: how many looks in a row must agree, over how long, and how long the target may take to show what was done. By default one look that shows it. The run is at work
/// meanwhile, in this process: a crash begins the window anew, and canceling the run or stopping its worker waits for the verdict. What takes longer than about a minute is better watched durably, by
/// <c>visit.Verify</c>.
/// </summary>
public sealed record Verification
{
    /// <summary>More looks than this would be asked of a target for one verdict; such a policy is refused.</summary>
    private const int LooksMax = 10_000;

    /// <summary>One look.</summary>
    public static Verification Default { get; } = new();

    /// <summary>How many looks in a row must show it, from 1. One that shows the opposite in between starts the row anew; one that cannot say counts for nothing.</summary>
    public int Agreeing { get; init; } = 1;

    /// <summary>How far apart the first and the last look of the row are at least. Takes as many looks as that needs; two at least.</summary>
    public TimeSpan Over { get; init; }

    /// <summary>How far apart looks are. Null: <see cref="ActionPolicy.Pause"/> while they agree, and twice as long after each further one that does not.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>
    /// How long the target may take to show it (eventual consistency), from the first look after the call. So long nothing that it shows or cannot say counts as diverged, as unknown or as a reason to
    /// call it again; afterwards the first such look does. A row that has begun in time may be completed after it.
    /// </summary>
    public TimeSpan Within { get; init; }

    /// <summary>What is wrong with it.</summary>
    internal IEnumerable<string> Faults(TimeSpan pause)
    {
        if (Agreeing is < 1 or > LooksMax)
        {
            yield return $"Agreeing must be 1 to {LooksMax:N0} looks; got {Agreeing}.";
        }

        if (Over < TimeSpan.Zero || Within < TimeSpan.Zero)
        {
            yield return $"Over and Within must not be negative; got {Over} and {Within}.";
        }

        if (Every <= TimeSpan.Zero)
        {
            yield return $"Every must be positive; got {Every}.";
        }

        if (Agreeing == 1 && Over > TimeSpan.Zero)
        {
            yield return $"Agreeing must be 2 or more where looks are to agree over {Durations.Text(Over)}: one look spans no time.";
        }

        var every = Every ?? pause;
        if (every > TimeSpan.Zero && (Over > every * LooksMax || Within > every * LooksMax))
        {
            yield return $"Over and Within must not take more than {LooksMax:N0} looks; got {Durations.Text(Over)} and {Durations.Text(Within)} with a look every {Durations.Text(every)} (Every, or else Pause).";
        }
    }
}

/// <summary>
/// What looks have come to. <paramref name="Look"/> is the last one; <paramref name="Looks"/> counts them all. There is an <paramref name="Agreement"/> if what was wanted is verified: then, and only then, the
/// last look shows it. <paramref name="Shown"/> is how many looks have shown it, in a row or not.
/// </summary>
internal sealed record Sighting(Observation Look, int Looks, Agreement? Agreement, int Shown)
{
    public bool IsUnclear => Look.Kind == ObservationKind.Unclear;

    /// <summary>Why it is not verified although the target answered the call.</summary>
    public string Divergence(Verification verification)
    {
        var within = verification.Within > TimeSpan.Zero ? $" within {Durations.Text(verification.Within)}" : "";
        return Shown == 0
            ? $"the target answered, but {Looks} looks{within} do not show it: {Look.Proof}"
            : $"the target answered, but shows it now and then only, in {Shown} of {Looks} looks{within}: {Look.Proof}";
    }
}

/// <summary>Which look of a handler is meant.</summary>
internal delegate Task<Observation> LookAt(ReadOnlyMemory<byte> arguments, ActionContext context, CancellationToken cancellationToken);

/// <summary>Looks at a target for one action, inside the limits of its policy.</summary>
internal sealed class Looking(Engine engine, ActionPolicy policy, ReadOnlyMemory<byte> arguments, ActionContext context, CancellationToken abandoned)
{
    /// <summary>
    /// Looks until enough looks agree that <paramref name="wanted"/> is so, or the target has had its time. <paramref name="within"/> is that time; <paramref name="looksMin"/> is how many looks must
    /// be clear at least, however long they take.
    /// </summary>
    public async Task<Sighting> UntilAgreedAsync(LookAt look, ObservationKind wanted, Verification verification, TimeSpan within, int looksMin = 1)
    {
        var clock = engine.Clock;
        var begun = clock.GetTimestamp();
        var (looks, clear, shown, row, others) = (0, 0, 0, 0, 0);
        long rowBegun = 0;
        while (true)
        {
            var asked = clock.GetTimestamp();
            var (seen, tries) = await OnceAsync(look);
            looks += tries;
            clear += seen.Kind == ObservationKind.Unclear ? 0 : 1;
            TimeSpan pause;
            if (seen.Kind == wanted)
            {
                shown++;
                rowBegun = row++ == 0 ? clock.GetTimestamp() : rowBegun;

                // From the end of the first to the beginning of the last: the target was seen so at times no closer together.
                var over = row == 1 ? TimeSpan.Zero : clock.GetElapsedTime(rowBegun, asked);
                if (row >= verification.Agreeing && over >= verification.Over)
                {
                    return new Sighting(seen, looks, new Agreement(row, (long)over.TotalMicroseconds, verification.Agreeing, (long)verification.Over.TotalMicroseconds), shown);
                }

                pause = verification.Every ?? policy.Pause;
            }
            else
            {
                var isUnclear = seen.Kind == ObservationKind.Unclear;
                if (clock.GetElapsedTime(begun, asked) >= within && (isUnclear || clear >= looksMin))
                {
                    return new Sighting(seen, looks, null, shown);
                }

                row = isUnclear ? row : 0;
                pause = verification.Every ?? Doubled(++others);
                var left = within - clock.GetElapsedTime(begun);
                pause = left > TimeSpan.Zero && left < pause ? left : pause;
            }

            await Task.Delay(pause, clock, abandoned);
        }
    }

    /// <summary>Looks until the target gives a clear answer, so many times.</summary>
    public async Task<(Observation Look, int Looks)> OnceAsync(LookAt look)
    {
        for (var i = 1; ; i++)
        {
            Observation seen;
            try
            {
                using var limit = new CancellationTokenSource();
                seen = await engine.WithinAsync(cancellationToken => look(arguments, context, cancellationToken), policy.ProbeWithin, limit);
            }
            catch (TimeoutException)
            {
                seen = Observation.Unclear($"no answer within {Durations.Text(policy.ProbeWithin)}");
            }
            catch (JsonException e)
            {
                return (Observation.Unclear($"the recorded arguments do not fit the action's type: {e.Message}"), i);
            }
            catch (Exception e)
            {
                seen = Observation.Unclear($"{e.GetType().Name}: {e.Message}");
            }

            if (seen.Kind != ObservationKind.Unclear || i >= policy.Looks)
            {
                return (seen, i);
            }

            await Task.Delay(Doubled(i), engine.Clock, abandoned);
        }
    }

    /// <summary>The pause after so many looks.</summary>
    private TimeSpan Doubled(int times) => policy.Pause * Math.Pow(2, Math.Min(times, 20) - 1);
}
