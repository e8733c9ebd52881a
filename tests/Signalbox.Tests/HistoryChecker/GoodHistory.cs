using Signalbox.HistoryChecker;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>
/// A small history that keeps every rule: run <c>r-a</c> acts, asks a person, waits for a signal and completes; run <c>r-b</c> fails, is retried,
/// held, released, parked and canceled; run <c>r-j</c> asks an agent, whose first tier is unsure. The seqs that tests name are those of the comments.
/// </summary>
public static class GoodHistory
{
    public const string Definition =
        """{"name":"alert","version":1,"start":"Triage","states":[""" +
        """{"name":"Triage","to":["Act","Closed"],"end":null,"agents":[{"name":"judge","tools":["whois","warn_all"]}]},""" +
        """{"name":"Act","to":["Ask","Lost"],"end":null},""" +
        """{"name":"Ask","to":["Closed","Lost"],"end":null},""" +
        """{"name":"Cleanup","to":["Lost"],"end":null},""" +
        """{"name":"Closed","to":[],"end":"success"},""" +
        """{"name":"Lost","to":[],"end":"failure"}],"escalatesTo":"Ask","onCancel":"Cleanup"}""";

    /// <summary>What the agent is pinned to: of its tools, one cannot be had.</summary>
    public const string Pinned =
        """{"agent":"judge","tiers":[{"name":"fast","model":"m-1","accept":0.8,"floor":0.4,"kinds":{"close":{"accept":0.5,"floor":0.1}},"samples":1},{"name":"strong","model":"m-2","accept":0.8,"floor":0.4,"kinds":{},"samples":1}],"tools":[""" +
        """{"name":"whois","description":"Who.","schema":{}},{"name":"warn_all","description":"Warns.","schema":{}}],"unavailable":{},"turnsMax":20,"rejectionsMax":3,"sameCallMax":2}""";

    public static readonly string Arguments = """{"address":"192.0.2.7","minutes":60}""";

    public static readonly string ArgumentsHash = JournalWriter.Sha256(Arguments);

    public static JournalWriter Write()
    {
        var journal = new JournalWriter();
        var definition = journal.Payload(Definition);
        var @case = journal.Payload("""{"alert":"ssh-1","text":"Grüße, 火"}""");
        var pinned = journal.Payload(Pinned);
        var reply = journal.Payload(Calls(("c1", "whois"), ("c2", "who_is")));
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
            new("r-b", "run.canceled") { State = "Cleanup", Visit = 2 }, // 17

            new("r-j", "run.started") { Actor = "person:anna", Body = $$"""{"workflow":"alert","version":1,"definition":{{definition}},"key":"k-j"}""" }, // 0
            Enter("r-j", "Triage", 1, null, "person:anna", "{}"), // 1
            Lease("r-j", "w-1", "Triage", 1), // 2
            InTriage("agent.began", "judge", "agent", $$"""{"agent":"judge","configuration":{{pinned}}}"""), // 3
            Reserve("fast", 1), // 4
            InTriage("step.attempt_failed", "judge/fast", "turn-1", $$"""{"settlement":{"spent":{"calls":1},"reserved":{{Reserved}} },"code":"rate_limited","reason":"x","microseconds":5,"attempts":1,"type":"model"}"""), // 5
            Reserve("fast", 1), // 6
            Reply("fast", 1, reply), // 7
            Call("fast", 1, "c1", "whois"), // 8
            InTriage("tool.rejected", "judge/fast", "call-1.1", """{"agent":"judge","tier":"fast","turn":1,"callId":"c2","tool":"who_is","arguments":{},"code":"unknown_tool","answer":"There is none."}"""), // 9
            Reserve("fast", 2), // 10: its process dies
            Lease("r-j", "w-2", "Triage", 1), // 11
            Reserve("fast", 2), // 12
            Reply("fast", 2, Calls()), // 13
            InTriage("answer.rejected", "judge/fast", "answer-2", """{"agent":"judge","tier":"fast","turn":2,"answer":"It does not fit."}"""), // 14
            Reserve("fast", 3), // 15
            Reply("fast", 3, Calls()), // 16
            Decide("fast", 0.6, stands: false), // 17
            Escalate("fast", "strong", "d-fast"), // 18
            Reserve("strong", 1), // 19
            Reply("strong", 1, Calls(("c1", "warn_all"))), // 20
            InTriage("action.verified", "judge", "warn", """{"actionId":"a-9","action":"warn","proof":"it is so","probes":1}"""), // 21
            Call("strong", 1, "c1", "warn_all"), // 22
            Reserve("strong", 2), // 23
            Reply("strong", 2, Calls()), // 24
            Decide("strong", 0.9, stands: true), // 25
            InTriage("decision.judged", "", "judge-d-strong", """{"decision":"d-strong","verdict":"right"}"""), // 26
            Enter("r-j", "Closed", 2, "Triage", "workflow:alert", "{}"), // 27
            new("r-j", "run.completed") { State = "Closed", Visit = 2 }); // 28
    }

    /// <summary>What each paid call of <c>r-j</c> reserves, and what it comes to.</summary>
    public const string Reserved = """{"calls":1,"inputTokens":100,"outputTokens":50,"micros":350}""";

    public const string Spent = """{"calls":1,"inputTokens":90,"outputTokens":10,"micros":140,"microseconds":7}""";

    public static WrittenEntry InTriage(string kind, string scope, string step, string body) => new("r-j", kind) { State = "Triage", Visit = 1, Scope = scope, Step = step + "/-/1", Body = body };

    public static WrittenEntry Reserve(string tier, int turn) => InTriage("budget.reserved", "judge/" + tier, $"turn-{turn}", $$"""{"agent":"judge","model":"m-1","amount":{{Reserved}}}""");

    public static WrittenEntry Reply(string tier, int turn, string reply, string finish = "stop") => InTriage(
        "step.completed", "judge/" + tier, $"turn-{turn}",
        $$$"""{"result":null,"microseconds":7,"attempts":1,"type":"model","model":{"model":"m-1","messages":[],"reply":{{{reply}}},"finishReason":"{{{finish}}}","inputTokens":90,"outputTokens":10,"agent":"judge","tier":"{{{tier}}}","turn":{{{turn}}}},"settlement":{"reserved":{{{Reserved}}},"spent":{{{Spent}}} } }""");

    /// <summary>A reply's messages: its tool calls, or a text where it has none.</summary>
    public static string Calls(params (string Id, string Tool)[] calls) =>
        $$"""[{"role":"assistant","contents":[{{(calls.Length == 0 ? """{"$type":"text","text":"none"}""" : string.Join(',', calls.Select(c => $$"""{"$type":"functionCall","callId":"{{c.Id}}","name":"{{c.Tool}}","arguments":{"n":1} }""")))}}]}]""";

    public static WrittenEntry Call(string tier, int turn, string id, string tool, string kind = "step.completed") => InTriage(
        kind, "judge/" + tier, tool,
        $$$"""{"arguments":{"n":1},{{{(kind == "step.completed" ? "\"result\":1" : "\"code\":\"failed\",\"reason\":\"x\"")}}},"microseconds":3,"attempts":1,"type":"tool","tool":{"agent":"judge","tier":"{{{tier}}}","turn":{{{turn}}},"callId":"{{{id}}}"}}""");

    public static WrittenEntry Decide(string tier, double confidence, bool stands, string kind = "block") => InTriage(
        "decision.made", "judge/" + tier, "decision",
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $$$"""{"decision":"d-{{{tier}}}","agent":"judge","kind":"{{{kind}}}","answer":{},"confidence":{{{confidence}}},"signals":{},"reasons":[],"tier":"{{{tier}}}","model":"m-1"{{{(stands ? ",\"stands\":true" : "")}}} }"""));

    public static WrittenEntry Escalate(string from, string to, string? decision) => InTriage(
        "escalation.raised", "judge/" + from, "escalation",
        $$"""{"agent":"judge","from":"{{from}}","to":"{{to}}","reason":"low_confidence","why":"x"{{(decision is null ? "" : $",\"decision\":\"{decision}\"")}}}""");

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
