using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>What watching an action over a window has come to.</summary>
public enum WatchStatus
{
    /// <summary>Every look that could be had, the first and the last among them, showed it as verified.</summary>
    Verified,

    /// <summary>A look showed that it is no longer so.</summary>
    Diverged,

    /// <summary>The target could not say, look after look. That is neither yes nor no.</summary>
    Unseen,
}

/// <summary>
/// What watching an action has come to. <paramref name="Proof"/> is what the last look showed, at <paramref name="SeenAt"/>; <paramref name="Agreement"/> is how many looks in a row had agreed until then, over
/// how long, and what was asked for.
/// </summary>
public sealed record WatchOutcome(WatchStatus Status, string ActionId, string Proof, DateTimeOffset SeenAt, Agreement Agreement)
{
    /// <summary>Whether it was so all the time, as far as looks can tell.</summary>
    public bool IsVerified => Status == WatchStatus.Verified;

    /// <summary>Chooses by the outcome; none can be forgotten.</summary>
    public T Match<T>(Func<WatchOutcome, T> verified, Func<string, T> diverged, Func<string, T> unseen)
    {
        ArgumentNullException.ThrowIfNull(verified);
        ArgumentNullException.ThrowIfNull(diverged);
        ArgumentNullException.ThrowIfNull(unseen);
        return Status switch
        {
            WatchStatus.Verified => verified(this),
            WatchStatus.Diverged => diverged(Proof),
            _ => unseen(Proof),
        };
    }
}

/// <summary>
/// The value of the signal <see cref="Signal"/>, which a watch sends to its run when what was verified is so no longer. <paramref name="Why"/> is what was seen at <paramref name="SeenAt"/>;
/// <paramref name="LastSoAt"/> is when a look last showed it as verified. <paramref name="IsUnseen"/>: the target cannot be asked any more, so that nobody knows.
/// </summary>
public sealed record ActionDrifted(string Action, string ActionId, string Why, DateTimeOffset SeenAt, DateTimeOffset LastSoAt, bool IsUnseen = false)
{
    /// <summary>The signal's name.</summary>
    public const string Signal = "action.drifted";
}

/// <summary>What a run has verified of an action: all that it takes to look again.</summary>
internal sealed record WatchedAction(string Action, RawJson Arguments, string ActionId, RunId Run, int Attempt, DateTimeOffset IntendedAt, bool Undo)
{
    [JsonIgnore]
    public ObservationKind Wanted => Undo ? ObservationKind.NotSo : ObservationKind.So;

    public ActionContext Context(int epoch) => new(ActionId, Run, epoch, Attempt, IntendedAt);
}

/// <summary>A look as recorded. <paramref name="TakenBack"/>: it shows otherwise because the run itself wants it otherwise by now.</summary>
internal sealed record WatchLook(ObservationKind Kind, string Proof, int Looks, bool TakenBack = false);

/// <summary>Looks at verified actions again, each look a recorded step, without a hold: it reads, and changes nothing.</summary>
internal sealed class Watching(VisitScope scope)
{
    /// <summary>So many looks in a row that cannot say, each tried as often as the action's policy says, count as not to be seen.</summary>
    public const int UnclearMax = 3;

    /// <summary>A visit that has more looks than this is slow to wake.</summary>
    private const int LooksOfAWindowMax = 1_000;

    private readonly VisitEngine _engine = scope.Engine;

    /// <summary>What this run has last verified of the action, found once and recorded.</summary>
    /// <exception cref="StepFailedException">It has verified none of that name and those arguments.</exception>
    public Task<WatchedAction> FindAsync<TAction>(TAction action)
        where TAction : notnull
    {
        var registration = _engine.Engine.Actions.Get(typeof(TAction));
        var arguments = Bodies.Json(action);
        return _engine.StepAsync<WatchedAction>(
            scope.ScopeName,
            "watched",
            Bodies.Json(new { action = registration.Name, arguments }),
            async _ => StepResult.Of(await FindAsync(registration.Name, arguments) ?? throw new StepFaultException(
                "not_verified", $"this run has not verified the action '{registration.Name}' with these arguments, so that there is nothing to watch. Act first, and watch what is verified")),
            StepOptions.Once);
    }

    /// <summary>Watches over a window, from now on. Sleeps with the run parked between looks.</summary>
    public async Task<WatchOutcome> OverAsync(WatchedAction action, TimeSpan over, TimeSpan every)
    {
        ThrowIfUnfit(over, every, LooksOfAWindowMax, "Watch");
        var (row, unclear) = (0, 0);
        DateTimeOffset first = default;
        var seenOver = TimeSpan.Zero;
        while (true)
        {
            var asked = scope.Now;
            var look = await LookAsync(action);
            if (look.Kind == action.Wanted)
            {
                first = row++ == 0 ? scope.Now : first;
                seenOver = row == 1 ? TimeSpan.Zero : asked - first;
                unclear = 0;
                if (row > 1 && seenOver >= over)
                {
                    return Outcome(WatchStatus.Verified, look);
                }
            }
            else if (look.Kind != ObservationKind.Unclear)
            {
                return Outcome(WatchStatus.Diverged, look);
            }
            else if (++unclear == UnclearMax)
            {
                return Outcome(WatchStatus.Unseen, look);
            }

            var left = row > 0 ? over - (scope.Now - first) : every;
            await scope.Delay(left > TimeSpan.Zero && left < every ? left : every, "look again");
        }

        WatchOutcome Outcome(WatchStatus status, WatchLook look) =>
            new(status, action.ActionId, look.Proof, scope.Now, new Agreement(row, (long)seenOver.TotalMicroseconds, 2, (long)over.TotalMicroseconds));
    }

    /// <summary>Looks once, through the handler registered under the action's name.</summary>
    public Task<WatchLook> LookAsync(WatchedAction action)
    {
        var handler = Handler(action);
        return _engine.StepAsync<WatchLook>(
            scope.ScopeName,
            "look",
            Bodies.Json(new { action = action.Action, id = action.ActionId }),
            async cancellationToken =>
            {
                var (seen, looks) = await new Looking(_engine.Engine, handler.Policy, action.Arguments.Utf8, action.Context(_engine.Row.Epoch), cancellationToken).OnceAsync(handler.VerifyAsync);
                var isOtherwise = seen.Kind != action.Wanted && seen.Kind != ObservationKind.Unclear;
                return StepResult.Of(new WatchLook(seen.Kind, seen.Proof, looks, isOtherwise && await IsTakenBackAsync(action)));
            },
            new StepOptions { Attempts = 1, Within = TimeSpan.FromHours(1), Type = "look" }); // the look has limits of its own, inside this one
    }

    /// <exception cref="ArgumentException">They make no window, or too many looks.</exception>
    public static void ThrowIfUnfit(TimeSpan over, TimeSpan every, int looksMax, string otherwise)
    {
        if (every <= TimeSpan.Zero || over < every)
        {
            throw new ArgumentException($"A watch looks at least once: 'every' is positive, and 'over' no shorter; got {every} and {over}.");
        }

        if (over / every > looksMax)
        {
            throw new ArgumentException($"A watch over {Durations.Text(over)} with a look every {Durations.Text(every)} has more than {looksMax:N0} looks. Look less often, or not so long{(otherwise.Length > 0 ? $", or use visit.{otherwise}" : "")}.");
        }
    }

    private BoundHandler Handler(WatchedAction action) =>
        (_engine.Engine.Actions.Find(action.Action) ?? throw new InvalidOperationException($"This program has no handler of the action '{action.Action}'; it cannot be looked at.")).Bind(_engine.Services);

    private async Task<WatchedAction?> FindAsync(string name, RawJson arguments)
    {
        var wanted = Hash(arguments.Utf8);
        var intents = new Dictionary<string, Entry>();
        WatchedAction? found = null;
        await foreach (var entry in EntriesAsync(_engine.Row.Run))
        {
            if (entry.Kind == EntryKinds.ActionIntended && Body.Read<ActionIntended>(entry) is var intended && intended.Action == name && intended.ArgumentsHash == wanted)
            {
                intents[intended.ActionId] = entry;
            }
            else if (entry.Kind == EntryKinds.ActionVerified && Body.Read<ActionObserved>(entry) is var seen && seen.Action == name)
            {
                var intent = intents.GetValueOrDefault(seen.ActionId);
                if (intent is not null || (seen.Arguments is { } placed && Hash(await _engine.Journal.ResolveAsync(placed, entry.Seq)) == wanted))
                {
                    found = new WatchedAction(name, arguments, seen.ActionId, entry.Run, intent is null ? 1 : Body.Read<ActionIntended>(intent).Attempt, (intent ?? entry).Time, seen.Undo);
                }
            }
        }

        return found;
    }

    /// <summary>Whether the run has begun since to make it otherwise: an intent is durable before its effect.</summary>
    private async Task<bool> IsTakenBackAsync(WatchedAction action)
    {
        var arguments = Hash(action.Arguments.Utf8);
        var (isFound, isTakenBack) = (false, false);
        await foreach (var entry in EntriesAsync(action.Run))
        {
            if (entry.Kind == EntryKinds.ActionVerified && Body.Read<ActionObserved>(entry) is var seen && seen.ActionId == action.ActionId && seen.Undo == action.Undo)
            {
                (isFound, isTakenBack) = (true, false);
            }
            else if (entry.Kind == EntryKinds.ActionIntended && Body.Read<ActionIntended>(entry) is var intended && intended.Action == action.Action && intended.ArgumentsHash == arguments)
            {
                isTakenBack = isFound && intended.Undo != action.Undo;
            }
        }

        return isTakenBack;
    }

    private async IAsyncEnumerable<Entry> EntriesAsync(RunId run)
    {
        long from = 0;
        while (await _engine.Engine.Store.ReadAsync(run, from, 1000, _engine.Abandoned) is { Count: > 0 } page)
        {
            foreach (var entry in page)
            {
                yield return entry;
            }

            from = page[^1].Seq + 1;
        }
    }

    private static string Hash(ReadOnlyMemory<byte> arguments) => Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Of(arguments.Span)));
}
