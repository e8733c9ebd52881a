using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests.Index;

/// <summary>A store in a folder of its own with its index, and entries in few words.</summary>
internal sealed class IndexWorld : IAsyncDisposable
{
    private static readonly Payload Definition = Payload.Of("{}"u8.ToArray());

    private readonly TempFolder _folder;

    private IndexWorld(TempFolder folder, SqliteRunStore store, string path)
    {
        _folder = folder;
        Store = store;
        Path = path;
        Index = new SqliteIndex(path, store);
    }

    public SqliteRunStore Store { get; }

    public string Path { get; }

    public string IndexPath => Path + "-index";

    public SqliteIndex Index { get; private set; }

    public static async Task<IndexWorld> OpenAsync()
    {
        var folder = new TempFolder();
        var path = folder.File("signalbox.db");
        return new IndexWorld(folder, await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default), path);
    }

    public async Task<RunId> StartAsync(string workflow = "flow", params (string Name, string Value)[] labels)
    {
        var run = RunId.New(Entropy.System);
        var started = new RunStarted(workflow, 1, RawJson.To(Definition.Hash), Labels: labels.ToDictionary(l => l.Name, l => l.Value));
        await CommitAsync(run, Draft(EntryKinds.RunStarted, started) with { Payloads = [Definition] }, Draft(EntryKinds.StateEntered, new StateEntered(null, Moves.Json("{}"))));
        return run;
    }

    public async Task<IReadOnlyList<Entry>> CommitAsync(RunId run, params EntryDraft[] entries)
    {
        var result = await Store.CommitAsync(new Commit { Run = run, Entries = entries }, default);
        Assert.Equal(CommitStatus.Committed, result.Status);
        return result.Entries;
    }

    /// <summary>A step with this text as its result.</summary>
    public async Task<Entry> SayAsync(RunId run, string text, string state = "Work") => (await CommitAsync(run, Said(text) with { State = state }))[0];

    public static EntryDraft Said(string text, string? agent = null, string? tier = null) => Draft(
        EntryKinds.StepCompleted,
        new StepCompleted(null, new RawJson(JsonSerializer.SerializeToUtf8Bytes(text)), 7, Tool: agent is null ? null : new ToolCalled(agent, tier!, 1, "toolu_1"))) with
    { Step = "look/-/1" };

    public static EntryDraft Raw(string body) => Draft(EntryKinds.StepCompleted, 0) with { Body = Encoding.UTF8.GetBytes(body), Step = "look/-/1" };

    public static EntryDraft Draft<T>(string kind, T body) =>
        new() { Kind = kind, State = "Work", Visit = 1, Actor = "engine", Cause = "", Body = typeof(T) == typeof(int) ? default : Body.Write(body) };

    public async Task<long[]> FindAsync(SearchQuery query) => [.. (await Index.SearchAsync(query, default)).Hits.Select(h => h.Position)];

    public Task<long[]> FindAsync(string text) => FindAsync(new SearchQuery { Text = text });

    public async Task FedAsync() => Assert.True(await Index.CatchUpAsync());

    public async Task ReopenIndexAsync()
    {
        await Index.DisposeAsync();
        Index = new SqliteIndex(Path, Store);
    }

    public async ValueTask DisposeAsync()
    {
        await Index.DisposeAsync();
        await Store.DisposeAsync();
        _folder.Dispose();
    }
}
