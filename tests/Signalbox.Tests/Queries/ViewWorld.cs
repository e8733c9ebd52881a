using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;
using Signalbox.Testing;
using Signalbox.Tests.Agents;
using Signalbox.Tests.Claims;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Queries;

/// <summary>Runs in which much happens, for views to be made of.</summary>
internal static class ViewWorld
{
    public static RunQueries Queries(this Bench bench) => new(bench.Harness.Store, bench.Harness.Clock);

    public static async Task<RunView> ViewAsync(this Bench bench) => (await bench.Queries().ViewAsync(bench.Run, default))!;

    /// <summary>The view that the first entries make, as if the run stood there.</summary>
    public static RunView View(IReadOnlyList<Entry> entries)
    {
        RunHead? head = null;
        var fold = new RunViewFold(Redactor.None);
        foreach (var entry in entries)
        {
            head = RunHead.Apply(head, entry);
            fold.Add(entry);
        }

        return fold.View(head!, null);
    }

    public static ScriptedReply Call(string tool, string id, params (string Name, object? Value)[] arguments) => ScriptedReply.ToolCall(tool, arguments.ToDictionary(a => a.Name, a => a.Value), id);

    /// <summary>
    /// An agent whose first tier calls a tool that does not exist, then one that hangs twice and one that answers, says what is no answer, and is unsure; whose second tier has a model that is overloaded once, and is as
    /// sure as what is missing lets it be. Its decision is judged wrong afterwards.
    /// </summary>
    public static async Task<Bench> AnalystAsync()
    {
        var clock = new ManualClock();
        var asked = 0;
        var hangs = Tool.Read("threats", "What is known.", (string address) => new TaskCompletionSource<string>().Task, new ToolOptions { Within = TimeSpan.FromSeconds(2), Attempts = 2 });
        var logins = Tool.Read("logins", "Who logged in.", (string address) => $"{++asked} logins from {address}");
        var world = new AgentWorld
        {
            Clock = clock,
            Fast = new ScriptedChatClient(
                clock, Call("whois", "c1", ("address", "192.0.2.7")),
                Call("threats", "c2", ("address", "192.0.2.7")).And(Call("logins", "c3", ("address", "192.0.2.7"))),
                ScriptedReply.Text("I think it is bad."), Says("block", 0.6)),
            Strong = new ScriptedChatClient(clock, ScriptedReply.Throw(new ModelException(ModelTrouble.Overloaded, "it said 529")), Says("block", 0.9)),
            Tools = [hangs, logins],
        };
        var bench = await world.StartAsync();
        await bench.RunAsync();
        var decision = await bench.EntriesAsync(EntryKinds.DecisionMade);
        await bench.Harness.Client("person:anna").JudgeAsync(bench.Run, Body.Read<DecisionMade>(decision[^1]).Decision, right: false, "it was the scanner");
        return bench;
    }

    /// <summary>Two of three sources answer, a handler throws, an operator retries; a child is started; evidence is asked again.</summary>
    public static async Task<Bench> RetriedAsync()
    {
        var fails = true;
        var found = new EvidenceSource<string, int>("logins", (ip, _) => Task.FromResult(ip.Length));
        var slow = new EvidenceSource<string, int>("threats", (_, _) => new TaskCompletionSource<int>().Task);
        Flow parent = new(
            async visit =>
            {
                var (a, b) = await visit.Gather(found.For("192.0.2.7"), slow.For("192.0.2.7").Within(TimeSpan.FromSeconds(2)));
                if (fails)
                {
                    fails = false;
                    throw new InvalidOperationException("it has lost its way");
                }

                return visit.GoTo(Step.Two, new Note("", a.Value), because: $"threats: {b.Reason}");
            },
            async visit =>
            {
                var child = await visit.StartChild("child", new Note("", visit.Case.Number));
                var end = await visit.ChildEnd(child);
                await visit.Delay(TimeSpan.FromMinutes(5));
                return visit.GoTo(Step.Done, because: $"the child is {end.Status}");
            });
        var bench = await Bench.StartAsync(signalbox => signalbox.Add(parent).Add(new Flow(Flow.GoesTo(Step.Done)) { Name = "child" }));
        await bench.RunAsync();
        await bench.RetryAsync();
        await bench.IdleAsync();
        return bench;
    }

    /// <summary>Two people must approve: one answers twice, one in the wrong role, one for something else, one after all is over.</summary>
    public static async Task<Bench> ApprovedAsync()
    {
        var options = new WishOptions { Approval = _ => ApprovalRule.Default with { Quorum = 2 } };
        var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(options);
            signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit =>
            {
                var outcome = await visit.Act(new Wish("192.0.2.7/32"));
                return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, because: $"{outcome.Status}");
            }));
        });
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var hash = (await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested)).Action!.ArgumentsHash;
        await AnswerAsync("person:anna", "approve", "I looked", hash, Caller.AnyRole);
        await AnswerAsync("person:anna", "approve", null, hash, Caller.AnyRole);
        await AnswerAsync("person:bob", "approve", null, hash, "cleaner");
        await AnswerAsync("person:carl", "approve", null, new string('0', 64), Caller.AnyRole);
        await AnswerAsync("person:dora", "approve", null, hash, Caller.AnyRole);
        await bench.IdleAsync();
        await AnswerAsync("person:emil", "reject", "too late", null, Caller.AnyRole);
        return bench;

        async Task AnswerAsync(string by, string choice, string? comment, string? hash, string role) => await bench.Harness.Client(by, [role]).AnswerAsync(bench.Run, choice, null, comment, hash);
    }

    /// <summary>Of two runs one blocks and the other wants to allow, and gives way; then the first takes its block back. Gives both.</summary>
    public static async Task<(Bench Bench, RunId First, RunId Second)> OpposedAsync()
    {
        var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(new WishOptions { Policy = ActionPolicy.Default with { OnConflict = ConflictRule.Yield } });
            signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit =>
            {
                var wish = new Wish("10.0.0.5/32", visit.Case.Text);
                var outcome = await visit.Act(wish);
                if (outcome.IsVerified)
                {
                    await visit.WaitFor<bool>("undo");
                    await visit.Undo(wish);
                }

                return visit.GoTo(Step.Done, because: outcome.Reason);
            }));
        });
        var first = await bench.StartRunAsync(new Note("block"));
        await bench.IdleAsync();
        var second = await bench.StartRunAsync(new Note("allow"));
        await bench.IdleAsync();
        await bench.Harness.Client().SignalAsync(first, "undo", true);
        await bench.IdleAsync();
        return (bench, first, second);
    }

    /// <summary>The journals of all of these, for what must hold of any.</summary>
    public static async Task<IReadOnlyList<IReadOnlyList<Entry>>> JournalsAsync()
    {
        var journals = new List<IReadOnlyList<Entry>>();
        foreach (var make in new Func<Task<Bench>>[] { AnalystAsync, RetriedAsync, ApprovedAsync, async () => (await OpposedAsync()).Bench })
        {
            await using var bench = await make();
            bench.IsQuiet = true;
            foreach (var run in await bench.Harness.RunsAsync())
            {
                journals.Add(await bench.Harness.JournalAsync(run.Row.Run));
            }
        }

        return journals;
    }

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
