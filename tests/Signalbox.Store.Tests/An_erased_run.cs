using System.Text;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class An_erased_run
{
    private const string Canary = "canary-7f3a9c51";
    private static readonly Caller s_admin = new("person:anna", ["admin"]);

    [Fact]
    public async Task Leaves_no_trace_in_any_file_while_the_store_is_open()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var runs = new List<RunId>();
        for (var i = 0; i < 400; i++)
        {
            runs.Add(await EndedAsync(store, $"{Canary} {(i * 7_919) % 1_000}", i));
            await EndedAsync(store, $"kept {i}", 1_000 + i);
        }

        Assert.NotEmpty(Traces(folder)); // or the search would prove nothing
        foreach (var run in runs)
        {
            Assert.Equal("ok", (await EraseAsync(store, run)).Code);
        }

        Assert.Empty(Traces(folder));
        await WholeJournal.CheckAsync(store);
    }

    [Fact]
    public async Task Leaves_no_trace_once_those_are_done_who_were_reading()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var run = await EndedAsync(store, Canary, 1);
        var reader = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={folder.File("store.db")};Mode=ReadOnly;Pooling=false");
        reader.Open();
        using (var command = reader.CreateCommand())
        {
            command.CommandText = "BEGIN; SELECT count(*) FROM entries";
            command.ExecuteScalar();
        }

        Assert.Equal("ok", (await EraseAsync(store, run)).Code);
        Assert.NotEmpty(Traces(folder)); // the reader still sees the store as it was
        reader.Dispose();
        await Until(() => Traces(folder).Count == 0);
    }

    [Fact]
    public async Task Is_erased_whole_or_not_at_all_by_an_owner_that_is_killed()
    {
        var seed = (ulong)Random.Shared.NextInt64();
        var random = new SeededEntropy(seed);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        var (whole, untouched) = (0, 0);
        for (var life = 0; life < 25; life++)
        {
            var acknowledged = new HashSet<RunId>();
            var spared = random.Below(4); // so many, however slow the machine is
            await using (var victim = OtherProcess.Start(Victim.Erases, path))
            {
                Task? killing = null;
                while (await victim.ReadLineAsync() is { } line)
                {
                    if (line.Split(' ') is ["erased", var run])
                    {
                        acknowledged.Add(new RunId(run));
                    }

                    killing ??= acknowledged.Count >= spared && line.StartsWith("erasing", StringComparison.Ordinal) ? Task.Delay(random.Below(40)).ContinueWith(_ => victim.KillNow(), TaskScheduler.Default) : null;
                }

                await killing!;
            }

            await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
            await store.Swept;
            await WholeJournal.CheckAsync(store); // an erased run has nothing left, or it fails
            foreach (var head in await store.ListAsync(new RunQuery { Limit = 10_000 }, default))
            {
                (whole, untouched) = head.Row.IsErased ? (whole + 1, untouched) : (whole, untouched + 1);
                Assert.True(head.Row.IsErased || !acknowledged.Contains(head.Row.Run), $"Run {head.Row.Run} was said to be erased and is not (seed {seed}).");
            }

            Assert.True((await store.ListAsync(new RunQuery { IsErased = false, Limit = 10_000 }, default)).Count > 0 || Traces(folder).Count == 0, $"Every run is erased, and something is left (seed {seed}): {string.Join(", ", Traces(folder))}");
            Assert.Equal(await PayloadsAsync(path), PayloadFiles(path));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{whole} times erased, {untouched} times not");
        Assert.True(whole > 0 && untouched > 0, $"The kills come too early or too late to prove anything: {whole} erased, {untouched} not (seed {seed}).");
    }

    [Fact]
    public async Task Needs_the_role_admin()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var run = await EndedAsync(store, "kept", 1);
        Assert.Equal("erase_role", (await RunCommands.ExecuteAsync(store, new EraseRun(run, "why"), new Caller("person:bob", ["operator"]), default)).Code);
        Assert.Equal("erase_reason", (await RunCommands.ExecuteAsync(store, new EraseRun(run, " "), s_admin, default)).Code);
        Assert.False((await store.FindAsync(run, default))!.Row.IsErased);
    }

    [Fact]
    public async Task Has_no_claim_that_others_go_by_and_no_action_in_doubt()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var claimed = await store.DriveAsync();
        await store.CommitAsync(claimed.Row.Run, Moves.Intend(claimed.Row.Run, Resource.Of("ip", "192.0.2.7")), Failed("it threw"));
        Assert.Equal("action_unsettled", (await EraseAsync(store, claimed.Row.Run)).Code);
        await store.CommitAsync(claimed.Row.Run, Moves.NotApplied(claimed.Row.Run));
        Assert.Equal("ok", (await EraseAsync(store, claimed.Row.Run)).Code);
        await WholeJournal.CheckAsync(store);
    }

    internal static async Task<RunId> EndedAsync(IRunStore store, string text, int seed)
    {
        var run = RunId.New(Entropy.System);
        var (small, large) = (Payload.Of(Encoding.UTF8.GetBytes($"{text} {seed} payload")), Payload.Of(Large(text, seed)));
        var result = await store.CommitAsync(
            run,
            Moves.Started(key: $"{text} key"),
            Moves.Entered(),
            Moves.Step($"\"{text} {new string('x', seed % 7 * 900)} end {text}\"") with { Cause = text + " cause", Payloads = [small, large] },
            Failed(text));
        Assert.True(result.IsCommitted);
        return run;
    }

    private static EntryDraft Failed(string reason) => new() { Kind = EntryKinds.RunFailed, State = "Work", Visit = 1, Actor = "engine", Body = Body.Write(new Trouble("handler_failed", reason)) };

    /// <summary>Bytes that do not shrink, with the text in them.</summary>
    private static byte[] Large(string text, int seed)
    {
        var bytes = new byte[40_000];
        new SeededEntropy((ulong)seed).Fill(bytes);
        Encoding.UTF8.GetBytes(text).CopyTo(bytes, 20_000);
        return bytes;
    }

    private static ValueTask<CommandResult> EraseAsync(IRunStore store, RunId run) => RunCommands.ExecuteAsync(store, new EraseRun(run, "asked for"), s_admin, default);

    /// <summary>The files that hold the canary. Another process looks: to close a file here would drop the locks that SQLite has on it in this process.</summary>
    private static List<string> Traces(TempFolder folder)
    {
        using var grep = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("grep", ["-rlaF", "--devices=skip", Canary, folder.Path]) { RedirectStandardOutput = true })!;
        var found = grep.StandardOutput.ReadToEnd();
        grep.WaitForExit();
        Assert.InRange(grep.ExitCode, 0, 1);
        return [.. found.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    private static async Task<int> PayloadsAsync(string path)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=false");
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM payloads WHERE bytes IS NULL";
        return (int)(long)command.ExecuteScalar()!;
    }

    private static int PayloadFiles(string path) => Directory.Exists(path + "-payloads") ? Directory.EnumerateFiles(path + "-payloads", "*", SearchOption.AllDirectories).Count() : 0;

    private static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
