using System.Diagnostics;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

public sealed class A_store_for_a_group
{
    private const string Group = "47099";

    private static string Modes(TempFolder folder) => Run("find", folder.Path, "-mindepth", "1", "-not", "-name", "*.lock", "-printf", "%P %m %G\\n");

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private static SqliteStoreOptions Options(TempFolder folder, string? group = Group) => new() { Path = folder.File("store.db"), Group = group };

    private static async Task WriteLargeAsync(SqliteRunStore store)
    {
        var large = new byte[200_000];
        Entropy.System.Fill(large);
        var run = RunId.New(Entropy.System);
        Assert.True((await store.CommitAsync(new Commit { Run = run, Entries = [Moves.Started(), Moves.Entered(), Moves.Step() with { Payloads = [Payload.Of(large)] }] }, default)).IsCommitted);
    }

    [Fact]
    public async Task Lets_its_members_read_all_of_it_and_write_to_the_socket_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can give files to any group.");
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(Options(folder), default);
        await WriteLargeAsync(store);

        var lines = Modes(folder).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).ToArray();

        Assert.Equal(7, lines.Length);
        Assert.All(lines, line => Assert.EndsWith($" {Group}", line, StringComparison.Ordinal));
        Assert.Equal("750", lines.Single(l => l.StartsWith("store.db-payloads ", StringComparison.Ordinal)).Split(' ')[1]);
        Assert.All(lines.Where(l => l.StartsWith("store.db-payloads/", StringComparison.Ordinal)), l => Assert.Equal(l.Split(' ')[0].Count(c => c == '/') == 1 ? "750" : "640", l.Split(' ')[1]));
        Assert.Equal("660", lines.Single(l => l.StartsWith("store.db.sock ", StringComparison.Ordinal)).Split(' ')[1]);
        Assert.All(new[] { "store.db ", "store.db-wal ", "store.db-shm " }, name => Assert.Equal("640", lines.Single(l => l.StartsWith(name, StringComparison.Ordinal)).Split(' ')[1]));
    }

    [Fact]
    public async Task Shares_what_was_there_before_too()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can give files to any group.");
        using var folder = new TempFolder();
        await using (var store = await SqliteRunStore.OpenAsync(Options(folder, null), default))
        {
            await WriteLargeAsync(store);
        }

        await using (await SqliteRunStore.OpenAsync(Options(folder), default))
        {
            Assert.All(Modes(folder).Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.EndsWith($"0 {Group}", line, StringComparison.Ordinal));
        }

        await using var alone = await SqliteRunStore.OpenAsync(Options(folder, null), default);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("store.db.sock")));
    }

    [Theory]
    [InlineData("no-such-group", "0700", "'/etc/group' has no such group. Make it (groupadd no-such-group), or give its number")]
    [InlineData(Group, "0770", "others than its owner may write to the folder 'FOLDER', and so could replace the store or its role book. Then: chmod go-w 'FOLDER'")]
    [InlineData(Group, "1777", "others than its owner may write to the folder 'FOLDER', and so could replace the store or its role book. Then: chmod go-w 'FOLDER'")]
    public async Task That_cannot_be_shared_safely_is_not_opened(string group, string mode, string why)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Groups are asked of Linux.");
        using var folder = new TempFolder();
        Run("chmod", mode, folder.Path);

        var refused = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunStore.OpenAsync(Options(folder, group), default));

        Assert.Equal(("store_group", $"The store '{folder.File("store.db")}' cannot be shared with the group '{group}': {why.Replace("FOLDER", folder.Path, StringComparison.Ordinal)}. The store was not opened."), (refused.Code, refused.Message));
        Assert.False(File.Exists(folder.File("store.db")));
        await using var _ = await SqliteRunStore.OpenAsync(Options(folder, null), default); // the lock is free again
    }
}
