using Signalbox.Journal;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Storage;

public sealed class The_fold_of_a_run
{
    private static readonly string[] s_kinds =
    [
        EntryKinds.RunLeased, EntryKinds.RunWaiting, EntryKinds.RunReleased, EntryKinds.RunHeld, EntryKinds.RunResumed, EntryKinds.RunFailed, EntryKinds.RunRetried, EntryKinds.RunCompleted,
        EntryKinds.RunCanceled, EntryKinds.CancelRequested, EntryKinds.StateEntered, EntryKinds.StepCompleted, EntryKinds.WaitOpened, EntryKinds.WaitCompleted, EntryKinds.SignalReceived,
        EntryKinds.ApprovalAnswered, EntryKinds.ApprovalIgnored, EntryKinds.ActionIntended, EntryKinds.RunErased,
    ];

    /// <summary>What each kind makes of a run in each status; a dash: the status stays.</summary>
    [Theory]
    [InlineData(EntryKinds.RunLeased, RunStatus.Running)]
    [InlineData(EntryKinds.RunWaiting, RunStatus.Waiting)]
    [InlineData(EntryKinds.RunReleased, RunStatus.Pending)]
    [InlineData(EntryKinds.RunHeld, RunStatus.Held)]
    [InlineData(EntryKinds.RunResumed, RunStatus.Pending)]
    [InlineData(EntryKinds.RunFailed, RunStatus.Failed)]
    [InlineData(EntryKinds.RunRetried, RunStatus.Pending)]
    [InlineData(EntryKinds.RunCompleted, RunStatus.Completed)]
    [InlineData(EntryKinds.RunCanceled, RunStatus.Canceled)]
    [InlineData(EntryKinds.StateEntered, null)]
    [InlineData(EntryKinds.RunErased, null)]
    [InlineData(EntryKinds.StepCompleted, null)]
    [InlineData(EntryKinds.WaitOpened, null)]
    [InlineData(EntryKinds.ApprovalIgnored, null)]
    [InlineData(EntryKinds.ActionIntended, null)]
    public void Gives_the_status_that_a_kind_stands_for_whatever_it_was(string kind, RunStatus? expected)
    {
        foreach (var status in Enum.GetValues<RunStatus>())
        {
            Assert.Equal(expected ?? status, After(In(status), kind).Row.Status);
        }
    }

    [Theory]
    [InlineData(RunStatus.Pending, RunStatus.Pending)]
    [InlineData(RunStatus.Running, RunStatus.Running)]
    [InlineData(RunStatus.Waiting, RunStatus.Pending)]
    [InlineData(RunStatus.Held, RunStatus.Pending)]
    public void Wakes_by_a_cancel_a_run_that_nobody_drives(RunStatus status, RunStatus expected)
    {
        var head = After(In(status), EntryKinds.CancelRequested);
        Assert.Equal((expected, true), (head.Row.Status, head.Row.CancelRequested));
    }

    [Theory]
    [InlineData(RunStatus.Waiting, RunStatus.Pending)]
    [InlineData(RunStatus.Held, RunStatus.Held)]
    [InlineData(RunStatus.Running, RunStatus.Running)]
    [InlineData(RunStatus.Pending, RunStatus.Pending)]
    public void Wakes_by_a_signal_or_an_answer_only_a_run_that_waits_for_it(RunStatus status, RunStatus expected)
    {
        Assert.Equal(expected, After(In(status), EntryKinds.SignalReceived).Row.Status);
        Assert.Equal(expected, After(In(status), EntryKinds.ApprovalAnswered).Row.Status);
        var other = Apply(In(status), EntryKinds.SignalReceived, Body.Write(new SignalReceived("other", new RawJson("1"u8.ToArray()))));
        Assert.Equal((status, 1), (other.Row.Status, other.Mailbox.Length));
    }

    public static TheoryData<string, RunStatus, string?> Refusals
    {
        get
        {
            var table = new TheoryData<string, RunStatus, string?>();
            foreach (var status in Enum.GetValues<RunStatus>())
            {
                var open = status is RunStatus.Pending or RunStatus.Running or RunStatus.Waiting or RunStatus.Held;
                table.Add(EntryKinds.RunStarted, status, "run_exists");
                table.Add(EntryKinds.SignalReceived, status, open ? null : "run_ended");
                table.Add(EntryKinds.CancelRequested, status, open ? null : "run_ended");
                table.Add(EntryKinds.RunRetried, status, status == RunStatus.Failed ? null : "not_failed");
                table.Add(EntryKinds.RunResumed, status, status == RunStatus.Held ? null : "not_held");
                table.Add(EntryKinds.RunErased, status, open ? "run_not_ended" : null);
                table.Add(EntryKinds.StepCompleted, status, null);
            }

            return table;
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Refuses_what_a_run_in_its_status_cannot_take(string kind, RunStatus status, string? code) =>
        Assert.Equal(code, In(status).Refuses(new EntryDraft { Kind = kind }, 0)?.Code);

    [Theory]
    [InlineData(EntryKinds.SignalReceived, RunStatus.Completed, "Run 'r-1' is Completed and takes no signal. Start a new run.")]
    [InlineData(EntryKinds.CancelRequested, RunStatus.Canceled, "Run 'r-1' is Canceled and cannot be canceled. Start a new run to undo its effects.")]
    [InlineData(EntryKinds.RunRetried, RunStatus.Running, "Run 'r-1' is Running; only a failed run can be retried.")]
    [InlineData(EntryKinds.RunResumed, RunStatus.Waiting, "Run 'r-1' is Waiting; only a held run can be released.")]
    [InlineData(EntryKinds.RunStarted, RunStatus.Pending, "Run 'r-1' exists already.")]
    public void Says_what_is_refused_and_what_to_do(string kind, RunStatus status, string why) => Assert.Equal(why, In(status).Refuses(new EntryDraft { Kind = kind }, 0)!.Why);

    [Fact]
    public void Lets_nothing_follow_an_erasure_and_keeps_nothing_that_tells_what_the_run_was_about()
    {
        var erased = Apply(In(RunStatus.Failed), EntryKinds.RunErased, Body.Write(new RunErased("asked for", 1, 1, "")));
        Assert.True(erased.Row is { IsErased: true, Key: null, Labels.Count: 0, Reason: null, Status: RunStatus.Failed });
        Assert.All(s_kinds, kind => Assert.Equal("run_erased", erased.Refuses(new EntryDraft { Kind = kind }, 0)?.Code));
    }

    [Fact]
    public void Says_why_a_run_is_held_or_failed_and_forgets_it_when_the_run_goes_on()
    {
        var held = After(In(RunStatus.Running), EntryKinds.RunHeld);
        Assert.Equal(("code", "why", null), (held.Row.ReasonCode, held.Row.Reason, held.Row.Worker));
        var resumed = After(held, EntryKinds.RunResumed);
        Assert.Equal((null, null), (resumed.Row.ReasonCode, resumed.Row.Reason));
    }

    [Fact]
    public void Counts_the_epoch_up_with_each_lease_and_forgets_deaths_when_the_run_was_given_back_in_order()
    {
        var leased = Apply(In(RunStatus.Pending), EntryKinds.RunLeased, Body.Write(new RunLeased("w-2", 2, true, 1)), epoch: 8);
        Assert.Equal(("w-2", 8, 2, true, 1), (leased.Row.Worker, leased.Row.Epoch, leased.Row.Deaths, leased.Row.Alone, leased.Row.DeathsAlone));
        var released = After(leased, EntryKinds.RunReleased);
        Assert.Equal((0, 0, false), (released.Row.Deaths, released.Row.DeathsAlone, released.Row.Alone));
    }

    [Fact]
    public void Keeps_waits_in_order_takes_a_signal_once_and_is_ready_at_its_first_due_time()
    {
        var head = In(RunStatus.Running) with { Waits = [], Mailbox = [] };
        head = Apply(head, EntryKinds.SignalReceived, Body.Write(new SignalReceived("go", new RawJson("1"u8.ToArray()))), seq: 5);
        head = Apply(head, EntryKinds.WaitOpened, Body.Write(new WaitOpened("go", 900)), step: "go/-/1", seq: 6);
        head = Apply(head, EntryKinds.WaitOpened, Body.Write(new WaitOpened(null, 500)), step: "delay/-/1", seq: 7);
        Assert.Equal(["go/-/1", "delay/-/1"], head.Waits.Select(w => w.Step));
        Assert.Equal([WaitKind.Signal, WaitKind.Timer], head.Waits.Select(w => w.Kind));
        Assert.Null(head.ReadyAt); // it is being driven
        Assert.Equal(500, After(head, EntryKinds.RunWaiting).ReadyAt);
        var done = Apply(head, EntryKinds.WaitCompleted, Body.Write(new WaitCompleted(5)), step: "go/-/1");
        Assert.Empty(done.Mailbox);
        Assert.Equal("delay/-/1", Assert.Single(done.Waits).Step);
    }

    [Fact]
    public void Begins_with_a_start_and_refuses_another_beginning()
    {
        var damaged = Assert.Throws<JournalDamagedException>(() => RunHead.Apply(null, Entry(EntryKinds.RunLeased, default)));
        Assert.Equal("The journal of run 'r-1' is damaged at entry 4: a journal begins with 'run.started', this one with 'run.leased'.", damaged.Message);
    }

    [Fact]
    public void Refuses_a_body_that_is_not_of_its_kinds_shape()
    {
        var damaged = Assert.Throws<JournalDamagedException>(() => Apply(In(RunStatus.Running), EntryKinds.RunHeld, "[1]"u8.ToArray()));
        Assert.StartsWith("The journal of run 'r-1' is damaged at entry 4: its body is not a Trouble: ", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keeps_seq_and_hash_of_the_last_entry_whatever_its_kind()
    {
        foreach (var kind in s_kinds)
        {
            var head = After(In(RunStatus.Running), kind);
            Assert.Equal((4, 9), ((int)head.Seq, (int)head.Hash.Span[0]));
        }
    }

    private static RunHead In(RunStatus status) => new()
    {
        Seq = 3,
        Hash = new byte[32],
        Row = new RunRow { Run = new RunId("r-1"), Workflow = "flow", Version = 1, Fingerprint = "", Status = status, State = "One", Visit = 1, Epoch = 7, Worker = status == RunStatus.Running ? "w" : null },
        Waits = [new OpenWait("", "go/-/1", WaitKind.Signal, "go", null, 2), new OpenWait("", "approval/-/1", WaitKind.Approval, null, null, 2)],
    };

    private static RunHead After(RunHead head, string kind) => Apply(
        head,
        kind,
        kind switch
        {
            EntryKinds.RunLeased => Body.Write(new RunLeased("w")),
            EntryKinds.RunHeld or EntryKinds.RunFailed => Body.Write(new Trouble("code", "why")),
            EntryKinds.RunResumed => Body.Write(new Release(ReleaseVerb.Retry)),
            EntryKinds.WaitOpened => Body.Write(new WaitOpened("x", null)),
            EntryKinds.WaitCompleted => Body.Write(new WaitCompleted(null)),
            EntryKinds.SignalReceived => Body.Write(new SignalReceived("go", new RawJson("1"u8.ToArray()))),
            EntryKinds.ApprovalAnswered => Body.Write(new ApprovalAnswered("yes")),
            _ => default,
        },
        kind is EntryKinds.ApprovalAnswered ? "approval/-/1" : "x/-/1");

    private static RunHead Apply(RunHead head, string kind, ReadOnlyMemory<byte> body, string step = "", long seq = 4, int epoch = 7) => RunHead.Apply(head, Entry(kind, body, step, seq, epoch));

    private static Entry Entry(string kind, ReadOnlyMemory<byte> body, string step = "", long seq = 4, int epoch = 7) => new()
    {
        Position = 1,
        Run = new RunId("r-1"),
        Seq = seq,
        Epoch = epoch,
        At = 1000,
        Kind = kind,
        State = "One",
        Visit = 1,
        Scope = "",
        Step = step,
        Actor = "",
        Cause = "",
        Body = body,
        Salt = default,
        Hash = new byte[] { 9 },
    };
}
