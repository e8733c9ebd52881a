using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I3 for waits, signals, approvals and places in a queue of one run: what closes a wait closes an open one, once; a signal is consumed once, after it arrived; a
/// question is answered as often as it needs, in time, by its choices; no wait outlives its visit.
/// </summary>
internal sealed class Waits(Findings findings)
{
    private readonly Dictionary<(string Scope, string Step), Wait> _open = [];
    private readonly Dictionary<(string Scope, string Step), (string Kind, long Seq)> _closed = [];
    private readonly Dictionary<(string Scope, string Step), (long? Due, long Seq)> _queued = [];
    private readonly Dictionary<long, string> _mailbox = [];
    private readonly Dictionary<long, long> _consumed = [];

    public bool IsEmpty => _open.Count == 0 && _queued.Count == 0;

    /// <summary>The earliest time at which an open wait ends by itself.</summary>
    public long? FirstDue => _open.Values.Select(w => w.Due).Concat(_queued.Values.Select(q => q.Due)).Min();

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

        if (!_open.TryAdd(key, new(approval, signal, due, approval ? body.Texts("choices") : [], approval ? body.OptionalText("safe") : null, entry.Seq, approval ? Terms.Read(body) : null)))
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

    /// <summary>Whether the answer decides the question.</summary>
    public bool Answer(Entry entry, Body body)
    {
        var expired = entry.Kind == "approval.expired";
        var choice = body.Text("choice");
        var asked = _open.GetValueOrDefault((entry.Scope, entry.Step));
        var decides = expired || asked?.Terms is not { } terms || terms.Decide(choice);
        if ((decides ? Close(entry, approval: true) : asked) is not { } question)
        {
            return false;
        }

        if (!expired && decides && question.Terms is { IsOfAnAction: true } approved && choice == "approve")
        {
            _open[(entry.Scope, entry.Step)] = question with { IsApproved = true, Due = entry.At + approved.ValidFor }; // until its intent consumes it
        }

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

        return decides;
    }

    public void Withdraw(Entry entry)
    {
        if (entry.Kind == "claim.withdrawn")
        {
            if (!_queued.Remove((entry.Scope, entry.Step)))
            {
                findings.Add("I3", entry, $"'{entry.Step}' to be queued", "claim.withdrawn without a claim.queued");
            }

            return;
        }

        Close(entry, approval: entry.Kind == "approval.withdrawn");
        _closed.Remove((entry.Scope, entry.Step)); // a retry of the visit asks again
    }

    public void Queue(Entry entry, Body body) => _queued[(entry.Scope, entry.Step)] = (body.OptionalNumber("due"), entry.Seq);

    /// <summary>An operator is needed: it waits in no queue meanwhile.</summary>
    public void LeaveQueues() => _queued.Clear();

    /// <summary>An action goes on, or ends: it neither queues any more, nor has an approval that is not consumed.</summary>
    public void Act(Entry entry)
    {
        var key = (entry.Scope, entry.Step);
        _queued.Remove(key);
        if (_open.GetValueOrDefault(key) is { IsApproved: true } or { Terms.IsOfAnAction: true })
        {
            _open.Remove(key);
        }
    }

    public void Receive(Entry entry, Body body) => _mailbox[entry.Seq] = body.Text("name");

    /// <summary>The visit ends; nothing may be open.</summary>
    public void EndVisit(Entry entry)
    {
        foreach (var (step, seq) in _open.Select(w => (w.Key.Step, w.Value.Seq)).Concat(_queued.Select(q => (q.Key.Step, q.Value.Seq))))
        {
            findings.Add("I3", entry, $"no open wait at '{entry.Kind}'", $"'{step}', open since seq {seq}");
        }

        _open.Clear();
        _queued.Clear();
    }

    public void BeginVisit() => _closed.Clear();

    private Wait? Close(Entry entry, bool approval)
    {
        var key = (entry.Scope, entry.Step);
        if (_open.TryGetValue(key, out var wait) && wait.IsApproval == approval && !(wait.IsApproved && entry.Kind == "approval.answered"))
        {
            _open.Remove(key);
            _closed[key] = (entry.Kind, entry.Seq);
            return wait;
        }

        var got = _closed.TryGetValue(key, out var closed) ? $"{entry.Kind} after the {closed.Kind} of seq {closed.Seq}" : $"{entry.Kind} without one";
        findings.Add("I3", entry, $"an open {(approval ? "question" : "wait")} '{entry.Step}'", got);
        return null;
    }

    private sealed record Wait(bool IsApproval, string? Signal, long? Due, string[] Choices, string? Safe, long Seq, Terms? Terms = null, bool IsApproved = false);

    /// <summary>How many answers a question needs.</summary>
    private sealed class Terms(long quorum, string? safe, bool isOfAnAction, long validFor)
    {
        private readonly Dictionary<string, int> _answers = new(StringComparer.Ordinal);

        public bool IsOfAnAction { get; } = isOfAnAction;

        public long ValidFor { get; } = validFor;

        public static Terms? Read(Body question) => question.Object("terms") is not { } terms ? null : new(
            terms.OptionalNumber("quorum") ?? 1, terms.OptionalText("safe") ?? question.OptionalText("safe"), question.Element("action") is not null, terms.OptionalNumber("validFor") ?? 0);

        /// <summary>Counts an answer. One is enough to refuse.</summary>
        public bool Decide(string choice) => (_answers[choice] = _answers.GetValueOrDefault(choice) + 1) >= quorum || choice is "reject" or "edit" || choice == safe;
    }
}
