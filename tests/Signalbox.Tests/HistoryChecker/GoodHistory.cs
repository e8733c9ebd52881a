using Signalbox.HistoryChecker;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>
/// A small history that keeps every rule: run <c>r-a</c> acts, asks a person, waits for a signal and completes; run <c>r-b</c> fails, is retried,
/// held, released, parked and canceled. The seqs that tests name are those of the comments.
/// </summary>
public static class GoodHistory
{
    public const string Definition =
        """{"name":"alert","version":1,"start":"Triage","states":[""" +
        """{"name":"Triage","to":["Act","Closed"],"end":null},""" +
        """{"name":"Act","to":["Ask","Lost"],"end":null},""" +
        """{"name":"Ask","to":["Closed","Lost"],"end":null},""" +
        """{"name":"Cleanup","to":["Lost"],"end":null},""" +
        """{"name":"Closed","to":[],"end":"success"},""" +
        """{"name":"Lost","to":[],"end":"failure"}],"escalatesTo":"Ask","onCancel":"Cleanup"}""";

    public static readonly string Arguments = """{"address":"192.0.2.7","minutes":60}""";

    public static readonly string ArgumentsHash = JournalWriter.Sha256(Arguments);

    public static JournalWriter Write()
    {
        var journal = new JournalWriter();
        var definition = journal.Payload(Definition);
        var @case = journal.Payload("""{"alert":"ssh-1","text":"Grüße, 火"}""");
        return journal.Add(
            new("r-a", "run.started") { Actor = "person:anna", Body = $$$"""{"workflow":"alert","version":1,"definition":{{{definition}}},"key":"k-1","labels":{}}""" }, // 0
            Enter("r-a", "Triage", 1, null, "person:anna", @case), // 1
            Lease("r-a", "w-1", "Triage", 1), // 2
            new("r-a", "step.started") { State = "Triage", Visit = 1, Step = "look/-/1", Body = """{"startedAt":1763800000000000}""" }, // 3
            new("r-a", "step.attempt_failed") { State = "Triage", Visit = 1, Step = "look/-/1", Body = """{"code":"timed_out","reason":"2 s","microseconds":2,"attempts":1}""" }, // 4
            new("r-a", "step.completed") { State = "Triage", Visit = 1, Step = "look/-/1", Body = """{"result":{"seen":1},"microseconds":5,"attempts":2}""" }, // 5
            new("r-a", "step.failed") { State = "Triage", Visit = 1, Step = "look/-/2", Body = """{"code":"failed","reason":"no feed","microseconds":5,"attempts":1}""" }, // 6
            Enter("r-a", "Act", 2, "Triage", "workflow:alert", "{}"), // 7
            new("r-a", "action.probed") { State = "Act", Visit = 2, Step = "block/-/1", Body = """{"actionId":"a-1","action":"block"}""" }, // 8
            Intend("r-a", "a-1"), // 9
            new("r-a", "action.executed") { State = "Act", Visit = 2, Step = "block/-/1", Body = """{"actionId":"a-1","microseconds":5}""" }, // 10
            Verdict("r-a", "action.verified", "a-1", madeByUs: true), // 11
            Lease("r-a", "w-2", "Act", 2), // 12
            Enter("r-a", "Ask", 3, "Act", "workflow:alert", "{}"), // 13
            new("r-a", "approval.requested") { State = "Ask", Visit = 3, Step = "may/-/1", Body = $$"""{"title":"Block?","choices":["yes","no"],"due":{{JournalWriter.Start + 1000}},"safe":"no"}""" }, // 14
            new("r-a", "wait.opened") { State = "Ask", Visit = 3, Step = "go/-/1", Body = """{"signal":"go"}""" }, // 15
            new("r-a", "run.waiting") { State = "Ask", Visit = 3, Actor = "worker:w-2" }, // 16
            new("r-a", "approval.answered") { State = "Ask", Visit = 3, Step = "may/-/1", Actor = "person:bob", Body = """{"choice":"yes"}""" }, // 17
            Lease("r-a", "w-1", "Ask", 3), // 18
            new("r-a", "run.waiting") { State = "Ask", Visit = 3 }, // 19
            new("r-a", "signal.received") { Actor = "person:carl", Body = """{"name":"go","value":{"n":1}}""" }, // 20
            new("r-a", "approval.ignored") { State = "Ask", Visit = 3, Step = "may/-/1", Actor = "person:dora", Body = """{"choice":"no"}""" }, // 21
            Lease("r-a", "w-1", "Ask", 3), // 22
            new("r-a", "wait.completed") { State = "Ask", Visit = 3, Step = "go/-/1", Body = """{"signalSeq":@signal,"value":{"n":1}}""" }, // 23
            Enter("r-a", "Closed", 4, "Ask", "workflow:alert", "{}"), // 24
            new("r-a", "run.completed") { State = "Closed", Visit = 4 }, // 25
            new("r-a", "approval.ignored") { State = "Ask", Visit = 3, Actor = "person:bob", Body = """{"choice":"yes"}""" }, // 26

            new("r-b", "run.started") { Actor = "person:anna", Body = $$"""{"workflow":"alert","version":1,"definition":{{definition}},"key":"k-2"}""" }, // 0
            Enter("r-b", "Triage", 1, null, "person:anna", "{}"), // 1
            Lease("r-b", "w-1", "Triage", 1), // 2
            new("r-b", "step.failed") { State = "Triage", Visit = 1, Step = "look/-/1", Body = """{"code":"failed","reason":"x","microseconds":5,"attempts":1}""" }, // 3
            new("r-b", "run.failed") { State = "Triage", Visit = 1, Body = """{"code":"handler_failed","reason":"x"}""" }, // 4
            new("r-b", "run.retried") { Actor = "person:anna" }, // 5
            Lease("r-b", "w-1", "Triage", 1), // 6
            new("r-b", "step.completed") { State = "Triage", Visit = 1, Step = "look/-/1", Body = """{"result":1,"microseconds":5}""" }, // 7
            new("r-b", "run.held") { State = "Triage", Visit = 1, Body = """{"code":"case_unreadable","reason":"x"}""" }, // 8
            new("r-b", "run.resumed") { Actor = "person:anna", Body = """{"verb":"retry"}""" }, // 9
            Lease("r-b", "w-1", "Triage", 1), // 10
            new("r-b", "wait.opened") { State = "Triage", Visit = 1, Scope = "left", Step = "nap/-/1", Body = $$"""{"due":{{JournalWriter.Start + 9_000_000}}}""" }, // 11
            new("r-b", "run.waiting") { State = "Triage", Visit = 1 }, // 12
            new("r-b", "cancel.requested") { Actor = "person:anna" }, // 13
            Lease("r-b", "w-2", "Triage", 1), // 14
            new("r-b", "wait.withdrawn") { State = "Triage", Visit = 1, Scope = "left", Step = "nap/-/1" }, // 15
            Enter("r-b", "Cleanup", 2, "Triage", "engine", "{}"), // 16
            new("r-b", "run.canceled") { State = "Cleanup", Visit = 2 }); // 17
    }

    public static WrittenEntry Enter(string run, string state, int visit, string? from, string actor, string @case) => new(run, "state.entered")
    {
        State = state,
        Visit = visit,
        Actor = actor,
        Body = from is null ? $$"""{"case":{{@case}}}""" : $$"""{"from":"{{from}}","case":{{@case}}}""",
    };

    public static WrittenEntry Lease(string run, string worker, string state, int visit) =>
        new(run, "run.leased") { State = state, Visit = visit, Actor = "worker:" + worker, Body = $$"""{"worker":"{{worker}}","deaths":0,"alone":false,"deathsAlone":0}""" };

    public static WrittenEntry Intend(string run, string id, string targetClass = "T1", bool undo = false, int attempt = 1) => new(run, "action.intended")
    {
        State = "Act",
        Visit = 2,
        Step = "block/-/1",
        Body = $$"""{"actionId":"{{id}}","action":"block","arguments":{ "minutes": 6e1, "address": "192.0.2.7" },"argumentsHash":"{{ArgumentsHash}}","targetClass":"{{targetClass}}","undo":{{(undo ? "true" : "false")}},"attempt":{{attempt}}}""",
    };

    public static WrittenEntry Verdict(string run, string kind, string id, bool madeByUs, bool undo = false) => new(run, kind)
    {
        State = "Act",
        Visit = 2,
        Step = "block/-/1",
        Body = $$$"""{"actionId":"{{{id}}}","action":"block","proof":"read back","madeByUs":{{{(madeByUs ? "true" : "false")}}},"undo":{{{(undo ? "true" : "false")}}},"probes":2,"arguments":{"address":"192.0.2.7","minutes":60}}""",
    };

    public static IEnumerable<string> Check(this JournalWriter journal, HistoryOptions? options = null) => journal.Seal().Check(options);

    public static IEnumerable<string> Check(this IEnumerable<string> lines, HistoryOptions? options = null) => HistoryCheck.Run(lines, options).Select(v => v.ToString());
}
