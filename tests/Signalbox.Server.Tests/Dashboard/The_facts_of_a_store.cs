using System.Text;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_facts_of_a_store : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-facts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Are_the_owners_and_those_of_whoever_reads_beside_it()
    {
        var token = TestContext.Current.CancellationToken;
        var clock = new ManualClock();
        var path = Path.Combine(_folder, "signalbox.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path, Clock = clock }, token);
        var start = new StartRun(new RunId("r-1"), "desk", 1, new RawJson(Encoding.UTF8.GetBytes("{}")), "Look", new RawJson(Encoding.UTF8.GetBytes("{}")));
        Assert.Equal("ok", (await RunCommands.ExecuteAsync(store, start, new Caller("person:carl", []), token)).Code);
        await store.HeartbeatAsync("w-1", TimeSpan.FromSeconds(30), token);
        clock.Advance(TimeSpan.FromSeconds(10));

        var own = await store.FactsAsync(token);
        Assert.Equal(("sqlite", path, true), (own.Kind, own.Place, own.NeedsOwner));
        Assert.Equal((await store.ReadLogAsync(0, 100, token))[^1].Position, own.LogEnd);
        Assert.Equal(own.SchemaNewest, own.Schema);
        Assert.Equal(new Dictionary<RunStatus, long> { [RunStatus.Pending] = 1 }, own.Runs);
        Assert.Equal((new WorkflowVersion("desk", 1), 1L, 1L), Assert.Single(own.Definitions) is var use ? (use.Workflow, use.Runs, use.Open) : default);
        Assert.Equal(clock.GetUtcNow().AddSeconds(-10), Microseconds.ToTime(own.ReadySince!.Value));
        Assert.Equal(clock.GetUtcNow().AddSeconds(20), own.Workers!["w-1"]);
        Assert.All(own.Parts.Where(p => p.Name is "database" or "write-ahead log"), part => Assert.True(part.Bytes > 0, part.Name));
        Assert.Contains(Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), own.Owner!, StringComparison.Ordinal);

        await using var access = await SqliteRunAccess.OpenAsync(path, clock, token);
        var read = await Assert.IsAssignableFrom<IStoreFacts>(access.Reader).FactsAsync(token);
        Assert.Equal((own.LogEnd, null, own.Runs[RunStatus.Pending]), (read.LogEnd, read.Workers, read.Runs[RunStatus.Pending]));
        Assert.NotNull(read.Owner);
        var view = await new RunQueries(access.Reader, clock).SystemAsync(token);
        Assert.Equal(["store", "workers", "runs", "index", "workflows"], view.Verdicts.Select(v => v.Part));
        Assert.StartsWith("There is no search index", view.Verdicts.Single(v => v.Part == "index").Words, StringComparison.Ordinal);
    }
}
