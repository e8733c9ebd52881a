using System.Diagnostics;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

public sealed class A_role_book
{
    private static async Task<(SqliteRunStore Store, string Book)> OpenAsync(TempFolder folder, string? book)
    {
        var path = folder.File("store.db");
        var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        if (book is not null)
        {
            Write(path + ".roles.json", book);
        }

        return (store, path + ".roles.json");
    }

    private static void Write(string path, string book)
    {
        File.WriteAllText(path, book);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }

    private static string Faults(SqliteRunStore store, string book)
    {
        var refused = Assert.Throws<StoreRefusedException>(() => store.RolesOf("person:anna"));
        Assert.Equal("roles_unusable", refused.Code);
        Assert.StartsWith($"The role book '{book}' cannot be used: ", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(" Until it is put right nobody has a role. Nothing was changed.", refused.Message, StringComparison.Ordinal);
        return refused.Message[$"The role book '{book}' cannot be used: ".Length..^". Until it is put right nobody has a role. Nothing was changed.".Length];
    }

    [Fact]
    public async Task That_is_not_there_says_nothing_of_roles()
    {
        using var folder = new TempFolder();
        var (store, _) = await OpenAsync(folder, null);
        await using var _ = store;

        Assert.Null(store.RolesOf("person:anna"));
        Assert.Equal([Caller.AnyRole], store.CallerOf(new AnswerApproval(new RunId("r-1"), "yes"), "person:anna").Roles);
    }

    [Fact]
    public async Task Gives_exactly_what_it_says_and_is_read_anew_each_time()
    {
        using var folder = new TempFolder();
        var (store, book) = await OpenAsync(folder, """{"person:anna": ["approver", "lead"], "person:otto": []}""");
        await using var _ = store;

        Assert.Equal(["approver", "lead"], store.RolesOf("person:anna"));
        Assert.Equal([], store.RolesOf("person:otto"));
        Assert.Equal([], store.RolesOf("person:Anna"));
        Assert.Equal([], store.RolesOf("person:stranger"));

        Write(book, """{"person:otto": ["*"]}""");
        Assert.Equal([], store.RolesOf("person:anna"));
        Assert.Equal([Caller.AnyRole], store.RolesOf("person:otto"));
        File.Delete(book);
        Assert.Null(store.RolesOf("person:anna"));
    }

    [Theory]
    [InlineData("", "it is no JSON: The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true. LineNumber: 0 | BytePositionInLine: 0")]
    [InlineData("[]", "it is no JSON object")]
    [InlineData("""{"anna": ["approver"]}""", "'anna' is no actor; people are written person:name")]
    [InlineData("""{"person:anna": "approver"}""", "the roles of 'person:anna' are no list of names, such as [\"approver\"]")]
    [InlineData("""{"person:anna": [1]}""", "the roles of 'person:anna' are no list of names, such as [\"approver\"]")]
    [InlineData("""{"person:anna": [" "]}""", "the roles of 'person:anna' are no list of names, such as [\"approver\"]")]
    [InlineData("""{"person:anna": ["approver"], "person:anna": []}""", "'person:anna' stands in it twice")]
    public async Task That_makes_no_sense_gives_nobody_a_role(string text, string fault)
    {
        using var folder = new TempFolder();
        var (store, book) = await OpenAsync(folder, text);
        await using var _ = store;

        Assert.Equal(fault, Faults(store, book));
        Assert.Throws<StoreRefusedException>(() => store.CallerOf(new AnswerApproval(new RunId("r-1"), "yes"), "person:anna"));
        Assert.Empty(store.CallerOf(new CancelRun(new RunId("r-1"), "enough"), "person:anna").Roles); // nobody is kept from cancelling
    }

    [Fact]
    public async Task That_is_too_long_gives_nobody_a_role()
    {
        using var folder = new TempFolder();
        var (store, book) = await OpenAsync(folder, "{" + new string(' ', 1024 * 1024) + "}");
        await using var _ = store;

        Assert.Equal("it is longer than 1048576 bytes", Faults(store, book));
    }

    [Fact]
    public async Task That_others_may_write_gives_nobody_a_role()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The owner of a file is asked of Linux.");
        using var folder = new TempFolder();
        var (store, book) = await OpenAsync(folder, """{"person:anna": ["approver"]}""");
        await using var _ = store;
        foreach (var mode in new[] { UnixFileMode.OtherWrite, UnixFileMode.GroupWrite })
        {
            File.SetUnixFileMode(book, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);
            Assert.Equal($"others than its owner may write it, and could give themselves roles. Then: chmod go-w '{book}'", Faults(store, book));
        }
    }

    [Fact]
    public async Task That_belongs_to_somebody_else_gives_nobody_a_role()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can give a file away.");
        using var folder = new TempFolder();
        var (store, book) = await OpenAsync(folder, """{"person:anna": ["approver"]}""");
        await using var _ = store;
        Run("chown", "47011", book);

        Assert.Equal("it belongs to person:uid-47011, neither to the store's owner (person:root) nor to root", Faults(store, book));
    }

    [Theory]
    [InlineData("mkfifo")]
    [InlineData("mkdir")]
    public async Task That_is_no_plain_file_gives_nobody_a_role_and_keeps_nobody_waiting(string make)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a file is, is asked of Linux.");
        using var folder = new TempFolder();
        var (store, book) = await OpenAsync(folder, null);
        await using var _ = store;
        Run(make, book);

        Assert.Equal("it is no plain file", await Task.Run(() => Faults(store, book)).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Gives_way_to_the_roles_that_the_host_knows()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path, Roles = new Known() }, default);
        Write(path + ".roles.json", """{"person:anna": []}""");

        Assert.Equal(["approver"], store.RolesOf("person:anna"));
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private sealed class Known : IRoleSource
    {
        public IReadOnlyCollection<string>? RolesOf(string actor) => ["approver"];
    }
}
