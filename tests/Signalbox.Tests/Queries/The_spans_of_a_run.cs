using System.Globalization;
using System.Text;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Testing;
using Signalbox.Tests.Agents;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Queries;

public sealed class The_spans_of_a_run
{
    private readonly ManualClock _clock = new();

    /// <summary>The tree, one span a line; what is open has a dot behind it.</summary>
    private static string Tree(IReadOnlyList<RunSpan> spans)
    {
        var text = new StringBuilder();
        Write(null, "");
        return text.ToString().TrimEnd();

        void Write(string? parent, string indent)
        {
            foreach (var span in spans.Where(s => s.Parent == parent).OrderBy(s => s.FirstSeq).ThenBy(s => s.Type))
            {
                text.Append(CultureInfo.InvariantCulture, $"{indent}{span.Type} {span.Name}{(span.Error is null ? "" : $" !{span.Error}")}{(span.EndedAt is null ? " ." : "")}\n");
                Write(span.Id, indent + "  ");
            }
        }
    }

    [Fact]
    public async Task Lie_in_one_another_as_the_work_did()
    {
        using var fast = new ScriptedChatClient(
            _clock, ScriptedReply.ToolCall("whois", new Dictionary<string, object?> { ["address"] = "192.0.2.7" }), ScriptedReply.ToolCall("whowas", new Dictionary<string, object?>()), Says("block", 0.6));
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = fast,
            Strong = new ScriptedChatClient(_clock, Says("block", 0.95)),
            Tools = [Tool.Read("whois", "Who has an address.", (string address) => $"{address} is a scanner")],
        };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();
        var spans = SpanTree.Of(await bench.JournalAsync());

        Assert.Equal(
            """
            Run flow
              Visit One
                Agent judge
                  Tier fast
                    ModelCall fast-1
                    ToolCall whois
                    ModelCall fast-1
                    ToolCall whowas !unknown_tool
                    ModelCall fast-1
                  Tier strong
                    ModelCall strong-1
              Visit Done
            """, Tree(spans));
        var call = spans.First(s => s.Type == RunSpanType.ModelCall);
        Assert.Equal("fast-1", call.Attributes[SpanAttributes.RequestModel]);
        Assert.True((long)call.Attributes[SpanAttributes.InputTokens] > 0);
        Assert.Equal("whois", spans.First(s => s.Type == RunSpanType.ToolCall).Attributes[SpanAttributes.Tool]);
        var tier = spans.First(s => s.Type == RunSpanType.Tier);
        Assert.Equal((EscalationReasons.LowConfidence, "strong", "confidence 0.60 is below 0.80"), (tier.Attributes[SpanAttributes.Escalation], tier.Attributes[SpanAttributes.EscalatedTo], tier.Why));
        var agent = spans.Single(s => s.Type == RunSpanType.Agent);
        Assert.Equal((0.95, true, "strong"), (agent.Attributes[SpanAttributes.Confidence], agent.Attributes[SpanAttributes.Stands], agent.Attributes[SpanAttributes.Tier]));
        Assert.DoesNotContain(spans, s => s.Attributes.Values.Concat(s.Events.SelectMany(e => e.Attributes.Values)).Any(v => $"{v}".Contains("192.0.2.7", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Show_what_ran_side_by_side_and_what_was_missing()
    {
        var slow = new EvidenceSource<string, string>("slow", async (_, token) => { await Task.Delay(TimeSpan.FromMinutes(1), _clock, token); return ""; });
        var quick = new EvidenceSource<string, string>("quick", (ip, _) => Task.FromResult(ip));
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                await visit.Gather(slow.For("192.0.2.7").Within(TimeSpan.FromSeconds(2)), quick.For("192.0.2.7"));
                await visit.Act(new Block("192.0.2.7"));
                return visit.GoTo(Step.Done);
            }),
            options: new HarnessOptions { Clock = _clock });
        await bench.RunAsync();
        var spans = SpanTree.Of(await bench.JournalAsync());

        var (late, soon) = (spans.Single(s => s.Name == "slow"), spans.Single(s => s.Name == "quick"));
        Assert.Equal((RunSpanType.Evidence, "timed_out", "timed out after 2 s", 2_000_000L), (late.Type, late.Error, late.Why, late.EndedAt - late.StartedAt));
        Assert.True(late.StartedAt <= soon.EndedAt && late.Parent == soon.Parent);
        var action = spans.Single(s => s.Type == RunSpanType.Action);
        Assert.Equal(("block", "verified", true), (action.Name, action.Attributes[SpanAttributes.ActionStatus], action.Attributes[SpanAttributes.MadeByUs]));
        Assert.Equal([EntryKinds.ActionProbed, EntryKinds.ActionIntended, EntryKinds.ActionExecuted, EntryKinds.ActionVerified], action.Events.Select(e => e.Name));
    }

    [Fact]
    public async Task Go_on_over_waits_and_questions()
    {
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                await visit.WaitFor<string>("go");
                await visit.Delay(TimeSpan.FromHours(2));
                await visit.Approve(new Question("Block it?", "yes", "no"));
                return visit.GoTo(Step.Done);
            }),
            options: new HarnessOptions { Clock = _clock });
        await bench.RunAsync();
        Assert.Equal("Run flow .\n  Visit One .\n    Wait go .", Tree(SpanTree.Of(await bench.JournalAsync())));

        await bench.SignalAsync("go", "now");
        await bench.IdleAsync();
        await bench.AnswerAsync("yes");
        await bench.IdleAsync();
        var spans = SpanTree.Of(await bench.JournalAsync());

        Assert.Equal("Run flow\n  Visit One\n    Wait go\n    Wait delay\n    Approval approval\n  Visit Done", Tree(spans));
        Assert.Equal(("yes", "person:anna", "answered"), spans.Where(s => s.Type == RunSpanType.Approval).Select(s => (s.Attributes[SpanAttributes.Choice], s.Attributes[SpanAttributes.Actor], s.Attributes[SpanAttributes.Status])).Single());
        Assert.Equal((long)TimeSpan.FromHours(2).TotalMicroseconds, spans.Where(s => s.Name == "delay").Select(s => s.EndedAt - s.StartedAt).Single());
    }

    [Fact]
    public async Task Begin_anew_within_the_first_when_a_failed_run_is_tried_again()
    {
        var fails = true;
        var world = new AgentWorld { Clock = _clock, Fast = new ScriptedChatClient(_clock, Says("block", 0.9)), Fails = () => fails };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();
        fails = false;
        await bench.RetryAsync();
        await bench.IdleAsync();
        var spans = SpanTree.Of(await bench.JournalAsync());

        Assert.Equal(
            """
            Run flow !handler_failed
              Visit One !handler_failed
                Agent judge
                  Tier fast
                    ModelCall fast-1
              Run flow
                Visit One
                Visit Done
            """, Tree(spans));
        Assert.Equal(spans.Count, spans.Select(s => s.Id).Distinct().Count());
    }

    [Fact]
    public async Task Show_the_step_of_a_worker_that_died()
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read("slow", async _ => { await gate.PassAsync(); return 1; });
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync();
        gate.Open();
        await bench.IdleAsync();
        var run = SpanTree.Of(await bench.JournalAsync()).Single(s => s.Type == RunSpanType.Run);

        Assert.Equal([0L, 1L], run.Events.Where(e => e.Name == EntryKinds.RunLeased).Select(e => e.Attributes.TryGetValue(SpanAttributes.Deaths, out var deaths) ? (long)deaths : 0));
    }

    [Fact]
    public async Task Lead_from_a_child_to_its_parent()
    {
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Add(new Flow(async visit =>
            {
                await visit.ChildEnd(await visit.StartChild("child", new Note()));
                return visit.GoTo(Step.Done);
            }));
            signalbox.Add(new Flow(Flow.GoesTo(Step.Done)) { Name = "child" });
        });
        await bench.RunAsync();
        var spans = SpanTree.Of(await bench.JournalAsync());
        var child = (await bench.Harness.RunsAsync()).Single(r => r.Row.Parent == bench.Run).Row.Run;
        var root = SpanTree.Of(await bench.Harness.JournalAsync(child)).Single(s => s.Parent is null);

        Assert.Equal("Run flow\n  Visit One\n    Child child\n    Wait child.ended\n  Visit Done", Tree(spans));
        Assert.Equal(bench.Run.Value, root.Attributes[SpanAttributes.ParentRun]);
        Assert.Equal(SpanIds.Child(bench.Run, child), spans.Single(s => s.Type == RunSpanType.Child).Id);
        Assert.NotEqual(SpanIds.Trace(bench.Run), SpanIds.Trace(child));
    }

    [Fact]
    public async Task Stand_where_bodies_were_erased_or_damaged()
    {
        using var fast = new ScriptedChatClient(_clock, Says("block", 0.6));
        var world = new AgentWorld { Clock = _clock, Fast = fast, Strong = new ScriptedChatClient(_clock, Says("block", 0.95)) };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();
        var journal = await bench.JournalAsync();

        foreach (var body in new[] { "", "{", "[]", "null", "7", """{"microseconds":-5,"model":[],"agent":7,"child":" ","terms":{}}""", """{"microseconds":9223372036854775807,"startedAt":-9223372036854775808}""" })
        {
            SpanTree.Check([.. journal.Select(e => e with { Body = Encoding.UTF8.GetBytes(body) })]);
        }

        foreach (var entry in journal)
        {
            SpanTree.Check([.. journal.Select(e => e == entry ? e with { Body = default } : e)]);
        }
    }

    [Fact]
    public void Have_ids_that_never_change()
    {
        var run = new RunId("r-0123456789abc");
        Assert.Equal("e2f873ed842a5dd7983a98300003717f", SpanIds.Trace(run));
        Assert.Equal("1220b14addebbe71", SpanIds.Root(run));
        Assert.Equal("165eb5942addd383", SpanIds.Of(run, "step", 17));
        Assert.Equal("b012c3951d849b12", SpanIds.Child(run, new RunId("r-child")));
    }
}
