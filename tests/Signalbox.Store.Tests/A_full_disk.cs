using System.Diagnostics;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class A_full_disk
{
    [Fact]
    public async Task Refuses_commits_loses_none_that_was_acknowledged_and_takes_them_again_when_there_is_room()
    {
        using var folder = new TempFolder();
        using var disk = SmallDisk.TryMake(folder.File("disk"), megabytes: 3);
        var place = disk?.Path ?? folder.Path;
        var ballast = Path.Combine(place, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[1_000_000]);
        var path = Path.Combine(place, "store.db");
        var acknowledged = new List<Entry>();
        var refused = 0;

        // Without the right to mount, SQLite itself plays the full disk.
        await using (var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path, PagesMax = disk is null ? 200 : null }, default))
        {
            var runs = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => store.StartAsync()));
            await Task.WhenAll(runs.Select(run => Task.Run(async () =>
            {
                while (true)
                {
                    try
                    {
                        var result = await store.CommitAsync(run, Moves.Step('"' + new string('x', 900) + '"'), Moves.Step());
                        lock (acknowledged)
                        {
                            acknowledged.AddRange(result.Entries);
                        }
                    }
                    catch (StoreUnavailableException e)
                    {
                        Assert.Equal("disk_full", e.Code);
                        Assert.Equal(
                            $"The disk of the store '{path}' is full. Nothing of this commit was written, and nothing acknowledged before is lost. Make room; then the same commit can be tried again.", e.Message);
                        Interlocked.Increment(ref refused);
                        return;
                    }
                }
            })));
            Assert.Equal(20, refused);
            Assert.True(await store.HeartbeatAsync("w-1", TimeSpan.FromSeconds(1), default));
            Assert.Equal(runs.Length, (await store.ListAsync(new RunQuery(), default)).Count);
            await ExpectAsync(store);

            File.Delete(ballast);
            if (disk is not null)
            {
                foreach (var run in runs)
                {
                    acknowledged.AddRange((await store.CommitAsync(run, Moves.Step())).Entries);
                }

                await ExpectAsync(store);
            }
        }

        await using var reopened = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        await ExpectAsync(reopened);
        await reopened.StartAsync();

        async Task ExpectAsync(SqliteRunStore store)
        {
            await WholeJournal.CheckAsync(store);
            var kept = (await store.ReadLogAsync(0, int.MaxValue, default)).ToDictionary(e => e.Position, e => Convert.ToHexString(e.Hash.Span));
            Assert.All(acknowledged, e => Assert.Equal(Convert.ToHexString(e.Hash.Span), kept.GetValueOrDefault(e.Position)));
        }
    }

    [Fact]
    public async Task Refuses_a_large_payload_and_keeps_no_rest_of_it()
    {
        using var folder = new TempFolder();
        using var disk = SmallDisk.TryMake(folder.File("disk"), megabytes: 1);
        if (disk is null)
        {
            return; // a file's own limit cannot be had without the right to mount
        }

        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Path.Combine(disk.Path, "store.db") }, default);
        var run = await store.StartAsync();
        var noise = new byte[2_000_000];
        new SeededEntropy(1).Fill(noise);
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.CommitAsync(run, Moves.Step() with { Payloads = [Payload.Of(noise)] }));
        Assert.Equal("disk_full", refusal.Code);
        Assert.DoesNotContain(Directory.GetFiles(disk.Path, "*", SearchOption.AllDirectories), f => f.Contains("-payloads"));
        Assert.True((await store.CommitAsync(run, Moves.Step())).IsCommitted);
    }

    /// <summary>A file system in memory of a few megabytes.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private SmallDisk(string path) => Path = path;

        public string Path { get; }

        public static SmallDisk? TryMake(string path, int megabytes)
        {
            Directory.CreateDirectory(path);
            return OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "none", path) == 0 ? new SmallDisk(path) : null;
        }

        public void Dispose() => Run("umount", "-l", Path);

        private static int Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
    }
}
