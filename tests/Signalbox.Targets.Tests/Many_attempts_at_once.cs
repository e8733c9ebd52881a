using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.HistoryChecker;
using Signalbox.Sqlite;
using Signalbox.Targets.Tests.Http;
using Signalbox.Targets.Tests.Server;
using Signalbox.Tests;

namespace Signalbox.Targets.Tests;

/// <summary>300 attempts at once on 50 actions are 50 effects, by the server's own log.</summary>
public sealed class Many_attempts_at_once(ServerProcess server) : IClassFixture<ServerProcess>
{
    private const int Attempts = 300;
    private const int Actions = 50;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    public enum Stage { Act, Done, Failed }

    public sealed record Matter(string Name);

    [Fact]
    public async Task By_handlers_of_a_keyed_target_are_one_effect_for_each_action()
    {
        var errors = await RaceAsync(async i =>
        {
            using var http = HttpTargets.Client(server.Url);
            await new HttpBlockHandler(http).ExecuteAsync(new BlockHost($"keyed-{i % Actions}"), Context(i), default);
        });
        Assert.All(errors, Assert.Null);
        AssertOneEffectEach("blocks", "keyed-");
    }

    [Fact]
    public async Task By_handlers_of_a_conditional_target_are_one_effect_for_each_action()
    {
        var errors = await RaceAsync(async i =>
        {
            using var http = HttpTargets.Client(server.Url);
            await new HttpRuleHandler(http).ExecuteAsync(new SetRule($"conditional-{i % Actions}", "deny all"), Context(i), default);
        });
        Assert.All(errors, e => Assert.True(e is null or HttpRequestException { StatusCode: System.Net.HttpStatusCode.PreconditionFailed }, e?.ToString()));
        AssertOneEffectEach("rules", "conditional-");
    }

    [Fact]
    public async Task By_starts_under_one_key_for_each_action_are_one_run_and_one_effect_each()
    {
        using var folder = new TempFolder();
        using var http = HttpTargets.Client(server.Url);
        using var host = await HostAsync(folder, http);
        var client = host.Services.GetRequiredService<RunClient>();
        var ends = await Task.WhenAll(Enumerable.Range(0, Attempts).Select(async i =>
        {
            var name = $"started-{i % Actions}";
            return await client.WaitForEndAsync((await client.StartAsync("act", new Matter(name), key: name)).Run);
        })).WaitAsync(s_limit);

        Assert.All(ends, end => Assert.Equal((RunStatus.Completed, nameof(Stage.Done)), (end.Status, end.State)));
        Assert.Equal(Actions, ends.Select(end => end.Run).Distinct().Count());
        AssertOneEffectEach("blocks", "started-");
        AssertOneEffectEach("rules", "started-");
        Assert.Empty(await ViolationsAsync(client, "started-"));
        await host.StopAsync();
    }

    [Fact]
    public async Task By_runs_that_know_nothing_of_each_other_are_one_effect_for_each_resource()
    {
        using var folder = new TempFolder();
        using var http = HttpTargets.Client(server.Url);
        using var host = await HostAsync(folder, http);
        var client = host.Services.GetRequiredService<RunClient>();
        var ends = await Task.WhenAll(Enumerable.Range(0, Attempts).Select(async i =>
            await client.WaitForEndAsync((await client.StartAsync("act", new Matter($"alone-{i % Actions}"))).Run))).WaitAsync(s_limit);

        Assert.All(ends, end => Assert.Equal((RunStatus.Completed, nameof(Stage.Done)), (end.Status, end.State)));
        Assert.Equal(Attempts, ends.Select(end => end.Run).Distinct().Count());
        AssertOneEffectEach("blocks", "alone-");
        AssertOneEffectEach("rules", "alone-");
        Assert.Empty(await ViolationsAsync(client, "alone-"));
        await host.StopAsync();
    }

    private static ActionContext Context(int attempt) => A_handler_on_HTTP.Context($"a-{attempt % Actions}") with { Attempt = (attempt / Actions) + 1 };

    private static async Task<Exception?[]> RaceAsync(Func<int, Task> call)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var racing = Enumerable.Range(0, Attempts).Select(i => Task.Run(async () =>
        {
            await start.Task;
            return await Record.ExceptionAsync(() => call(i));
        })).ToArray();
        start.SetResult();
        return await Task.WhenAll(racing).WaitAsync(s_limit);
    }

    private static async Task<IHost> HostAsync(TempFolder folder, HttpClient http)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(http);
        builder.Services.AddSignalbox(box => box
            .AddWorkflow<Act>().AddAction<BlockHost, HttpBlockHandler>("block_host").AddAction<SetRule, HttpRuleHandler>("set_rule").UseSqlite(folder.File("signalbox.db")));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private void AssertOneEffectEach(string kind, string prefix)
    {
        var effects = server.Effects.Where(e => e.Applied && e.Kind == kind && e.Resource.StartsWith(prefix, StringComparison.Ordinal)).ToArray();
        Assert.Equal(Actions, effects.Length);
        Assert.Equal(Actions, effects.Select(e => e.Resource).Distinct().Count());
    }

    private async Task<IReadOnlyList<Violation>> ViolationsAsync(RunClient client, string prefix)
    {
        var effects = server.Effects.Where(e => e.Resource.StartsWith(prefix, StringComparison.Ordinal) && e.Op != "fence").Select(A_worker_that_is_killed.CheckerLine);
        return HistoryCheck.Run(await JournalExport.LinesAsync(client.Store), new HistoryOptions { TargetLog = effects });
    }

    private sealed class Act() : Workflow<Stage, Matter>("act", version: 1)
    {
        protected override void Define(StateMachine<Stage, Matter> states)
        {
            states.Start(Stage.Act, ActAsync).To(Stage.Done, Stage.Failed);
            states.End(Stage.Done);
            states.End(Stage.Failed);
        }

        private static async Task<Next> ActAsync(Visit<Stage, Matter> visit)
        {
            var block = await visit.Act(new BlockHost(visit.Case.Name));
            var rule = await visit.Act(new SetRule(visit.Case.Name, "deny all"));
            return visit.GoTo(block.IsVerified && rule.IsVerified ? Stage.Done : Stage.Failed);
        }
    }
}
