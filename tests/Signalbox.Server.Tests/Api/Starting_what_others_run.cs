using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Api;

/// <summary>A server without the workflow's code: it starts runs by the definition that the store has of an earlier one.</summary>
public sealed class Starting_what_others_run : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("signalbox-start-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Store => Path.Combine(_folder.FullName, "store.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Goes_to_the_process_that_has_the_code_which_drives_it()
    {
        await using var owner = await Alerts.StartAsync(store: Store);
        var first = await owner.AskAsync();
        await using var access = await SqliteRunAccess.OpenAsync(Store, TimeProvider.System, Ct);
        await using var other = await ServeAsync(access);
        using var client = await AsOperatorAsync(other);

        using var answer = await StartAsync(client, new { workflow = "alert", @case = new { ip = "192.0.2.8" }, labels = new { site = "lab" } }, "order 17");
        using var again = await StartAsync(client, new { workflow = "alert", @case = new { ip = "192.0.2.9" } }, "order 17");

        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.TextAsync());
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        var run = new RunId((await answer.JsonAsync()).GetProperty("run").GetString()!);
        Assert.Equal(run.Value, (await again.JsonAsync()).GetProperty("run").GetString());
        await owner.Client.WaitUntilAsync(run, row => row.Status == RunStatus.Waiting, Ct);
        var (like, started) = ((await access.Reader.FindAsync(first, Ct))!.Row, (await access.Reader.FindAsync(run, Ct))!.Row);
        Assert.Equal((like.Workflow, like.Version, like.Fingerprint, like.State), (started.Workflow, started.Version, started.Fingerprint, started.State));
        Assert.Equal(("order 17", "lab"), (started.Key, started.Labels["site"]));
        Assert.Equal("192.0.2.8", (await owner.Client.GetCaseAsync<AlertCase>(run, Ct))!.Ip);
        Assert.Equal("key:ci", (await access.Reader.ReadAsync(run, 0, 1, Ct))[0].Actor);
    }

    [Fact]
    public async Task Leaves_it_to_the_worker_to_see_whether_the_case_fits()
    {
        await using var owner = await Alerts.StartAsync(store: Store);
        await owner.AskAsync();
        await using var access = await SqliteRunAccess.OpenAsync(Store, TimeProvider.System, Ct);
        await using var other = await ServeAsync(access);
        using var client = await AsOperatorAsync(other);

        using var answer = await StartAsync(client, new { workflow = "alert", @case = new { pi = 3 } });

        var run = new RunId((await answer.JsonAsync()).GetProperty("run").GetString()!);
        await owner.Client.WaitUntilAsync(run, row => row.Status is RunStatus.Failed or RunStatus.Held, Ct);
        var row = (await access.Reader.FindAsync(run, Ct))!.Row;
        Assert.Equal((RunStatus.Held, "case_unreadable"), (row.Status, row.ReasonCode));
    }

    [Fact]
    public async Task Takes_the_version_that_is_named_or_that_of_the_newest_run()
    {
        await using var world = await ServerWorld.StartAsync();
        var store = (InMemoryRunStore)world.App.Services.GetRequiredService<IRunReader>();
        await StartAsync(store, Door(2));
        await StartAsync(store, Door(3));
        using var client = world.As(world.Keys.Add("ci", ServerRoles.Operator));

        using var newest = await StartAsync(client, new { workflow = "door", @case = new { door = 1 } });
        using var named = await StartAsync(client, new { workflow = "door", version = 2, @case = new { door = 1 } });
        using var none = await StartAsync(client, new { workflow = "door", version = 4, @case = new { door = 1 } });

        Assert.Equal(
            [(2, Door(2).Fingerprint, "Start"), (3, Door(3).Fingerprint, "Start")],
            (await store.ListAsync(new RunQuery { Limit = 2 }, Ct)).Select(h => (h.Row.Version, h.Row.Fingerprint, h.Row.State)));
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (newest.StatusCode, named.StatusCode));
        Assert.Equal("definition_not_found", await none.CodeAsync(HttpStatusCode.NotFound));
    }

    [Theory]
    [InlineData("""{"workflow":"door","case":[1]}""", HttpStatusCode.UnprocessableEntity, "case_unfit")]
    [InlineData("""{"workflow":"door","case":null}""", HttpStatusCode.UnprocessableEntity, "case_unfit")]
    [InlineData("""{"workflow":"window","case":{}}""", HttpStatusCode.NotFound, "definition_not_found")]
    [InlineData("""{"workflow":"","case":{}}""", HttpStatusCode.BadRequest, "request_invalid")]
    [InlineData("""{"workflow":"odd","case":{}}""", HttpStatusCode.NotFound, "definition_missing")]
    [InlineData("""{"workflow":"list","case":{}}""", HttpStatusCode.NotFound, "definition_missing")]
    public async Task Starts_nothing_that_cannot_be(string body, HttpStatusCode status, string code)
    {
        await using var world = await ServerWorld.StartAsync();
        var store = (InMemoryRunStore)world.App.Services.GetRequiredService<IRunReader>();
        await StartAsync(store, Door(2));
        await StartAsync(store, "odd", new RawJson("""{"name":"odd"}"""u8.ToArray()));
        await StartAsync(store, "list", new RawJson("[]"u8.ToArray()));
        using var client = world.As(world.Keys.Add("ci", ServerRoles.Operator));

        using var answer = await client.PostAsync("/api/v1/runs", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Ct);

        Assert.Equal(code, await answer.CodeAsync(status));
        Assert.Equal(3, (await store.ListAsync(new RunQuery(), Ct)).Count);
    }

    private static WorkflowDefinition Door(int version) => new("door", version, "Start", [new StateDefinition("Start") { To = { "Done" } }, new StateDefinition("Done", "success")]);

    private static Task StartAsync(InMemoryRunStore store, WorkflowDefinition definition) => StartAsync(store, definition.Name, new RawJson(definition.ToJson()), definition.Version);

    private static async Task StartAsync(InMemoryRunStore store, string workflow, RawJson definition, int version = 1)
    {
        var start = new StartRun(RunId.New(Entropy.System), workflow, version, definition, "Start", new RawJson("{}"u8.ToArray()));
        Assert.True((await RunCommands.ExecuteAsync(store, start, new Caller("client:test", []), Ct)).IsAccepted);
    }

    private static async Task<HttpResponseMessage> StartAsync(HttpClient client, object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs") { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await client.SendAsync(request, Ct);
    }

    private static Task<ServerWorld> ServeAsync(SqliteRunAccess access) => ServerWorld.StartAsync(configure: builder => builder.Services
        .AddSingleton(access.Reader)
        .AddSingleton<IRunControl>(access)
        .AddSingleton<IKeySource>(access.Keys)
        .AddSingleton(new LogTail(access.Reader, TimeProvider.System))
        .AddSingleton(new RunQueries(access.Reader, TimeProvider.System)));

    private async Task<HttpClient> AsOperatorAsync(ServerWorld world) =>
        world.As((await new KeyFile(Store).AddAsync("ci", true, [ServerRoles.Operator], TimeProvider.System.GetUtcNow())).Text);
}
