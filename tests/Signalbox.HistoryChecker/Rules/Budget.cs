using System.Globalization;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I16 for one run: each paid call has a reservation of its own before it and is settled against that very one; what a lost process has reserved stays spent; and no
/// reservation takes the sum above the limit by more than what was in flight when it was made.
/// </summary>
internal sealed class Budget(Findings findings, Limit? limit)
{
    private readonly Dictionary<(string Scope, string Step), Reservation> _open = [];
    private readonly Dictionary<string, long> _seen = new(StringComparer.Ordinal);
    private readonly List<(long Seq, Usage Over)> _over = [];
    private long _leased;

    public Usage Used { get; private set; }

    public void Lease(Entry entry) => _leased = entry.Seq;

    public void BeginVisit()
    {
        _open.Clear();
        _seen.Clear();
        _over.Clear();
    }

    /// <summary>A scope has something recorded: whatever it does next, it does knowing all that was recorded before.</summary>
    public void See(string scope, Entry entry) => _seen[scope] = entry.Seq;

    public void Reserve(Entry entry, Body body)
    {
        var amount = Usage.Read(body.Object("amount") ?? throw new BodyFaultException("a body with the object 'amount'", "none"));
        _ = body.Text("agent");
        if (amount.Calls != 1)
        {
            findings.Add("I16", entry, "a reservation of one call", $"{amount.Calls}");
        }

        var key = (entry.Scope, entry.Step);
        if (_open.TryGetValue(key, out var before) && before.Epoch == entry.Epoch)
        {
            findings.Add("I16", entry, $"one reservation for each attempt of '{entry.Step}'", $"a second one; that of seq {before.Seq} is open");
        }

        _open[key] = new(amount, entry.Epoch, entry.Seq);
        Used += amount;
        CheckLimit(entry);
        See(entry.Scope, entry);
    }

    public void Reject(Entry entry)
    {
        Used += new Usage { Rejections = 1 };
        Over(entry, new Usage { Rejections = 1 });
        See(entry.Scope, entry);
    }

    /// <summary>A result of a step, or a failed attempt. <paramref name="paid"/>: it is a model's answer to an agent.</summary>
    public void Settle(Entry entry, Body body, bool paid)
    {
        _open.Remove((entry.Scope, entry.Step), out var reservation);
        if (reservation is not null && reservation.Epoch != entry.Epoch)
        {
            reservation = null; // of a process that is gone; it stays spent
        }

        if (body.Object("settlement") is { } settlement)
        {
            Settle(entry, settlement, reservation, body.Object("model"));
        }
        else if (paid)
        {
            findings.Add("I16", entry, $"what '{entry.Step}' came to, with its result", "no settlement");
        }
        else if (body.OptionalText("type") == "tool")
        {
            Used += new Usage { Microseconds = body.OptionalNumber("microseconds") ?? 0 };
        }

        See(entry.Scope, entry);
    }

    private void Settle(Entry entry, Body settlement, Reservation? reservation, Body? model)
    {
        var reserved = Usage.Read(settlement.Object("reserved") ?? throw new BodyFaultException("a settlement with 'reserved'", "none"));
        var spent = Usage.Read(settlement.Object("spent") ?? throw new BodyFaultException("a settlement with 'spent'", "none"));
        if (reservation is null)
        {
            findings.Add("I16", entry, $"a budget.reserved of '{entry.Step}' under epoch {entry.Epoch} before it", "none that is not settled");
        }
        else if (reservation.Amount != reserved)
        {
            findings.Add("I16", entry, $"the reservation of seq {reservation.Seq} to be settled ({reservation.Amount})", $"{reserved}");
        }

        // What the model does not state is estimated.
        if (model is { } call && (spent.Calls != 1 || Differs(call, "inputTokens", spent.InputTokens) || Differs(call, "outputTokens", spent.OutputTokens)))
        {
            findings.Add("I16", entry, $"the use that the model states: 1 call, {Stated(call, "inputTokens")}+{Stated(call, "outputTokens")} tokens", $"{spent}");
        }

        Used += spent - reserved;
        Over(entry, (spent - reserved).Excess);
    }

    private static bool Differs(Body model, string member, long spent) => model.OptionalNumber(member) is { } stated && stated != spent;

    private static string Stated(Body model, string member) => model.OptionalNumber(member)?.ToString(CultureInfo.InvariantCulture) ?? "?";

    private void Over(Entry entry, Usage over)
    {
        if (limit is not null && over != default)
        {
            _over.Add((entry.Seq, over));
        }
    }

    private void CheckLimit(Entry entry)
    {
        if (limit is null)
        {
            return;
        }

        // Whoever asks has looked at the budget after the last record of its own scope. What others have used beyond their reservations since then it could not know.
        var since = Math.Max(_leased, Seen(entry.Scope));
        var inFlight = _over.Where(o => o.Seq > since).Aggregate(default(Usage), (sum, o) => sum + o.Over);
        if (limit.Excess(Used, inFlight) is { } excess)
        {
            findings.Add("I16", entry, excess.Expected, excess.Got);
        }
    }

    private long Seen(string scope)
    {
        for (var at = scope; ; at = at[..at.LastIndexOf('/')])
        {
            if (_seen.TryGetValue(at, out var seq))
            {
                return seq;
            }

            if (!at.Contains('/', StringComparison.Ordinal))
            {
                return 0;
            }
        }
    }

    private sealed record Reservation(Usage Amount, long Epoch, long Seq);
}
