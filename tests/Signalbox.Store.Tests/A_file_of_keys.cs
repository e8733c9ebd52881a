using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

public sealed class A_file_of_keys
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Keeps_hashes_alone_and_is_for_its_owner()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var file = new KeyFile(folder.File("store.db"));

        var (key, text) = await file.AddAsync("anna", false, ["viewer"], Now);

        Assert.Matches("^sbk_[0-9a-f]{8}_[0-9a-f]{64}$", text);
        Assert.DoesNotContain(text[13..], await File.ReadAllTextAsync(file.Place), StringComparison.Ordinal);
        Assert.Equal(key.Id, ApiKey.Find(file.Keys(), text, Now)?.Id);
        Assert.Null(ApiKey.Find(file.Keys(), text[..^1] + (text[^1] == '0' ? '1' : '0'), Now));
        Assert.Null(ApiKey.Find(file.Keys(), text + "0", Now));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Place));
    }

    [Fact]
    public async Task Loses_no_key_that_others_make_at_the_same_time()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => new KeyFile(folder.File("store.db")).AddAsync($"p{i}", false, ["viewer"], Now))));

        Assert.Equal(20, new KeyFile(folder.File("store.db")).Keys().Count);
    }

    [Fact]
    public async Task Gives_and_takes_roles_at_once()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db"), Clock = TimeProvider.System }, default);
        var file = new KeyFile(folder.File("store.db"));
        Assert.Null(store.RolesOf("person:anna"));

        await file.AddAsync("anna", false, ["approver", "lead"], Now);
        var (second, _) = await file.AddAsync("anna", false, ["admin"], Now);
        Assert.Equal(["admin", "approver", "lead", "operator", "viewer"], store.RolesOf("person:anna")!.Order());
        Assert.Null(store.RolesOf("person:otto"));

        Assert.Equal([second.Id], (await file.RevokeAsync(second.Id, Now)).Select(k => k.Id));
        Assert.Equal(["approver", "lead"], store.RolesOf("person:anna"));
        await file.RevokeAsync("anna", Now);
        Assert.Equal([], store.RolesOf("person:anna"));
        Assert.Empty(await file.RevokeAsync("anna", Now));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"keys":[{"id":"x"}]}""")]
    [InlineData("""{"keys":[],"more":1}""")]
    [InlineData("""{"keys":[{"id":"01234567","name":"a b","machine":false,"roles":["admin"],"sha256":"0000000000000000000000000000000000000000000000000000000000000000","created":"2026-01-01T00:00:00Z"}]}""")]
    [InlineData("""{"keys":[{"id":"01234567","name":"anna","machine":false,"roles":["admin"],"sha256":"00","created":"2026-01-01T00:00:00Z"}]}""")]
    public async Task That_makes_no_sense_lets_nobody_in(string text)
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var file = new KeyFile(folder.File("store.db"));
        await File.WriteAllTextAsync(file.Place, text);

        Assert.Equal("keys_unusable", Assert.Throws<StoreRefusedException>(file.Keys).Code);
        Assert.Equal("keys_unusable", (await Assert.ThrowsAsync<StoreRefusedException>(() => file.AddAsync("anna", false, ["admin"], Now))).Code);
        Assert.Equal(text, await File.ReadAllTextAsync(file.Place));
    }

    [Fact]
    public async Task That_others_may_write_lets_nobody_in()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells whose a file is.");
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var file = new KeyFile(folder.File("store.db"));
        await file.AddAsync("anna", false, ["admin"], Now);
        File.SetUnixFileMode(file.Place, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);

        var refused = Assert.Throws<StoreRefusedException>(file.Keys);

        Assert.Equal($"The keys in '{file.Place}' cannot be used: others than its owner may write it, and could make themselves keys. Then: chmod go-w '{file.Place}'. Until it is put right nobody gets in by a key.", refused.Message);
    }
}
