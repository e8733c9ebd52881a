using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Queries;

/// <summary>What holds of the view of any journal: a beginning of one, one with damaged or erased bodies, a very long one.</summary>
public sealed class Any_journal_in_view(ITestOutputHelper output)
{
    [Fact]
    public async Task Can_be_viewed_at_each_of_its_entries()
    {
        foreach (var journal in await ViewWorld.JournalsAsync())
        {
            RunHead? head = null;
            for (var length = 1; length <= journal.Count; length++)
            {
                var view = ViewWorld.View([.. journal.Take(length)]);
                head = RunHead.Apply(head, journal[length - 1]);
                Assert.Empty(view.Unreadable);
                Assert.Equal(head.Row.State, view.Visits is [.., var last] ? last.State : "");
                Assert.Equal(head.Waits.Count(w => w.Kind == WaitKind.Approval), view.Approvals.Count(a => a.Outcome is null));
                Assert.Equal(head.Row.Spent, view.Costs.Aggregate(Spending.None, (sum, c) => sum + c.Spent));
            }
        }
    }

    [Theory]
    [InlineData("garbage", "{\"action")]
    [InlineData("another value", "[1,2]")]
    [InlineData("null", "null")]
    [InlineData("erased", "")]
    public async Task Names_the_entries_whose_bodies_are_damaged_and_shows_the_rest(string what, string body)
    {
        _ = what;
        foreach (var journal in await ViewWorld.JournalsAsync())
        {
            foreach (var victim in journal.Where(e => RunViewFold.HasBody(e.Kind)))
            {
                var view = Damaged(journal, victim.Seq, Encoding.UTF8.GetBytes(body));
                Assert.Equal([victim.Seq], view.Unreadable);
                Assert.Equal(journal.Where(e => e.Kind == EntryKinds.StateEntered).Select(e => e.State), view.Visits.Select(v => v.State));
            }
        }
    }

    [Fact]
    public async Task Survives_any_member_that_is_gone_null_or_of_another_type()
    {
        var entropy = new SeededEntropy(7);
        var named = 0;
        foreach (var journal in await ViewWorld.JournalsAsync())
        {
            foreach (var victim in journal.Where(e => !e.Body.IsEmpty))
            {
                for (var i = 0; i < 12; i++)
                {
                    var body = JsonNode.Parse(victim.Body.Span)!.AsObject();
                    if (body.Count == 0)
                    {
                        continue;
                    }

                    Mutate(body, entropy);
                    var view = Damaged(journal, victim.Seq, Encoding.UTF8.GetBytes(body.ToJsonString()));
                    Assert.True(view.Unreadable.All(s => s == victim.Seq));
                    named += view.Unreadable.Count;
                    JsonSerializer.Serialize(view.ToolCalls);
                    JsonSerializer.Serialize(view.Decisions);
                    JsonSerializer.Serialize(view.Approvals);
                    JsonSerializer.Serialize(view.Actions);
                }
            }
        }

        output.WriteLine($"{named} views named a damaged entry");
        Assert.True(named > 100);
    }

    [Fact]
    public void Considers_every_kind_of_entry_or_says_why_not()
    {
        var kinds = typeof(EntryKinds).GetFields().Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!).ToArray();

        Assert.Equal(kinds.Order(StringComparer.Ordinal), RunViewFold.Read.Concat(RunViewFold.Ignored.Keys).Order(StringComparer.Ordinal));
        Assert.All(RunViewFold.Ignored.Values, why => Assert.NotEmpty(why));
    }

    [Fact]
    public void Reads_the_body_of_every_kind_that_it_considers()
    {
        // Of a failed run the row has the reason, and of these two the header says enough without the question that they answer.
        string[] headersSuffice = [EntryKinds.RunFailed, EntryKinds.ApprovalAnswered, EntryKinds.ApprovalExpired, EntryKinds.ApprovalIgnored];
        foreach (var kind in RunViewFold.Read.Where(k => RunViewFold.HasBody(k) && !headersSuffice.Contains(k)))
        {
            var fold = new RunViewFold(Redactor.None);
            fold.Add(NewEntry(0, kind, """{"unknown":1,"type":7,"actionId":7,"decision":7,"from":7,"child":7,"code":7,"agent":7,"action":7,"title":7,"actionIds":7}"""));
            Assert.Equal([0], fold.View(Head, null).Unreadable);
        }
    }

    [Fact]
    public void Takes_a_kind_of_a_newer_program_as_it_is()
    {
        var fold = new RunViewFold(Redactor.None);
        fold.Add(NewEntry(0, "weather.changed", ""));
        fold.Add(NewEntry(1, "weather.changed", """{"to":"rain"}"""));

        Assert.Empty(fold.View(Head, null).Unreadable);
    }

    [Fact]
    public void Of_many_steps_takes_memory_that_grows_with_their_number_alone()
    {
        Bytes(100); // what is made once
        var ratio = Bytes(20_000) / Bytes(5_000);

        output.WriteLine($"four times the steps take {ratio:0.00} times the memory");
        Assert.InRange(ratio, 3, 5); // a fold that copies what it has takes 16 times

        double Bytes(int steps)
        {
            var journal = Enumerable.Range(0, steps).Select(Step).ToArray();
            var (allocated, begun) = (GC.GetAllocatedBytesForCurrentThread(), System.Diagnostics.Stopwatch.GetTimestamp());
            var fold = new RunViewFold(Redactor.None);
            foreach (var entry in journal)
            {
                fold.Add(entry);
            }

            Assert.Equal(steps / 4, fold.View(Head, null).ToolCalls.Count);
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            output.WriteLine($"{steps} entries: {allocated / 1024:N0} KiB, {System.Diagnostics.Stopwatch.GetElapsedTime(begun).TotalMilliseconds:0.0} ms");
            return allocated;
        }

        static Entry Step(int i) => (i % 4) switch
        {
            0 => NewEntry(i, EntryKinds.BudgetReserved, Body.Write(new BudgetReserved("judge", "m-1", new Spending { Calls = 1, Micros = 10 }))),
            1 => NewEntry(i, EntryKinds.StepCompleted, Body.Write(new StepCompleted(
                new RawJson("{}"u8.ToArray()), new RawJson("{\"found\":\"something of some length, as tools have it\"}"u8.ToArray()), 7, Type: "tool", Tool: new ToolCalled("judge", "fast", i, "c")))),
            2 => NewEntry(i, EntryKinds.DecisionMade, Body.Write(new DecisionMade(
                ViewWorld.Text($"d-{i}"), "judge", "block", new RawJson("{}"u8.ToArray()), 0.5, new Dictionary<string, double> { ["self_report"] = 0.5 }, ["because"], "fast", "m-1", true))),
            _ => NewEntry(i, EntryKinds.PolicyJudged, Body.Write(new PolicyJudged(ViewWorld.Text($"a-{i}"), "block", "hours", "allow", "it is day"))),
        };
    }

    private static RunHead Head { get; } = new()
    {
        Row = new RunRow { Run = new RunId("r-1"), Workflow = "flow", Version = 1, Fingerprint = "", Status = RunStatus.Running },
        Seq = 0,
        Hash = default,
    };

    private static Entry NewEntry(long seq, string kind, string body) => NewEntry(seq, kind, Encoding.UTF8.GetBytes(body));

    private static Entry NewEntry(long seq, string kind, ReadOnlyMemory<byte> body) => new()
    {
        Position = seq + 1,
        Run = new RunId("r-1"),
        Seq = seq,
        Epoch = 1,
        At = seq,
        Kind = kind,
        State = "One",
        Visit = 1,
        Scope = "judge/fast",
        Step = "turn-1/-/1",
        Actor = "engine",
        Cause = "",
        Body = body,
        Salt = default,
        Hash = default,
    };

    private static RunView Damaged(IReadOnlyList<Entry> journal, long seq, ReadOnlyMemory<byte> body)
    {
        var fold = new RunViewFold(Redactor.None);
        foreach (var entry in journal)
        {
            fold.Add(entry.Seq == seq ? entry with { Body = body } : entry);
        }

        return fold.View(Head, null);
    }

    /// <summary>Takes a member somewhere in the body away, or gives it another value.</summary>
    private static void Mutate(JsonObject body, SeededEntropy entropy)
    {
        var at = body;
        while (true)
        {
            var name = at.ElementAt(entropy.Below(at.Count)).Key;
            if (at[name] is JsonObject { Count: > 0 } inner && entropy.Below(2) == 0)
            {
                at = inner;
                continue;
            }

            switch (entropy.Below(5))
            {
                case 0:
                    at.Remove(name);
                    break;
                case 1:
                    at[name] = null;
                    break;
                case 2:
                    at[name] = 7;
                    break;
                case 3:
                    at[name] = "x";
                    break;
                default:
                    at[name] = new JsonArray(null, 1, "x");
                    break;
            }

            return;
        }
    }
}
