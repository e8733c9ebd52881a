using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I3 for waits, signals and approvals of one run: what closes a wait closes an open one, once; a signal is consumed once, after it arrived; a
/// question is answered once, in time, by one of its choices; no wait outlives its visit.
/// </summary>
internal sealed class Waits(Findings findings)
{
    private readonly Dictionary<(string Scope, string Step), Wait> _open = [];
    private readonly Dictionary<(string Scope, string Step), (string Kind, long Seq)> _closed = [];
    private readonly Dictionary<long, string> _mailbox = [];
    private readonly Dictionary<long, long> _consumed = [];

    public bool IsEmpty => _open.Count == 0;

    /// <summary>The earliest time at which an open wait ends by itself.</summary>
    public long? FirstDue => _open.Values.Min(w => w.Due);

    /// <summary>Whether a signal has arrived that an open wait waits for.</summary>
    public string? SignalThere => _open.Values.Where(w => w.Signal is not null && _mailbox.ContainsValue(w.Signal)).Select(w => w.Signal).FirstOrDefault();

    public bool Wants(string signal) => _open.Values.Any(w => w.Signal == signal);

    public void Open(Entry entry, Body body)
    {
        var due = body.OptionalNumber("due");
        var approval = entry.Kind == "approval.requested";
        var signal = approval ? null : body.OptionalText("signal");
        if (approval ? body.Texts("choices").Length == 0 : due is null && signal is null)
        {
            findings.Add("I3", entry, approval ? "a question with choices" : "a wait for a time or a signal", approval ? "none" : "neither");
        }

        var key = (entry.Scope, entry.Step);
        if (_closed.TryGetValue(key, out var closed))
        {
            findings.Add("I3", entry, $"'{entry.Step}' not to be waited for again in visit {entry.Visit}", $"{entry.Kind} after the {closed.Kind} of seq {closed.Seq}");
        }

        if (!_open.TryAdd(key, new(approval, signal, due, approval ? body.Texts("choices") : [], approval ? body.OptionalText("safe") : null, entry.Seq)))
        {
            findings.Add("I3", entry, $"one open wait '{entry.Step}'", $"a second one; the first is open since seq {_open[key].Seq}");
        }
    }

    public void Complete(Entry entry, Body body)
    {
        if (Close(entry, approval: false) is not { } wait)
        {
            return;
        }

        if (body.OptionalNumber("signalSeq") is not { } seq)
        {
            if (wait.Due is null || wait.Due > entry.At)
            {
                findings.Add("I3", entry, wait.Due is null ? $"the signal '{wait.Signal}' to end a wait without a time" : $"the time {wait.Due} to have come", wait.Due is null ? "no signal" : $"{entry.At}");
            }
        }
        else if (_consumed.TryGetValue(seq, out var before))
        {
            findings.Add("I3", entry, $"the signal of seq {seq} to be consumed once", $"a second time; the first was seq {before}");
        }
        else if (!_mailbox.TryGetValue(seq, out var name))
        {
            findings.Add("I3", entry, $"a signal received at seq {seq}, before it is consumed", "none");
        }
        else if (name != wait.Signal)
        {
            findings.Add("I3", entry, wait.Signal is null ? "a timer to end by its time alone" : $"the signal '{wait.Signal}'", $"'{name}'");
        }
        else
        {
            _mailbox.Remove(seq);
            _consumed.Add(seq, entry.Seq);
        }
    }

    public void Answer(Entry entry, Body body)
    {
        if (Close(entry, approval: true) is not { } question)
        {
            return;
        }

        var choice = body.Text("choice");
        var expired = entry.Kind == "approval.expired";
        if (expired && question.Safe is not null && choice != question.Safe)
        {
            findings.Add("I3", entry, $"the safe choice '{question.Safe}'", $"'{choice}'");
        }
        else if (!question.Choices.Contains(choice, StringComparer.Ordinal))
        {
            findings.Add("I3", entry, $"one of the choices ({string.Join(", ", question.Choices)})", $"'{choice}'");
        }

        if (expired ? question.Due is null || question.Due > entry.At : question.Due <= entry.At)
        {
            var due = question.Due is null ? "no time limit" : $"the limit {question.Due}";
            findings.Add("I3", entry, expired ? "a question that has run out of time" : "an answer in time", $"{entry.Kind} at {entry.At} with {due}");
        }
    }

    public void Withdraw(Entry entry)
    {
        Close(entry, approval: entry.Kind == "approval.withdrawn");
        _closed.Remove((entry.Scope, entry.Step)); // a retry of the visit asks again
    }

    public void Receive(Entry entry, Body body) => _mailbox[entry.Seq] = body.Text("name");

    /// <summary>The visit ends; nothing may be open.</summary>
    public void EndVisit(Entry entry)
    {
        foreach (var ((_, step), wait) in _open)
        {
            findings.Add("I3", entry, $"no open wait at '{entry.Kind}'", $"'{step}', open since seq {wait.Seq}");
        }

        _open.Clear();
    }

    public void BeginVisit() => _closed.Clear();

    private Wait? Close(Entry entry, bool approval)
    {
        var key = (entry.Scope, entry.Step);
        if (_open.TryGetValue(key, out var wait) && wait.IsApproval == approval)
        {
            _open.Remove(key);
            _closed[key] = (entry.Kind, entry.Seq);
            return wait;
        }

        var got = _closed.TryGetValue(key, out var closed) ? $"{entry.Kind} after the {closed.Kind} of seq {closed.Seq}" : $"{entry.Kind} without one";
        findings.Add("I3", entry, $"an open {(approval ? "question" : "wait")} '{entry.Step}'", got);
        return null;
    }

    private sealed record Wait(bool IsApproval, string? Signal, long? Due, string[] Choices, string? Safe, long Seq);
}
