using Signalbox.Journal;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.Storage;

public sealed class Who_gets_a_run_after_a_death
{
    /// <summary>Deaths so far, of them alone, driven alone, whether it did new work since, whether the asking worker is idle; what it is given.</summary>
    [Theory]
    [InlineData(0, 0, false, false, false, "leased 1 0")]
    [InlineData(0, 0, false, false, true, "leased 1 0")]
    [InlineData(1, 0, false, true, false, "leased 1 0")] // it worked before it died: it says little
    [InlineData(1, 0, false, false, false, "waits")]
    [InlineData(1, 0, false, false, true, "leased 2 0 alone")]
    [InlineData(2, 0, true, false, true, "leased 3 1 alone")]
    [InlineData(3, 1, true, false, true, "leased 4 2 alone")]
    [InlineData(4, 2, true, false, true, "held")]
    [InlineData(4, 2, true, false, false, "held")] // a quarantine needs nobody idle
    [InlineData(4, 2, true, true, false, "leased 1 0")]
    public void Follows_from_its_deaths_and_what_it_did(int deaths, int deathsAlone, bool alone, bool worked, bool idle, string expected)
    {
        var head = new RunHead
        {
            Seq = 3,
            Hash = new byte[32],
            Row = new RunRow
            {
                Run = new RunId("r-1"),
                Workflow = "flow",
                Version = 1,
                Fingerprint = "",
                Status = RunStatus.Running,
                State = "One",
                Visit = 1,
                Worker = "w-1",
                Deaths = deaths,
                DeathsAlone = deathsAlone,
                Alone = alone,
            },
        };
        var since = worked ? [Entry(EntryKinds.StepStarted), Entry(EntryKinds.StepCompleted)] : new[] { Entry(EntryKinds.StepStarted), Entry(EntryKinds.StepAttemptFailed), Entry(EntryKinds.BudgetReserved), Entry(EntryKinds.SignalReceived) };

        var draft = LeaseRules.TakeOver(head, since, "w-2", idle);

        Assert.Equal(expected, draft switch
        {
            null => "waits",
            { Kind: EntryKinds.RunHeld } => "held",
            _ => System.Text.Json.JsonSerializer.Deserialize(draft.Body.Span, BodyJson.Default.RunLeased) is var body ? $"leased {body!.Deaths} {body.DeathsAlone}{(body.Alone ? " alone" : "")}" : "",
        });
        Assert.Equal(draft?.Kind == EntryKinds.RunLeased ? "worker 'w-1' died" : draft?.Cause, draft?.Cause);
    }

    private static Entry Entry(string kind) => new()
    {
        Position = 1,
        Run = new RunId("r-1"),
        Seq = 4,
        Epoch = 1,
        At = 0,
        Kind = kind,
        State = "",
        Visit = 1,
        Scope = "",
        Step = "",
        Actor = "",
        Cause = "",
        Body = default,
        Salt = default,
        Hash = default,
    };
}
