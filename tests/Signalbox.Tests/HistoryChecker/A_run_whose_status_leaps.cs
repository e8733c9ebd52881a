using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_run_whose_status_leaps
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Works_without_a_lease()
    {
        _journal.Remove("r-b", 2).Change("r-b", 5, e => e with { Kind = "run.leased" });
        Assert.Equal("I3 r-b seq 2: expected 'step.failed' of a run that is Running; got one that is Pending", _journal.Check().First());
    }

    [Fact]
    public void Is_parked_while_pending()
    {
        _journal.Remove("r-a", 18);
        Assert.Equal("I3 r-a seq 18: expected 'run.waiting' of a run that is Running; got one that is Pending", _journal.Check().First());
    }

    [Fact]
    public void Is_leased_while_held()
    {
        _journal.Remove("r-b", 9);
        Assert.Equal(["I3 r-b seq 9: expected 'run.leased' of a run that is Pending or Running or Waiting; got one that is Held"], _journal.Check());
    }

    [Fact]
    public void Is_resumed_though_not_held()
    {
        _journal.Remove("r-b", 8);
        Assert.Equal(["I3 r-b seq 8: expected 'run.resumed' of a run that is Held; got one that is Running"], _journal.Check());
    }

    [Fact]
    public void Is_retried_though_not_failed()
    {
        _journal.Remove("r-b", 4);
        Assert.Equal(["I3 r-b seq 4: expected 'run.retried' of a run that is Failed; got one that is Running"], _journal.Check());
    }

    [Fact]
    public void Is_leased_while_it_waits_for_no_time()
    {
        _journal.Remove("r-a", 20).Remove("r-a", 20); // the signal and the ignored answer
        Assert.Equal(
            [
                "I3 r-a seq 20: expected a waiting run to be leased when its time has come; got one that waits for no time",
                "I3 r-a seq 21: expected a signal received at seq -1, before it is consumed; got none",
            ],
            _journal.Check());
    }

    [Fact]
    public void Is_parked_without_a_wait()
    {
        _journal.Remove("r-b", 11).Remove("r-b", 14);
        Assert.Equal(["I3 r-b seq 11: expected an open wait when the run is parked; got none"], _journal.Check());
    }

    [Fact]
    public void Is_parked_while_its_signal_is_there()
    {
        _journal.Insert(16, new("r-a", "signal.received") { Actor = "person:carl", Body = """{"name":"go","value":1}""" });
        Assert.Equal("I3 r-a seq 17: expected no parking while the signal 'go' lies in the mailbox; got a lost wake-up", _journal.Check().First());
    }

    [Fact]
    public void Is_parked_after_somebody_asked_that_it_end()
    {
        _journal.Swap("r-b", 12);
        Assert.Contains("I3 r-b seq 13: expected no parking after cancel.requested; got a run that nothing ends", _journal.Check());
    }

    [Fact]
    public void Is_asked_to_end_twice()
    {
        _journal.Insert(14, new("r-b", "cancel.requested") { Actor = "person:eve" });
        Assert.Equal(["I3 r-b seq 14: expected one cancel.requested; got a second one"], _journal.Check());
    }

    [Fact]
    public void May_be_abandoned_by_an_operator_while_held()
    {
        _journal.Remove("r-b", 9, 9).Add(
            new("r-b", "run.resumed") { Actor = "person:anna", Body = """{"verb":"abandon"}""" },
            new("r-b", "run.failed") { State = "Triage", Visit = 1, Actor = "person:anna", Body = """{"code":"abandoned","reason":"x"}""" });
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Fails_while_nobody_drives_it()
    {
        _journal.Remove("r-b", 9, 9).Add(
            new("r-b", "run.resumed") { Actor = "person:anna", Body = """{"verb":"retry"}""" },
            new("r-b", "run.failed") { State = "Triage", Visit = 1, Actor = "person:anna", Body = """{"code":"abandoned","reason":"x"}""" });
        Assert.Equal(["I3 r-b seq 10: expected 'run.failed' of a run that is Running; got one that is Pending"], _journal.Check());
    }
}
