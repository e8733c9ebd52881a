using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Providers.Tests.Engine;

/// <summary>The answer of the tests' agent.</summary>
public sealed record Verdict(string Decision, double Confidence);

/// <summary>The case of the tests' runs: what became of them.</summary>
public sealed record Matter(string Text);

public enum Stage
{
    Ask,
    Person,
    Done,
}

/// <summary>A host whose agent asks a real client's model on a server of this machine, and a second one where the first does not do.</summary>
public sealed partial class EngineWorld : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly IHost _host;
    private readonly RunClient _client;

    private EngineWorld(IHost host, ModelWireServer fast, ModelWireServer strong)
    {
        (_host, Fast, Strong) = (host, fast, strong);
        _client = host.Services.GetRequiredService<RunClient>();
    }

    /// <summary>What one reply of the server says it used costs: input 3, read from the cache 0.3, written to it 4, output 15.</summary>
    public static Price Price { get; } = new(3, 15) { CachedInput = 0.3m, CacheWrite = 4 };

    public ModelWireServer Fast { get; }

    /// <summary>The stronger model's, which always decides to allow.</summary>
    public ModelWireServer Strong { get; }

    public static WireReply Says(string decision, double confidence = 0.9) => WireReply.Text(FormattableString.Invariant($$"""{"decision":"{{decision}}","confidence":{{confidence}}}"""));

    public static async Task<EngineWorld> StartAsync(Kind kind, bool streamed, ModelOptions? options, params IEnumerable<WireReply> replies)
    {
        var fast = await ModelWireServer.StartAsync(replies);
        var strong = await ModelWireServer.StartAsync(Says("allow"));
        var builder = Host.CreateEmptyApplicationBuilder(null);
        options = (options ?? new ModelOptions()) with { Streams = streamed, Price = Price, Attempts = 3, Backoff = TimeSpan.FromMilliseconds(5), OutputTokensMax = 500 };
        builder.Services.AddSignalbox(box =>
        {
            box.UseStore(_ => new InMemoryRunStore());
            box.AddModel("fast-1", World.ClientOf(kind, fast.Url), options).AddModel("strong-1", World.ClientOf(kind, strong.Url), options);
            box.UseLadder(new Ladder(new Tier("fast", "fast-1"), new Tier("strong", "strong-1")));
            box.AddTool(Tool.Read("check_disk", "How full a host's disk is.", (string host) => $"{host}: 91 %"));
            box.AddWorkflow<Flow>();
        });
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new EngineWorld(host, fast, strong);
    }

    /// <summary>Runs one run to where it ends or waits for a person. Whatever happened, the key is nowhere in what is stored.</summary>
    public async Task<(RunRow Row, string Text)> RunAsync()
    {
        var run = (await _client.StartAsync("ask", new Matter(""))).Run;
        var row = await _client.WaitUntilAsync(run, r => !r.IsOpen || r.Status is RunStatus.Waiting or RunStatus.Held).WaitAsync(s_patience);
        Assert.DoesNotContain(World.Key, await StoredAsync(run), StringComparison.OrdinalIgnoreCase);
        return (row, (await _client.GetCaseAsync<Matter>(run))!.Text);
    }

    public async Task<IReadOnlyList<T>> BodiesAsync<T>(RunId run, string kind) => [.. (await _client.Store.ReadAsync(run, 0, 1000, CancellationToken.None)).Where(e => e.Kind == kind).Select(Body.Read<T>)];

    /// <summary>All that the store holds of a run, every payload included.</summary>
    public async Task<string> StoredAsync(RunId run)
    {
        var text = new StringBuilder();
        foreach (var entry in await _client.Store.ReadAsync(run, 0, 1000, CancellationToken.None))
        {
            var body = Encoding.UTF8.GetString(entry.Body.Span);
            text.AppendLine(entry.Cause).AppendLine(body);
            foreach (var hash in Hash().Matches(body).Select(m => m.Value))
            {
                if (await _client.Store.FindPayloadAsync(new PayloadHash(hash), CancellationToken.None) is { } payload)
                {
                    text.AppendLine(Encoding.UTF8.GetString(payload.Span));
                }
            }
        }

        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        await Fast.DisposeAsync();
        await Strong.DisposeAsync();
    }

    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex Hash();

    private sealed class Flow() : Workflow<Stage, Matter>("ask", version: 1)
    {
        private static readonly Agent<Verdict> s_judge = new("judge") { Instructions = "You judge hosts.", Confidence = v => v.Confidence };

        protected override void Define(StateMachine<Stage, Matter> states)
        {
            states.Start(Stage.Ask, AskAsync).To(Stage.Done, Stage.Person).Agent("judge", "check_disk");
            states.State(Stage.Person, AskPersonAsync).To(Stage.Done);
            states.End(Stage.Done);
            states.EscalatesTo(Stage.Person);
        }

        private static async Task<Next> AskAsync(Visit<Stage, Matter> visit)
        {
            var decision = await visit.Decide(s_judge, "Is web-1 slow?");
            return decision.Stands ? visit.GoTo(Stage.Done, new Matter($"{decision.Answer!.Decision} by {decision.Tier}")) : visit.GoTo(Stage.Person, new Matter(decision.Why!));
        }

        private static async Task<Next> AskPersonAsync(Visit<Stage, Matter> visit)
        {
            await visit.Approve(new Question("What now?", "block", "allow"));
            return visit.GoTo(Stage.Done);
        }
    }
}
