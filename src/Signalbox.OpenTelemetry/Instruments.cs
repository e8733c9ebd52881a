using System.Diagnostics;
using System.Diagnostics.Metrics;
using Signalbox.Diagnostics;
using Signalbox.Queries;

namespace Signalbox.OpenTelemetry;

/// <summary>The metrics that are derived from the log. What tags hold is bounded: names come from the program, never from a model, and after so many different ones the rest is <c>other</c>.</summary>
internal sealed class Instruments : IDisposable
{
    private static readonly double[] s_seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14_400, 86_400];
    private static readonly double[] s_modelSeconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    private static readonly double[] s_tokens = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

    private readonly Meter _meter = new(SignalboxMeter.Name);
    private readonly Names _names = new();
    private readonly Histogram<double> _runs;
    private readonly Histogram<double> _visits;
    private readonly Histogram<double> _steps;
    private readonly Histogram<double> _calls;
    private readonly Histogram<long> _tokens;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _escalations;
    private readonly Counter<long> _rejections;
    private readonly Counter<long> _decisions;
    private readonly Counter<long> _actions;
    private readonly Counter<long> _approvals;

    public Instruments(TelemetryState state)
    {
        _runs = _meter.CreateHistogram("signalbox.run.duration", "s", "How long runs took from their start to their end, by how they ended.", advice: Buckets(s_seconds));
        _visits = _meter.CreateHistogram("signalbox.visit.duration", "s", "How long runs stayed in a state.", advice: Buckets(s_seconds));
        _steps = _meter.CreateHistogram("signalbox.step.duration", "s", "How long steps took: reads, evidence, model and tool calls; those that failed have an error type.", advice: Buckets(s_seconds));
        _calls = _meter.CreateHistogram("gen_ai.client.operation.duration", "s", "How long model calls took.", advice: Buckets(s_modelSeconds));
        _tokens = _meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "How many tokens model calls used, by direction.", advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [.. s_tokens.Select(t => (long)t)] });
        _cost = _meter.CreateCounter<double>("signalbox.cost", "{currency}", "What model calls came to, in the price table's currency.");
        _escalations = _meter.CreateCounter<long>("signalbox.escalations", "{escalation}", "Decisions that moved up the ladder, by why.");
        _rejections = _meter.CreateCounter<long>("signalbox.tool.rejections", "{call}", "Tool calls that were not carried out, by why.");
        _decisions = _meter.CreateCounter<long>("signalbox.decisions", "{decision}", "Decisions by tier, and whether they stood.");
        _actions = _meter.CreateCounter<long>("signalbox.actions", "{action}", "Actions by what became of them.");
        _approvals = _meter.CreateCounter<long>("signalbox.approvals.answered", "{question}", "Questions to people by what came of them.");
        _meter.CreateObservableGauge("signalbox.runs", () => Runs(state), "{run}", "Open runs by status.");
        _meter.CreateObservableGauge("signalbox.queue.age", () => Look(state, look => look.QueueAgeSeconds), "s", "How long the oldest run has waited that can go on at once.");
        _meter.CreateObservableGauge("signalbox.approvals.open", () => Look(state, look => (double)look.ApprovalsOpen), "{run}", "Runs with an open question to a person.");
        _meter.CreateObservableGauge("signalbox.index.lag", () => state.Look?.IndexLag is { } lag ? [new Measurement<long>(lag)] : Array.Empty<Measurement<long>>(), "{entry}", "Entries that the search index lacks.");
        _meter.CreateObservableGauge("signalbox.log.position", () => state.LogPosition, "{entry}", "The position of the last entry that was read.");
        _meter.CreateObservableGauge("signalbox.traces.lag", () => state.TraceLag is { } lag ? [new Measurement<long>(lag)] : Array.Empty<Measurement<long>>(), "{entry}", "Entries that have not been sent as traces.");
        _meter.CreateObservableCounter("signalbox.traces.failures", () => state.ExportFailures, "{attempt}", "How often a collector did not take traces.");
    }

    /// <summary>The names of all metrics, the store's own too.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "signalbox.run.duration", "signalbox.visit.duration", "signalbox.step.duration", "gen_ai.client.operation.duration", "gen_ai.client.token.usage", "signalbox.cost", "signalbox.escalations",
        "signalbox.tool.rejections", "signalbox.decisions", "signalbox.actions", "signalbox.approvals.answered", "signalbox.runs", "signalbox.queue.age", "signalbox.approvals.open", "signalbox.index.lag",
        "signalbox.log.position", "signalbox.traces.lag", "signalbox.traces.failures", "signalbox.commit.batch.size",
    ];

    public void Count(EndedSpan ended)
    {
        var span = ended.Span;
        var seconds = (span.EndedAt!.Value - span.StartedAt) / 1e6;
        var workflow = _names.Bounded("workflow", ended.Workflow);
        switch (span.Type)
        {
            case RunSpanType.Run:
                _runs.Record(seconds, new(SpanAttributes.Workflow, workflow), new(SpanAttributes.Status, Text(span, SpanAttributes.Status)));
                break;
            case RunSpanType.Visit:
                _visits.Record(seconds, new(SpanAttributes.Workflow, workflow), new(SpanAttributes.State, _names.Bounded("state", span.State)));
                break;
            case RunSpanType.Read or RunSpanType.Evidence:
                CountStep(span, seconds, span.Name);
                break;
            case RunSpanType.ModelCall:
                CountCall(span, seconds);
                break;
            case RunSpanType.ToolCall when Text(span, SpanAttributes.Rejection) is { Length: > 0 } code:
                _rejections.Add(1, Agent(span), new(SpanAttributes.Rejection, _names.Bounded("rejection", code)));
                break;
            case RunSpanType.ToolCall:
                CountStep(span, seconds, span.Name);
                break;
            case RunSpanType.Tier:
                CountTier(span);
                break;
            case RunSpanType.Action:
                _actions.Add(1, new("signalbox.action", _names.Bounded("action", span.Name)), new(SpanAttributes.ActionStatus, Text(span, SpanAttributes.ActionStatus) is { Length: > 0 } status ? status : "unsettled"));
                break;
            case RunSpanType.Approval:
                var choice = Text(span, SpanAttributes.Choice);
                _approvals.Add(1, new(SpanAttributes.Status, Text(span, SpanAttributes.Status)), new(SpanAttributes.Choice, choice is "approve" or "reject" or "edit" or "" ? choice : "other"));
                break;
        }
    }

    public void Dispose() => _meter.Dispose();

    private void CountStep(RunSpan span, double seconds, string name)
    {
        var tags = new TagList { { SpanAttributes.Type, SpanActivities.TypeOf(span.Type) }, { SpanAttributes.Step, _names.Bounded("step", name) } };
        if (span.Error is { } error)
        {
            tags.Add(SpanAttributes.ErrorType, _names.Bounded("error", error));
        }

        _steps.Record(seconds, tags);
    }

    private void CountCall(RunSpan span, double seconds)
    {
        var model = SpanActivities.ModelOf(span);
        CountStep(span, seconds, model);
        var tags = new TagList
        {
            { SpanAttributes.Operation, "chat" }, { SpanAttributes.Provider, SpanAttributes.ProviderOf(model) }, { SpanAttributes.RequestModel, _names.Bounded("model", model) },
        };
        Tokens("input", SpanAttributes.InputTokens, tags);
        Tokens("output", SpanAttributes.OutputTokens, tags);
        if (span.Attributes.GetValueOrDefault(SpanAttributes.CostMicros) is long micros and > 0)
        {
            _cost.Add(micros / 1e6, new(SpanAttributes.RequestModel, _names.Bounded("model", model)), Agent(span));
        }

        if (span.Error is { } error)
        {
            tags.Add(SpanAttributes.ErrorType, _names.Bounded("error", error));
        }

        _calls.Record(seconds, tags);

        void Tokens(string direction, string attribute, TagList tags)
        {
            if (span.Attributes.GetValueOrDefault(attribute) is long count and >= 0)
            {
                tags.Add("gen_ai.token.type", direction);
                _tokens.Record(count, tags);
            }
        }
    }

    private void CountTier(RunSpan span)
    {
        if (span.Attributes.GetValueOrDefault(SpanAttributes.Stands) is bool stands)
        {
            _decisions.Add(1, Agent(span), new(SpanAttributes.Tier, _names.Bounded("tier", span.Name)), new(SpanAttributes.Stands, stands));
        }

        if (Text(span, SpanAttributes.Escalation) is { Length: > 0 } reason)
        {
            _escalations.Add(1, Agent(span), new(SpanAttributes.Tier, _names.Bounded("tier", span.Name)), new(SpanAttributes.Escalation, _names.Bounded("escalation", reason)));
        }
    }

    private KeyValuePair<string, object?> Agent(RunSpan span) => new(SpanAttributes.Agent, _names.Bounded("agent", Text(span, SpanAttributes.Agent)));

    private static string Text(RunSpan span, string attribute) => span.Attributes.GetValueOrDefault(attribute) as string ?? "";

    private static InstrumentAdvice<double> Buckets(double[] bounds) => new() { HistogramBucketBoundaries = bounds };

    private static IEnumerable<Measurement<long>> Runs(TelemetryState state) =>
        state.Look?.Runs.Select(r => new Measurement<long>(r.Value, new KeyValuePair<string, object?>(SpanAttributes.Status, r.Key.ToString().ToLowerInvariant()))) ?? [];

    private static IEnumerable<Measurement<double>> Look(TelemetryState state, Func<StoreLook, double> value) => state.Look is { } look ? [new Measurement<double>(value(look))] : [];

    /// <summary>The names that tags may hold.</summary>
    private sealed class Names
    {
        private const int NamesMax = 100;
        private const int CharactersMax = 100;
        private readonly Dictionary<string, HashSet<string>> _known = [];

        public string Bounded(string kind, string name)
        {
            if (!_known.TryGetValue(kind, out var known))
            {
                _known[kind] = known = new HashSet<string>(StringComparer.Ordinal);
            }

            return name.Length <= CharactersMax && (known.Contains(name) || (known.Count < NamesMax && known.Add(name))) ? name : "other";
        }
    }
}
