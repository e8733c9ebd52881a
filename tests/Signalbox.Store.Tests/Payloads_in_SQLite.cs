using Microsoft.Data.Sqlite;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class Payloads_in_SQLite
{
    [Fact]
    public async Task That_are_large_lie_in_files_and_are_null_when_missing_or_altered()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var (missing, altered, cut) = (Noise(1), Noise(2), Noise(3));
        await store.CommitAsync(await store.StartAsync(), Moves.Step() with { Payloads = [missing, altered, cut] });
        var files = Directory.GetFiles(folder.File("store.db-payloads"), "*", SearchOption.AllDirectories);
        Assert.Equal(3, files.Length);

        File.Delete(FileOf(folder, missing));
        var bytes = await File.ReadAllBytesAsync(FileOf(folder, altered));
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(FileOf(folder, altered), bytes);
        await File.WriteAllBytesAsync(FileOf(folder, cut), bytes[..100]);
        foreach (var payload in new[] { missing, altered, cut })
        {
            Assert.Null(await store.FindPayloadAsync(payload.Hash, default));
        }
    }

    [Fact]
    public async Task That_are_small_lie_in_the_database_and_are_null_when_altered()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var (plain, packed) = (Payload.Of("plain"u8.ToArray()), Payload.Of(Enumerable.Repeat((byte)'a', 20_000).ToArray()));
        await store.CommitAsync(await store.StartAsync(), Moves.Step() with { Payloads = [plain, packed] });
        Assert.False(Directory.Exists(folder.File("store.db-payloads")));
        Sql(folder, "UPDATE payloads SET bytes = CAST(x'00' || bytes AS BLOB)");
        Assert.Null(await store.FindPayloadAsync(plain.Hash, default));
        Assert.Null(await store.FindPayloadAsync(packed.Hash, default));
    }

    [Fact]
    public async Task Are_stored_once_and_know_who_refers_to_them()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var (large, small) = (Noise(1), Payload.Of("small"u8.ToArray()));
        for (var i = 0; i < 3; i++)
        {
            await store.CommitAsync(await store.StartAsync(), Moves.Step() with { Payloads = [large, small] }, Moves.Step() with { Payloads = [large] });
        }

        Assert.Equal(1L, Sql(folder, $"SELECT count(*) FROM payloads WHERE hash = x'{large.Hash}'"));
        Assert.Equal(6L, Sql(folder, $"SELECT count(*) FROM payload_refs WHERE payload = (SELECT id FROM payloads WHERE hash = x'{large.Hash}')"));
        Assert.Equal(3L, Sql(folder, $"SELECT count(*) FROM payload_refs WHERE payload = (SELECT id FROM payloads WHERE hash = x'{small.Hash}')"));
        Assert.Single(Directory.GetFiles(folder.File("store.db-payloads"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Left_without_an_entry_are_swept_by_the_next_owner()
    {
        using var folder = new TempFolder();
        var kept = Noise(1);
        await using (var store = await OpenAsync(folder))
        {
            await store.CommitAsync(await store.StartAsync(), Moves.Step() with { Payloads = [kept] });
            var refused = await store.CommitAsync(RunId.New(Entropy.System), Moves.Step() with { Payloads = [Noise(2)] });
            Assert.False(refused.IsCommitted);
        }

        var shelf = Path.GetDirectoryName(FileOf(folder, kept))!;
        await File.WriteAllTextAsync(Path.Combine(shelf, kept.Hash + ".7.tmp"), "half");
        await File.WriteAllTextAsync(Path.Combine(shelf, "notes.txt"), "somebody's");
        Assert.True(File.Exists(FileOf(folder, Noise(2))));
        await using var next = await OpenAsync(folder);
        await next.Swept;
        Assert.Equal(
            new[] { FileOf(folder, kept), Path.Combine(shelf, "notes.txt") }.Order(), Directory.GetFiles(folder.File("store.db-payloads"), "*", SearchOption.AllDirectories).Order());
        Assert.NotNull(await next.FindPayloadAsync(kept.Hash, default));
    }

    [Fact]
    public async Task Of_incompressible_bytes_are_written_once()
    {
        using var folder = new TempFolder();
        var before = Written();
        const int Count = 20;
        await using (var store = await OpenAsync(folder))
        {
            var run = await store.StartAsync();
            for (var i = 0; i < Count; i++)
            {
                await store.CommitAsync(run, Moves.Step() with { Payloads = [Noise((ulong)i, 1 << 20)] });
            }
        }

        var stored = Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        Assert.InRange(stored, Count << 20, Count * 1.05 * (1 << 20));
        TestContext.Current.TestOutputHelper?.WriteLine($"{stored} bytes stored, at most {Written() - before} written by this process meanwhile, for {Count} MB of payload");
    }

    private static long Written() => long.Parse(File.ReadLines("/proc/self/io").First(l => l.StartsWith("write_bytes:", StringComparison.Ordinal)).Split(' ')[1]);

    private static async Task<SqliteRunStore> OpenAsync(TempFolder folder) => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);

    private static Payload Noise(ulong seed, int length = 50_000)
    {
        var bytes = new byte[length];
        new SeededEntropy(seed).Fill(bytes);
        return Payload.Of(bytes);
    }

    private static string FileOf(TempFolder folder, Payload payload) => Path.Combine(folder.File("store.db-payloads"), payload.Hash.Value[..2], payload.Hash.Value);

    private static object? Sql(TempFolder folder, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={folder.File("store.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
