using Signalbox.HistoryChecker.Format;
using Signalbox.HistoryChecker.Rules;

namespace Signalbox.HistoryChecker;

/// <summary>
/// Checks an exported journal, and what is given beside it, against the invariants I1 to I6, I7 (fences), I8 (approvals, policies), I9 (claims), I10 (final state), I11, I12 (runs' keys), I16 (usage, limits),
/// I18 (tools), I19 (hash chain, erasure), I21 (looks) and I23 (replies).
/// Knows the engine's format and none of its code, so that both would have to be wrong in the same way. One pass over the journal.
/// </summary>
public static class HistoryCheck
{
    /// <summary>The violations, in the order of the journal where they show in it, then those of the whole.</summary>
    /// <exception cref="BadInputException">An input cannot be read.</exception>
    public static IReadOnlyList<Violation> Run(IEnumerable<string> journalLines, HistoryOptions? options = null) => Report(journalLines, options).Violations;

    /// <inheritdoc cref="Run"/>
    public static HistoryReport Report(IEnumerable<string> journalLines, HistoryOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(journalLines);
        options ??= new HistoryOptions();
        if (options.TargetState is not null && (options.Action is null || options.Resource is null))
        {
            throw new ArgumentException("A target's state needs the name of the action that makes it, and the member of its arguments that is the resource.", nameof(options));
        }

        return new History(options).Check(journalLines);
    }

    private sealed class History
    {
        private readonly HistoryOptions _options;
        private readonly Findings _findings = new();
        private readonly ChainHash _hash = new();
        private readonly Log _log;
        private readonly Payloads _payloads;
        private readonly Actions _actions;
        private readonly Approvals _approvals;
        private readonly Claims _claims;
        private readonly Counters _counters;
        private readonly Verification _verification;
        private readonly Keys _keys;
        private readonly Acknowledgements? _acknowledgements;
        private readonly IReadOnlyDictionary<string, Limit> _limits;
        private readonly Dictionary<string, RunHistory> _runs = new(StringComparer.Ordinal);
        private long _entries;

        public History(HistoryOptions options)
        {
            _options = options;
            _log = new(_findings);
            _payloads = new(_findings);
            _actions = new(_findings, _payloads, options);
            _approvals = new(_findings);
            _claims = new(_findings);
            _counters = new(_findings);
            _verification = new(_findings, options);
            _keys = new(_findings);
            _limits = Limit.Read(options.Budgets ?? [], options.BudgetsName);
            _acknowledgements = options.Acknowledgements is null ? null : new(_findings, options);
        }

        public HistoryReport Check(IEnumerable<string> journalLines)
        {
            _acknowledgements?.Read(_options.Acknowledgements!);
            foreach (var line in ExportReader.Read(journalLines, _options.JournalName))
            {
                if (line.Entry is { } entry)
                {
                    Take(entry);
                }
                else if (line.PayloadHash.Length > 0)
                {
                    _payloads.Add(line.PayloadHash, line.Payload);
                }
            }

            End();
            return new HistoryReport(_entries, _runs.Count, _findings.All) { Used = _runs.Where(r => r.Value.Used != default).ToDictionary(r => r.Key, r => r.Value.Used) };
        }

        private void Take(Entry entry)
        {
            _entries++;
            if (!_runs.TryGetValue(entry.Run, out var run))
            {
                _runs.Add(entry.Run, run = new RunHistory(_findings, _hash, _payloads, _limits));
            }

            _log.Take(entry);
            run.Take(entry);
            if (!entry.IsErased)
            {
                ReadReferences(entry);
                TakeAction(entry);
            }

            _acknowledgements?.Count(entry);
            if (entry.Kind == "run.started" && !entry.IsErased)
            {
                _keys.Take(entry);
            }
        }

        /// <summary>What is about actions, and what they need: the body is read once for all rules.</summary>
        private void TakeAction(Entry entry)
        {
            if (!Actions.Concerns(entry.Kind))
            {
                return;
            }

            try
            {
                using var document = entry.Body.IsEmpty && Kinds.Find(entry.Kind)?.MayLackBody == true ? null : Body.Parse(entry);
                var body = document is null ? default : new Body(document.RootElement);
                _actions.Take(entry, body);
                _approvals.Take(entry, body);
                _claims.Take(entry, body);
                if (entry.Kind == "action.intended")
                {
                    _counters.Take(entry, body);
                }
                else if (entry.Kind == "action.verified")
                {
                    _verification.Take(entry, body);
                }
            }
            catch (BodyFaultException e)
            {
                _findings.AddOnce("I3", entry, e.Expected, e.Got);
            }
        }

        private void ReadReferences(Entry entry)
        {
            try
            {
                _payloads.Expect(entry);
            }
            catch (BodyFaultException e)
            {
                _findings.Add("I3", entry, e.Expected, e.Got);
            }
        }

        private void End()
        {
            foreach (var run in _runs.Values)
            {
                run.End();
            }

            _payloads.End();
            _actions.End();
            _claims.End();
            _acknowledgements?.End(_keys);
            if (_options.TargetLog is { } log)
            {
                new TargetLog(_findings, _actions, _verification, _options).Check(log);
            }

            _verification.End();

            if (_options.TargetState is { } state)
            {
                new TargetState(_findings, _actions, _claims, _options).Check(state);
            }
        }
    }
}
