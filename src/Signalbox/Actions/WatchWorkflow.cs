namespace Signalbox;

internal enum WatchState
{
    Watching,
    Drifted,
    Ended,
}

/// <summary>What a watch is about, and how far it has come. <paramref name="Unclear"/> looks in a row could not say; <paramref name="Seen"/> is what the last one showed.</summary>
internal sealed record WatchCase(WatchedAction Watched, TimeSpan Every, TimeSpan Over, DateTimeOffset LastSoAt, DateTimeOffset? Until = null, int Looks = 0, int Unclear = 0, string? Seen = null);

/// <summary>
/// Watches one verified action beyond the visit that verified it, as a run of its own: it sleeps, looks, and tells the run that it watches for when what was verified is so no longer. There is one for each
/// kind of action, so that only programs that can look at it drive it.
/// </summary>
internal sealed class WatchWorkflow(string action) : Workflow<WatchState, WatchCase>(NameOf(action), 1)
{
    /// <summary>Where the names of workflows begin that are Signalbox's own.</summary>
    public const string Prefix = "signalbox.";

    /// <summary>As many looks as there can be in a run, in visits that are short enough to wake fast.</summary>
    public const int LooksMax = LooksOfAVisit * 900;

    private const int LooksOfAVisit = 50;

    public static string NameOf(string action) => $"{Prefix}watch:{action}";

    protected override void Define(StateMachine<WatchState, WatchCase> states)
    {
        states.Start(WatchState.Watching, WatchAsync).To(WatchState.Watching, WatchState.Drifted, WatchState.Ended);
        states.End(WatchState.Drifted, success: false);
        states.End(WatchState.Ended);
    }

    private static async Task<Next> WatchAsync(Visit<WatchState, WatchCase> visit)
    {
        var watching = new Watching(visit);
        var now = visit.Case with { Until = visit.Case.Until ?? visit.Now + visit.Case.Over };
        for (var i = 0; i < LooksOfAVisit; i++)
        {
            var left = now.Until!.Value - visit.Now;
            if (left <= TimeSpan.Zero)
            {
                return visit.GoTo(WatchState.Ended, now, $"the time is up; after {now.Looks} looks, the last one: {now.Seen ?? "none"}");
            }

            await visit.Delay(left < now.Every ? left : now.Every, "look again");
            var look = await watching.LookAsync(now.Watched);
            var isSo = look.Kind == now.Watched.Wanted;
            now = now with
            {
                Looks = now.Looks + 1,
                Seen = look.Proof,
                LastSoAt = isSo ? visit.Now : now.LastSoAt,
                Unclear = look.Kind == ObservationKind.Unclear ? now.Unclear + 1 : 0,
            };
            if (look.TakenBack)
            {
                return visit.GoTo(WatchState.Ended, now, "the run itself has taken it back");
            }

            if (!isSo && now.Unclear is 0 or >= Watching.UnclearMax)
            {
                return await DriftedAsync(visit, now);
            }
        }

        return visit.GoTo(WatchState.Watching, now, "looks on");
    }

    private static async Task<Next> DriftedAsync(Visit<WatchState, WatchCase> visit, WatchCase now)
    {
        var watched = now.Watched;
        var isUnseen = now.Unclear > 0;
        await visit.Send(watched.Run, ActionDrifted.Signal, new ActionDrifted(watched.Action, watched.ActionId, now.Seen!, visit.Now, now.LastSoAt, isUnseen));
        return visit.GoTo(WatchState.Drifted, now, isUnseen ? $"it cannot be seen any more: {now.Seen}" : $"it is so no longer: {now.Seen}");
    }
}
