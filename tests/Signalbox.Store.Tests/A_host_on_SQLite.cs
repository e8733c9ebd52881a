using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Search;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

/// <summary>The way a program takes: AddSignalbox, UseSqlite, start the host.</summary>
public sealed class A_host_on_SQLite : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-host-").FullName;

    [Fact]
    public async Task Parks_a_run_and_goes_on_with_it_after_a_restart()
    {
        RunId run;
        using (var host = Program())
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            var client = host.Services.GetRequiredService<RunClient>();
            run = (await client.StartAsync("greet", new Greeting("Anna"), key: "k")).Run;
            await client.WaitUntilAsync(run, r => r.Status == RunStatus.Waiting).WaitAsync(TimeSpan.FromSeconds(30));
            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        using (var host = Program())
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            var client = host.Services.GetRequiredService<RunClient>();
            Assert.Equal(new RunStart(run, IsNew: false), await client.StartAsync("greet", new Greeting("Anna"), key: "k"));
            Assert.True((await client.SignalAsync(run, "word", "hello")).IsAccepted);
            var end = await client.WaitForEndAsync(run).WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(RunStatus.Completed, end.Status);
            Assert.Equal("hello Anna", (await client.GetCaseAsync<Greeting>(run))!.Text);
            await host.StopAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Finds_what_its_runs_said()
    {
        using var host = Program();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var client = host.Services.GetRequiredService<RunClient>();
        var run = (await client.StartAsync("greet", new Greeting("Berenike"))).Run;
        var index = host.Services.GetRequiredService<ISearchIndex>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await index.SearchAsync(new SearchQuery { Text = "berenike" }, limit.Token)).Hits is not [{ Workflow: "greet" } hit, ..] || hit.Run != run)
        {
            await Task.Yield();
        }

        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.False((await index.StatusAsync(limit.Token)).IsFed);
    }

    [Fact]
    public async Task Does_not_start_on_a_store_that_another_owns()
    {
        using var first = Program();
        await first.StartAsync(TestContext.Current.CancellationToken);
        using var second = Program();
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => second.StartAsync(TestContext.Current.CancellationToken));
        Assert.Equal("store_owned", refused.Code);
        await first.StopAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private IHost Program()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSignalbox(box => box.AddWorkflow<Greet>().UseSqlite(Path.Combine(_folder, "signalbox.db")));
        return builder.Build();
    }

    public enum Stage { Ask, Done }

    public sealed record Greeting(string Text);

    public sealed class Greet() : Workflow<Stage, Greeting>("greet", version: 1)
    {
        protected override void Define(StateMachine<Stage, Greeting> states)
        {
            states.Start(Stage.Ask, AskAsync).To(Stage.Done);
            states.End(Stage.Done);
        }

        private static async Task<Next> AskAsync(Visit<Stage, Greeting> visit)
        {
            var word = await visit.WaitFor<string>("word");
            return visit.GoTo(Stage.Done, new Greeting($"{word.Value} {visit.Case.Text}"), because: "a word came");
        }
    }
}
