using System.Text;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Journal;

/// <summary>
/// What every journal holds: it must never change silently. Each file below Golden was written once and is compared byte for byte; a line may be added, none changed. To write the
/// files of new formats, delete them and run with SIGNALBOX_WRITE_GOLDEN=1.
/// </summary>
public sealed class Stored_formats
{
    private static readonly string s_folder = Folder();

    [Fact]
    public void Of_step_keys() => Compare("step-keys.txt", Names().Select(k => $"{k.Name} {Encoding.UTF8.GetString(k.Json)} => {StepKey.Of(k.Name, k.Json.Length == 0 ? [] : CanonicalJson.Of(k.Json))}"));

    [Fact]
    public void Of_authors_values() => Compare("values.txt",
    [
        Write(new { Text = "é\"<>&\u0001\n", Number = 1, Fraction = 0.1, Big = long.MaxValue, Nothing = (string?)null }),
        Write(new { When = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)), Day = new DateOnly(2026, 1, 2), Span = TimeSpan.FromMilliseconds(1500) }),
        Write(new { Address = System.Net.IPAddress.Parse("2001:DB8:0:0::7"), Old = System.Net.IPAddress.Parse("192.0.2.7"), State = Step.Done, Id = new RunId("r-1") }),
        Write(new { Bytes = new byte[] { 1, 2, 255 }, List = new[] { 1, 2 }, Map = new Dictionary<string, int> { ["Key"] = 1 }, Flag = false, Guid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff") }),
        Write(new Note("text", 7, ["a"])),
        Write(Signalbox.Evidence.Found("logins", 7)),
        Write(Signalbox.Evidence.Missing<int>("logins", "timed out after 2 s")),
        Write(new ChildEnd(new RunId("r-1"), RunStatus.Failed, "Bad", "why")),
        Write(TimeSpan.FromHours(1.5)),
    ]);

    [Fact]
    public void Of_bodies() => Compare("bodies.txt", Bodies().Select(b => $"{b.Kind} {Encoding.UTF8.GetString(b.Body.Span)}"));

    [Fact]
    public void Of_entry_hashes()
    {
        var previous = EntryHash.Origin;
        var lines = new List<string>();
        foreach (var (kind, body) in Bodies())
        {
            var entry = new Entry
            {
                Position = 1,
                Run = new RunId("r-0123456789abc"),
                Seq = lines.Count,
                Epoch = lines.Count / 3,
                At = 1_767_225_600_000_000 + lines.Count,
                Kind = kind,
                State = lines.Count % 2 == 0 ? "Décider" : "",
                Visit = lines.Count,
                Scope = lines.Count % 4 == 0 ? "" : "branch/n#2",
                Step = "read/0011/1",
                Actor = "workflow:flow",
                Cause = "because €",
                Body = body,
                Salt = body.IsEmpty ? default : new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
                Hash = default,
            };
            previous = EntryHash.Compute(previous.Span, entry);
            lines.Add($"{kind} {Convert.ToHexStringLower(previous.Span)}");
        }

        Compare("entry-hashes.txt", lines);
    }

    [Fact]
    public void Of_a_definition() => Compare("definition.txt", [Encoding.UTF8.GetString(new FlowWorkflow(new Flow(Flow.GoesTo(Step.Done)) { OnCancel = Step.Two }).Bind(check: true).Definition.ToJson())]);

    [Fact]
    public void Of_action_ids_child_ids_and_the_visits_own_ids() => Compare("ids.txt",
    [
        ActionRunner.ActionId(new RunId("r-0123456789abc"), 3, new ScopedStep("", "block/0011/1")),
        ActionRunner.ActionId(new RunId("r-0123456789abc"), 3, new ScopedStep("b", "block/0011/1")),
        RunId.New(new SeededEntropy(1)).Value,
    ]);

    [Fact]
    public async Task Of_a_whole_run()
    {
        await using var bench = await Bench.StartAsync(signalbox => signalbox.Add(new Flow(
            async visit =>
            {
                var n = await visit.Read("count", visit.Case.Text, (t, _) => Task.FromResult(t.Length));
                await visit.Branch("b", b => b.Read("x", _ => Task.FromResult(1)));
                await visit.Act(new Block("192.0.2.7"));
                var signal = await visit.WaitFor<string>("go", TimeSpan.FromHours(1));
                var answer = await visit.Approve(new Question("Well?", "yes", "no") { Within = TimeSpan.FromHours(1), Safe = "no" });
                await visit.Delay(TimeSpan.FromMinutes(1));
                var child = await visit.StartChild("child", new Note("child"));
                await visit.Send(child, "news", 1);
                var end = await visit.ChildEnd(child);
                return visit.GoTo(Step.Bad, new Note($"{n} {signal.Value} {answer.Choice} {visit.NewId("x")} {end.Status}"), "the end");
            })).Add(new Flow(
            async visit =>
            {
                await visit.WaitFor<int>("news");
                await visit.Delay(TimeSpan.FromMinutes(1));
                return visit.GoTo(Step.Done);
            })
            { Name = "child" }));
        await bench.StartRunAsync(new Note("hello"), key: "k-1");
        await bench.Harness.SettleAsync();
        await bench.SignalAsync("go", "now");
        await bench.Harness.SettleAsync();
        await bench.AnswerAsync("yes");
        await bench.IdleAsync();

        Compare("run.txt", (await bench.JournalAsync()).Select(e =>
            $"{e.Seq} {e.Epoch} {e.At} {e.Kind} {e.State} {e.Visit} [{e.Scope}] [{e.Step}] {(e.Actor.StartsWith("worker:", StringComparison.Ordinal) ? "worker" : e.Actor)} \"{e.Cause}\" {(e.Kind == EntryKinds.RunLeased ? "" : Encoding.UTF8.GetString(e.Body.Span))}"));
    }

    private static string Write<T>(T value) => Signalbox.Journal.Bodies.Json(value).ToString();

    private static IEnumerable<(string Name, byte[] Json)> Names() =>
    [
        ("count", []),
        ("count", "null"u8.ToArray()),
        ("count", "\"192.0.2.7\""u8.ToArray()),
        ("count", """{"b":1,"a":[1.0,2e3]}"""u8.ToArray()),
        ("with space.and:colon", "{}"u8.ToArray()),
        ("é", "\"é\""u8.ToArray()),
    ];

    private static IEnumerable<(string Kind, ReadOnlyMemory<byte> Body)> Bodies()
    {
        var json = new RawJson("""{"a":1}"""u8.ToArray());
        var hash = PayloadHash.Of("x"u8);
        var steps = new[] { new ScopedStep("b", "block/0011/1") };
        Claim[] claims = [new Claim(Resource.Address(System.Net.IPAddress.Parse("192.0.2.7")), "block", ["allow"])];
        var proposed = new ActionProposed("id", "block", json, "hash", "T1", "flow", 2, "fingerprint", "agent:analyst", "person:anna", true, claims, "reversible", 3);
        var terms = new ApprovalTerms(["approver"], 2, ["approve", "reject"], ["person:anna"], 3_600_000_000, "reject", "id", "hash");
        return
        [
            (EntryKinds.RunStarted, Body.Write(new RunStarted("flow", 2, RawJson.To(hash), "k", new Dictionary<string, string> { ["team"] = "blue" }, new RunId("r-p"), "child.ended:r-1"))),
            (EntryKinds.RunStarted, Body.Write(new RunStarted("flow", 1, RawJson.To(hash)))),
            (EntryKinds.RunLeased, Body.Write(new RunLeased("w", 2, true, 1))),
            (EntryKinds.RunLeased, Body.Write(new RunLeased("w"))),
            (EntryKinds.RunHeld, Body.Write(new Trouble("action_in_doubt", "why", steps))),
            (EntryKinds.RunResumed, Body.Write(new Release(ReleaseVerb.Undo, "note"))),
            (EntryKinds.StateEntered, Body.Write(new StateEntered("One", json, json, true))),
            (EntryKinds.StateEntered, Body.Write(new StateEntered(null, json))),
            (EntryKinds.StepStarted, Body.Write(new StepStarted(1_767_225_600_000_000))),
            (EntryKinds.StepCompleted, Body.Write(new StepCompleted(json, json, 12, 2, new ModelCall("m", [hash], json, "stop", 1, 2, 3)))),
            (EntryKinds.StepCompleted, Body.Write(new StepCompleted(null, new RawJson("null"u8.ToArray()), 0))),
            (EntryKinds.StepFailed, Body.Write(new StepFailed("timed_out", "timed out after 2 s", json, 12, 3))),
            (EntryKinds.WaitOpened, Body.Write(new WaitOpened("go", 1_767_225_600_000_000))),
            (EntryKinds.WaitCompleted, Body.Write(new WaitCompleted(7, json))),
            (EntryKinds.WaitCompleted, Body.Write(new WaitCompleted(null))),
            (EntryKinds.WaitWithdrawn, default),
            (EntryKinds.SignalReceived, Body.Write(new SignalReceived("go", json))),
            (EntryKinds.SignalSent, Body.Write(new SignalSent(new RunId("r-1"), "go"))),
            (EntryKinds.ApprovalRequested, Body.Write(new ApprovalRequested("t", ["yes", "no"], json, 5, "no"))),
            (EntryKinds.ApprovalAnswered, Body.Write(new ApprovalAnswered("yes", "c"))),
            (EntryKinds.ActionIntended, Body.Write(new ActionIntended("id", "block", json, "hash", "T3", true, 2))),
            (EntryKinds.ActionVerified, Body.Write(new ActionObserved("id", "block", "why", "proof", true, true, 4, json))),
            (EntryKinds.ActionSettled, Body.Write(new ActionSettled(ReleaseVerb.Accept, steps))),
            (EntryKinds.ChildStarted, Body.Write(new ChildStarted(new RunId("r-c"), "child"))),
            (EntryKinds.StepCompleted, Body.Write(new StepCompleted(null, json, 12, Type: "evidence", CachedMicroseconds: 0))),
            (EntryKinds.ApprovalRequested, Body.Write(new ApprovalRequested("t", ["approve", "reject"], null, 5, "reject", terms, proposed, ["it cannot be undone"]))),
            (EntryKinds.ApprovalAnswered, Body.Write(new ApprovalAnswered("edit", "c", ["approver"], "hash", json))),
            (EntryKinds.ActionProposed, Body.Write(proposed)),
            (EntryKinds.ActionIntended, Body.Write(new ActionIntended("id", "block", json, "hash", "T1", false, 1, claims, 7, ["other"], ["earlier"], [new LimitUse("blocks", 1, 20, 3_600_000_000)], 3))),
            (EntryKinds.ActionVerified, Body.Write(new ActionObserved("id", "block", null, "proof", true, false, 4, null, claims, 9, ["earlier"], new Agreement(3, 5, 2, 4), 3, "hash"))),
            (EntryKinds.PolicyJudged, Body.Write(new PolicyJudged("id", "block", "never-block", "refuse", "a partner's"))),
            (EntryKinds.ConflictRaised, Body.Write(new ConflictRaised("id", "block", "ip/192.0.2.7", "block", new RunId("r-o"), "other", "allow", "ip/192.0.2.7", "allow", ClaimPhase.Standing))),
            (EntryKinds.ConflictRuled, Body.Write(new ConflictRuled("id", new RunId("r-o"), "other", "priority", "overrules", "2 against 1"))),
            (EntryKinds.ClaimQueued, Body.Write(new ClaimQueued("id", "block", claims, [new ClaimHolder(new RunId("r-o"), "other", "ip/192.0.2.7")], 5, true, 3))),
            (EntryKinds.ClaimFreed, Body.Write(new ClaimFreed("id"))),
            (EntryKinds.ClaimWithdrawn, default),
            (EntryKinds.ClaimReleased, Body.Write(new ClaimReleased(["id"], true))),
            (EntryKinds.ActionUnverified, Body.Write(new ActionObserved("id", "mail", "why", "the target answered 'ok'; nobody can look whether it is so"))),
            (EntryKinds.RunErased, Body.Write(new RunErased("asked for", 12, 9, new string('5', 64)))),
            (EntryKinds.ApprovalRequested, Body.Write(new ApprovalRequested("t", ["yes", "no"], null, null, null, Meanings: new Dictionary<string, string> { ["yes"] = "opens it" }))),
        ];
    }

    private static void Compare(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(s_folder, name);
        var actual = string.Join('\n', lines) + "\n";
        if (Environment.GetEnvironmentVariable("SIGNALBOX_WRITE_GOLDEN") == "1" && !File.Exists(path))
        {
            Directory.CreateDirectory(s_folder);
            File.WriteAllText(path, actual);
        }

        Assert.Equal(File.ReadAllText(path), actual);
    }

    private static string Folder()
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(here.FullName, "Signalbox.slnx")))
        {
            here = here.Parent ?? throw new InvalidOperationException("The golden files lie in the repository, above the tests' binaries.");
        }

        return Path.Combine(here.FullName, "tests", "Signalbox.Tests", "Journal", "Golden");
    }
}
