using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Storage;

public sealed class A_damaged_journal
{
    /// <summary>A store that shows what the test makes of what it read.</summary>
    private sealed class Doctored(IRunStore store) : IRunStore
    {
        public Func<Entry, Entry?> OnEntry { get; set; } = e => e;

        public bool LosesPayloads { get; set; }

        public async ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) =>
            [.. (await store.ReadAsync(run, fromSeq, max, cancellationToken)).Select(OnEntry).OfType<Entry>()];

        public async ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) =>
            await store.ClaimsAsync(query, cancellationToken);

        public async ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) =>
            LosesPayloads ? null : await store.FindPayloadAsync(hash, cancellationToken);

        public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => store.CommitAsync(commit, cancellationToken);

        public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken) => store.LeaseAsync(request, cancellationToken);

        public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken) => store.HeartbeatAsync(worker, lease, cancellationToken);

        public ValueTask RetireAsync(string worker, CancellationToken cancellationToken) => store.RetireAsync(worker, cancellationToken);

        public IDisposable Subscribe(Action<RunChange> onChange) => store.Subscribe(onChange);

        public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => store.FindAsync(run, cancellationToken);

        public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => store.FindByKeyAsync(workflow, key, cancellationToken);

        public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => store.ListAsync(query, cancellationToken);

        public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => store.ReadLogAsync(position, max, cancellationToken);

        public ValueTask DisposeAsync() => store.DisposeAsync();
    }

    private static Flow Waiting() => new(async visit =>
    {
        await visit.Read("large", _ => Task.FromResult(new string('x', 10_000)));
        await visit.WaitFor<int>("go");
        return visit.GoTo(Step.Done);
    });

    private static async Task<(Bench Bench, Doctored Store)> StartAsync()
    {
        var clock = new ManualClock();
        var store = new Doctored(new InMemoryRunStore(clock, new SeededEntropy(1)));
        var bench = await Bench.OfAsync(Waiting(), options: new HarnessOptions { Clock = clock, Store = store });
        bench.ChecksHistory = false;
        return (bench, store);
    }

    [Fact]
    public async Task Holds_its_run_with_the_first_bad_entry_and_lets_the_others_go_on()
    {
        var (bench, store) = await StartAsync();
        await using var _ = bench;
        var good = await bench.StartRunAsync();
        var bad = await bench.StartRunAsync();
        await bench.IdleAsync();
        store.OnEntry = e => e.Run == bad && e.Kind == EntryKinds.WaitOpened ? e with { Cause = "tampered" } : e;
        foreach (var run in new[] { good, bad })
        {
            await bench.Harness.Client().SignalAsync(run, "go", 1);
        }

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.JournalDamaged), (row.Status, row.ReasonCode));
        Assert.Equal($"The journal of run '{bad}' is damaged at entry 4: its hash does not fit its content and the entry before it.", row.Reason);
        Assert.Equal(RunStatus.Completed, (await bench.Harness.GetAsync(good)).Status);

        store.OnEntry = e => e; // repaired
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
    }

    [Fact]
    public async Task With_an_altered_body_an_altered_salt_or_a_missing_entry_is_noticed()
    {
        foreach (var (doctor, fault) in new (Func<Entry, Entry?>, string)[]
        {
            (e => e.Seq == 3 ? e with { Body = e.Body.ToArray().Reverse().ToArray() } : e, "damaged at entry 3: "),
            (e => e.Seq == 3 ? e with { Salt = new byte[16] } : e, "damaged at entry 3: its hash does not fit its content and the entry before it."),
            (e => e.Seq == 3 ? null : e, "damaged at entry 3: it is missing; the next one is 4."),
            (e => e.Seq == 4 ? e with { At = e.At + 1 } : e, "damaged at entry 4: its hash does not fit its content and the entry before it."),
            (e => e.Seq >= 4 ? null : e, "damaged at entry 4: it is missing; the journal goes on to "),
        })
        {
            var (bench, store) = await StartAsync();
            await using var _ = bench;
            await bench.RunAsync();
            store.OnEntry = doctor;
            await bench.SignalAsync("go", 1);
            var row = await bench.IdleAsync();

            Assert.Equal((RunStatus.Held, TroubleCodes.JournalDamaged), (row.Status, row.ReasonCode));
            Assert.Contains(fault, row.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Whose_payload_is_missing_holds_its_run()
    {
        var (bench, store) = await StartAsync();
        await using var _ = bench;
        await bench.RunAsync();
        store.LosesPayloads = true;
        await bench.SignalAsync("go", 1);
        var row = await bench.IdleAsync();

        Assert.Equal((RunStatus.Held, TroubleCodes.JournalDamaged), (row.Status, row.ReasonCode));
        Assert.Matches($"^The journal of run '{bench.Run}' is damaged at entry 3: its payload [0-9a-f]{{64}} is missing or altered\\.$", row.Reason);
    }

    [Fact]
    public async Task Does_not_stop_a_run_from_being_abandoned()
    {
        var (bench, store) = await StartAsync();
        await using var _ = bench;
        await bench.RunAsync();
        store.OnEntry = e => e.Seq == 3 ? null : e;
        await bench.SignalAsync("go", 1);
        Assert.Equal(RunStatus.Held, (await bench.IdleAsync()).Status);

        Assert.True((await bench.ReleaseAsync(ReleaseVerb.Abandon)).IsAccepted);
        Assert.Equal(RunStatus.Failed, (await bench.IdleAsync()).Status);
    }
}
