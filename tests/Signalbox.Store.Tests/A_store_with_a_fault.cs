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
        ClaimsUnchecked,
        ContainingClaimsUnseen,
        ContainedClaimsUnseen,
        NeighboursSeen,
        ClaimsGivenInPart,
        OwnClaimsInTheWay,
        OpposedTaken,
        UndoneBesideOthers,
        ClaimsNeverFreed,
        ClaimsFreedByUnknown,
        ExpiredStillCounts,
        ExpiredTooEarly,
        HoldsExpire,
        EffectsForgotten,
        TurnsNotGiven,
        TurnsGivenLate,
        ToldForgotten,
        QueueForgotten,
        HeldStaysInTheQueue,
        PlacesNeverExpire,
        RefusedClaimsWriteCompanions,
        LimitsUnchecked,
        LimitsOfEachRun,
        LimitsOfEachName,
        LimitWindowTooShort,
        LimitWindowTooLong,
        UsesMiscounted,
        ClaimFiltersIgnored,
        ClaimPagesTorn,
        ClaimPagesOverlap,
        QuorumIgnored,
        BarredForgotten,
        RolesUnchecked,
        AnswersForAnythingCount,
        PersonsUnchecked,
        ApprovalsNeverLapse,
        ApprovalsConsumedTwice,
        IntentsNeedNoApproval,
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

        protected override ValueTask<IRunStore> OpenStoreAsync() => ValueTask.FromResult<IRunStore>(new FaultyStore(fault, new InMemoryRunStore(Clock, Entropy, table => new FaultyTable(fault, table))));
    }

    /// <summary>Shows the rules other claims and limits than there are, or keeps others than it is told.</summary>
    private sealed class FaultyTable(Fault fault, IClaimTable inner) : IClaimTable
    {
        private bool _late;

        public IReadOnlyList<ClaimRow> Overlapping(string path) => fault switch
        {
            Fault.ClaimsUnchecked => [],
            Fault.ContainingClaimsUnseen => [.. inner.Overlapping(path).Where(r => r.Claim.Resource.Path.Length >= path.Length)],
            Fault.ContainedClaimsUnseen => [.. inner.Overlapping(path).Where(r => r.Claim.Resource.Path.Length <= path.Length)],
            Fault.NeighboursSeen => inner.Overlapping(path[..^1]),
            Fault.OpposedTaken => [.. inner.Overlapping(path).Where(r => r.Phase != ClaimPhase.Standing)],
            Fault.PlacesNeverExpire => [.. inner.Overlapping(path).Select(r => r.Phase == ClaimPhase.Queued ? r with { Until = null } : r)],
            Fault.ExpiredStillCounts => [.. inner.Overlapping(path).Select(r => r with { Until = null })],
            Fault.ExpiredTooEarly => [.. inner.Overlapping(path).Select(r => r with { Until = r.Until - 1 })],
            Fault.HoldsExpire => [.. inner.Overlapping(path).Select(r => r is { Phase: ClaimPhase.Hold, Until: not null } ? r with { Phase = ClaimPhase.Proposal } : r)],
            _ => inner.Overlapping(path),
        };

        public IReadOnlyList<ClaimRow> Of(string actionId) => inner.Of(actionId);

        public IReadOnlyList<ClaimRow> OfRun(RunId run) => fault == Fault.HeldStaysInTheQueue ? [] : inner.OfRun(run);

        public IReadOnlyList<ClaimRow> Queued()
        {
            _late = !_late;
            return fault == Fault.TurnsNotGiven || (fault == Fault.TurnsGivenLate && _late) ? [] : inner.Queued();
        }

        public void Put(ClaimRow row) => inner.Put(fault switch
        {
            Fault.EffectsForgotten => row with { Made = false },
            Fault.ToldForgotten => row with { Told = false },
            _ => row,
        });

        public void Remove(ClaimRow row)
        {
            if (fault != Fault.ClaimsNeverFreed)
            {
                inner.Remove(row);
            }
        }

        public long Used(string limit, long after) => fault switch
        {
            Fault.LimitsUnchecked => 0,
            Fault.LimitsOfEachName => inner.Used("all", after),
            Fault.LimitWindowTooShort => inner.Used(limit, after + 1),
            Fault.LimitWindowTooLong => inner.Used(limit, after - 1),
            _ => inner.Used(limit, after),
        };

        public void Use(string limit, long at, long amount, long forget) => inner.Use(fault == Fault.LimitsOfEachName ? "all" : limit, at, amount, forget - 1);
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

            if (fault is Fault.ClaimsGivenInPart or Fault.UndoneBesideOthers && await inner.CommitAsync(commit, cancellationToken) is var strict)
            {
                var taken = strict.Claims?.InTheWay ?? [];
                return (fault, strict.Claims?.Code) switch
                {
                    (Fault.ClaimsGivenInPart, ClaimRefusal.Held) => await inner.CommitAsync(
                        With<ActionIntended>(commit, EntryKinds.ActionIntended, i => i with { Claims = [.. i.Claims!.Where(c => !taken.Any(t => t.Claim.Resource.Overlaps(c.Resource)))] }), cancellationToken),
                    (Fault.UndoneBesideOthers, ClaimRefusal.CoHeld) => await inner.CommitAsync(
                        With<ActionIntended>(commit, EntryKinds.ActionIntended, i => i with { Releases = [.. taken.Select(t => t.ActionId)] }), cancellationToken),
                    _ => strict,
                };
            }

            if (fault == Fault.OwnClaimsInTheWay && commit.Entries.FirstOrDefault(e => e.Kind == EntryKinds.ActionIntended) is { } intent
                && (await inner.ClaimsAsync(new ClaimQuery { Run = commit.Run }, default)).Where(r => r.ActionId == Body.Read<ActionIntended>(intent).ActionId).ToArray() is { Length: > 0 } own)
            {
                return new(CommitStatus.ClaimsRefused, await inner.FindAsync(commit.Run, default), [], Claims: new ClaimRefusal(ClaimRefusal.Held, own));
            }

            if (fault == Fault.RefusedClaimsWriteCompanions && await inner.CommitAsync(commit, cancellationToken) is var whole)
            {
                foreach (var other in whole.Status == CommitStatus.ClaimsRefused ? commit.Also : [])
                {
                    await inner.CommitAsync(other, cancellationToken);
                }

                return whole;
            }

            if (fault is Fault.ApprovalsConsumedTwice or Fault.IntentsNeedNoApproval && await inner.CommitAsync(commit, cancellationToken) is var first)
            {
                return first.Refusal?.Code == (fault == Fault.IntentsNeedNoApproval ? "approval_missing" : "approval_not_valid")
                    ? await inner.CommitAsync(commit with { Entries = [.. commit.Entries.Select(e => e with { Kind = "intent.unchecked" })] }, cancellationToken)
                    : first;
            }

            var changed = fault switch
            {
                Fault.ClaimsFreedByUnknown => commit with { Entries = [.. commit.Entries.Select(e => e.Kind == EntryKinds.ActionUnknown ? e with { Kind = EntryKinds.ActionNotApplied } : e)] },
                Fault.QueueForgotten => commit with { Entries = [.. commit.Entries.Select(e => e.Kind == EntryKinds.ClaimQueued ? e with { Kind = "claim.lost" } : e)] },
                Fault.LimitsOfEachRun => With<ActionIntended>(commit, EntryKinds.ActionIntended, i => i with { Limits = [.. (i.Limits ?? []).Select(l => l with { Name = l.Name + commit.Run })] }),
                Fault.QuorumIgnored => With<ApprovalRequested>(commit, EntryKinds.ApprovalRequested, a => a with { Terms = a.Terms is null ? null : a.Terms with { Quorum = 1 } }),
                Fault.BarredForgotten => With<ApprovalRequested>(commit, EntryKinds.ApprovalRequested, a => a with { Terms = a.Terms is null ? null : a.Terms with { Barred = null } }),
                Fault.ApprovalsNeverLapse => With<ApprovalRequested>(commit, EntryKinds.ApprovalRequested, a => a with { Terms = a.Terms is null ? null : a.Terms with { ValidFor = 1L << 40 } }),
                Fault.RolesUnchecked => With<ApprovalAnswered>(commit, EntryKinds.ApprovalAnswered, a => a with { Roles = [Caller.AnyRole] }),
                Fault.AnswersForAnythingCount => With<ApprovalAnswered>(commit, EntryKinds.ApprovalAnswered, a => a with { Hash = null }),
                Fault.PersonsUnchecked => commit with { Entries = [.. commit.Entries.Select(e => e.Kind == EntryKinds.ApprovalAnswered ? e with { Actor = e.Actor.StartsWith("person:", StringComparison.Ordinal) ? e.Actor : "person:" + e.Actor } : e)] },
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

        public async ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => fault switch
        {
            Fault.ClaimFiltersIgnored => await inner.ClaimsAsync(query with { Phases = [] }, cancellationToken),
            Fault.ClaimPagesTorn => [.. (await inner.ClaimsAsync(query, cancellationToken)).Take(query.Limit)],
            Fault.ClaimPagesOverlap => [.. await inner.ClaimsAsync(query with { Limit = query.Limit + 1 }, cancellationToken)],
            _ => await inner.ClaimsAsync(query, cancellationToken),
        };

        public async ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => await inner.UsedAsync(limit, after, cancellationToken) - (fault == Fault.UsesMiscounted ? 1 : 0);

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

        private static Commit With<T>(Commit commit, string kind, Func<T, T> change) =>
            commit with { Entries = [.. commit.Entries.Select(e => e.Kind == kind ? e with { Body = Body.Write(change(Body.Read<T>(e))) } : e)] };

        private static EntryDraft WithoutKey(EntryDraft start) =>
            start with { Body = System.Text.Encoding.UTF8.GetBytes(System.Text.RegularExpressions.Regex.Replace(System.Text.Encoding.UTF8.GetString(start.Body.Span), "\"key\":\"[^\"]*\",?", "")) };
    }
}
