using Signalbox.Journal;

namespace Signalbox.Tests.Queries;

/// <summary>A log written by hand: each entry lies where and when the test says.</summary>
internal sealed class MadeUpLog
{
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<RunId, long> _seqs = [];

    /// <summary>The time of the entries that follow, microseconds since 1970. Begins on 2026-03-02 (a Monday) at 10:00 UTC.</summary>
    public long At { get; set; } = Microseconds.From(new DateTimeOffset(2026, 3, 2, 10, 0, 0, TimeSpan.Zero));

    public IReadOnlyList<Entry> Entries => _entries;

    public static RawJson Json(string json) => new(System.Text.Encoding.UTF8.GetBytes(json));

    public MadeUpLog Wait(TimeSpan time)
    {
        At += (long)time.TotalMicroseconds;
        return this;
    }

    public RunId Start(string run, string workflow = "door")
    {
        Add(new RunId(run), EntryKinds.RunStarted, new RunStarted(workflow, 1, Json("{}")));
        return new RunId(run);
    }

    public void Decide(RunId run, string id, string tier = "fast", double confidence = 0.9, bool stands = true) => Add(
        run, EntryKinds.DecisionMade, new DecisionMade(id, "analyst", "close", Json("{}"), confidence, new Dictionary<string, double>(), [], tier, "m-1", stands), scope: $"analyst/{tier}");

    public void Judge(RunId run, string id, bool isRight) => Add(run, EntryKinds.DecisionJudged, new DecisionJudged(id, isRight ? "right" : "wrong"));

    public void Climb(RunId run, string reason, string from = "fast", string to = "strong") => Add(run, EntryKinds.EscalationRaised, new EscalationRaised("analyst", from, to, reason, "because"));

    public void Add(RunId run, string kind, string scope = "", string step = "") => Append(run, kind, default, scope, step);

    public void Add<T>(RunId run, string kind, T body, string scope = "", string step = "") => Append(run, kind, Body.Write(body), scope, step);

    private void Append(RunId run, string kind, ReadOnlyMemory<byte> body, string scope, string step)
    {
        _seqs[run] = _seqs.GetValueOrDefault(run, -1) + 1;
        _entries.Add(new Entry
        {
            Position = _entries.Count + 1,
            Run = run,
            Seq = _seqs[run],
            Epoch = 1,
            At = At,
            Kind = kind,
            State = "Start",
            Visit = 1,
            Scope = scope,
            Step = step,
            Actor = "test",
            Cause = "",
            Body = body,
            Salt = default,
            Hash = default,
        });
    }
}
