using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

/// <summary>The contract's own test: each of these faults, planted in a store that is right otherwise, must be noticed by some fact.</summary>
public sealed class A_store_with_a_fault
{
    public enum Fault
    {
        EpochUnchecked,
        SeqUnchecked,
        KeyUnchecked,
        CompanionsForgotten,
        RefusedCompanionRefusesAll,
        LeasedTwice,
        DueTooEarly,
        NeverDue,
        HeartbeatAlwaysGood,
        RetiredLivesOn,
        AloneIgnored,
        AnswersNeverExpire,
        MailboxForgotten,
        SpendingForgotten,
        DatesFall,
        HashWithoutBody,
        PositionsWithGaps,
        PayloadsEmpty,
        FiltersIgnored,
        PagesOverlap,
        HintsForgotten,
        ReadsLag,
    }

    public static TheoryData<Fault> Faults => new(Enum.GetValues<Fault>());

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Is_noticed(Fault fault)
    {
        var noticed = new List<string>();
        foreach (var fact in RunStoreContract.Facts.Where(f => !f.NeedsDurability && (fault == Fault.HintsForgotten) == f.Name.StartsWith("Telling", StringComparison.Ordinal)))
        {
            await using var harness = new Harness(fault);
            try
            {
                // The fact itself waits long for a hint that never comes; here it is known that none does.
                await fact.CheckAsync(harness).WaitAsync(TimeSpan.FromSeconds(fault == Fault.HintsForgotten ? 1 : 60));
            }
            catch (Exception e) when (e is ContractViolationException or InvalidOperationException or JournalDamagedException || (e is TimeoutException && fault == Fault.HintsForgotten))
            {
                noticed.Add(fact.Name);
                break;
            }
        }

        Assert.NotEmpty(noticed);
    }

    private sealed class Harness(Fault fault) : StoreHarness
    {
        public override bool IsDurable => false;

        protected override ValueTask<IRunStore> OpenStoreAsync() => ValueTask.FromResult<IRunStore>(new FaultyStore(fault, new InMemoryRunStore(Clock, Entropy)));
    }

    private sealed class FaultyStore(Fault fault, InMemoryRunStore inner) : IRunStore
    {
        private RunHead? _stale;

        public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
        {
            if (fault == Fault.RefusedCompanionRefusesAll)
            {
                foreach (var other in commit.Also)
                {
                    if (await inner.FindAsync(other.Run, default) is { Row.IsOpen: false })
                    {
                        return new(CommitStatus.Refused, await inner.FindAsync(commit.Run, default), [], new Refusal("also", "a companion"));
                    }
                }
            }

            if (fault == Fault.AnswersNeverExpire && commit.Entries.Any(e => e.Kind == EntryKinds.ApprovalAnswered) && await inner.CommitAsync(commit, cancellationToken) is { Refusal.Code: "approval_expired" })
            {
                commit = commit with { Entries = [.. commit.Entries.Select(e => e with { Kind = EntryKinds.ApprovalExpired })] };
            }

            var changed = fault switch
            {
                Fault.EpochUnchecked => commit with { Epoch = null },
                Fault.SeqUnchecked => commit with { ExpectedSeq = null },
                Fault.CompanionsForgotten => commit with { Also = [] },
                Fault.KeyUnchecked when commit.Entries is [{ Kind: EntryKinds.RunStarted } start, ..] => commit with { Entries = [WithoutKey(start), .. commit.Entries.Skip(1)] },
                Fault.MailboxForgotten when commit.Entries is [{ Kind: EntryKinds.SignalReceived } signal] => commit with { Entries = [signal with { Kind = "signal.lost" }] },
                Fault.SpendingForgotten => commit with { Entries = [.. commit.Entries.Select(e => e.Kind == EntryKinds.BudgetReserved ? e with { Kind = "budget.lost" } : e)] },
                _ => commit,
            };
            if (fault == Fault.ReadsLag)
            {
                _stale = await inner.FindAsync(commit.Run, default);
            }

            return await inner.CommitAsync(changed, cancellationToken);
        }

        public async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken)
        {
            if (fault == Fault.NeverDue)
            {
                return await inner.LeaseAsync(request, cancellationToken) with { NextDue = null };
            }

            if (fault == Fault.AloneIgnored)
            {
                request = request with { Idle = true };
            }

            var result = await inner.LeaseAsync(request, cancellationToken);
            if (fault == Fault.LeasedTwice && result.Runs.Count == 0)
            {
                var running = await inner.ListAsync(new RunQuery { Statuses = [RunStatus.Running], Workflow = request.Workflows.First().Name, Limit = 1 }, default);
                return result with { Runs = running };
            }

            if (fault == Fault.DueTooEarly && result is { Runs.Count: 0, NextDue: not null })
            {
                return result with { Runs = await inner.ListAsync(new RunQuery { Statuses = [RunStatus.Waiting] }, default) };
            }

            return result;
        }

        public async ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken) =>
            await inner.HeartbeatAsync(worker, lease, cancellationToken) || fault == Fault.HeartbeatAlwaysGood;

        public ValueTask RetireAsync(string worker, CancellationToken cancellationToken) =>
            fault == Fault.RetiredLivesOn ? ValueTask.CompletedTask : inner.RetireAsync(worker, cancellationToken);

        public IDisposable Subscribe(Action<RunChange> onChange) => inner.Subscribe(fault == Fault.HintsForgotten ? _ => { } : onChange);

        public async ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) =>
            fault == Fault.ReadsLag && _stale?.Row.Run == run ? _stale : await inner.FindAsync(run, cancellationToken);

        public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => inner.FindByKeyAsync(workflow, key, cancellationToken);

        public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => inner.ListAsync(
            fault switch
            {
                Fault.FiltersIgnored => query with { Statuses = [] },
                Fault.PagesOverlap => query with { Limit = query.Limit + 1 },
                _ => query,
            },
            cancellationToken);

        public async ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) =>
            Altered(await inner.ReadAsync(run, fromSeq, max, cancellationToken));

        public async ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) =>
            Altered(await inner.ReadLogAsync(fault == Fault.PositionsWithGaps ? position / 2 : position, max, cancellationToken));

        public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => inner.ClaimsAsync(query, cancellationToken);

        public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) =>
            fault == Fault.PayloadsEmpty ? ValueTask.FromResult<ReadOnlyMemory<byte>?>(ReadOnlyMemory<byte>.Empty) : inner.FindPayloadAsync(hash, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private IReadOnlyList<Entry> Altered(IReadOnlyList<Entry> entries) => fault switch
        {
            Fault.HashWithoutBody => [.. entries.Select(e => e.Body.IsEmpty ? e : e with { Body = "{}"u8.ToArray() })],
            Fault.PositionsWithGaps => [.. entries.Select(e => e with { Position = e.Position * 2 })],
            Fault.DatesFall => [.. entries.Select(e => e with { At = e.At - e.Seq })],
            _ => entries,
        };

        private static EntryDraft WithoutKey(EntryDraft start) =>
            start with { Body = System.Text.Encoding.UTF8.GetBytes(System.Text.RegularExpressions.Regex.Replace(System.Text.Encoding.UTF8.GetString(start.Body.Span), "\"key\":\"[^\"]*\",?", "")) };
    }
}
