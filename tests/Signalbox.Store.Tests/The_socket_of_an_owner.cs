using System.Net.Sockets;
using System.Text;
using Signalbox.Sqlite;
using Signalbox.Sqlite.Commands;

namespace Signalbox.Store.Tests;

public sealed class The_socket_of_an_owner
{
    [Theory]
    [InlineData("not json")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[1,2]")]
    [InlineData("{}")]
    [InlineData("""{"command":7}""")]
    [InlineData("""{"command":"drop tables"}""")]
    [InlineData("""{"command":"start"}""")]
    [InlineData("""{"command":"cancel"}""")]
    [InlineData("""{"command":"signal","run":"r-1","name":"a/b","value":1}""")]
    [InlineData("""{"command":"answer","run":"","choice":"yes"}""")]
    public async Task Answers_what_makes_no_sense_with_an_error_and_goes_on(string message)
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        using var stream = await ConnectAsync(folder.File("store.db.sock"));
        await Frames.WriteAsync(stream, Encoding.UTF8.GetBytes(message), default);
        var answer = CommandResult.FromJson(await Frames.ReadAsync(stream, default));
        Assert.Equal("command_unreadable", answer.Code);

        await Frames.WriteAsync(stream, Moves.StartCommand().ToJson(), default);
        Assert.Equal("ok", CommandResult.FromJson(await Frames.ReadAsync(stream, default)).Code);
        Assert.Single(await store.ListAsync(new() { Limit = 10 }, default));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "its first four bytes announce 1195725856")]
    [InlineData("\0\0\0\u0009half", "A message of 9 bytes was announced; the connection broke off in it.")]
    [InlineData("\0\0", "the connection broke off in them")]
    public async Task Ends_a_connection_that_is_out_of_step_with_an_answer(string bytes, string why)
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        using var stream = await ConnectAsync(folder.File("store.db.sock"));
        await stream.WriteAsync(Encoding.ASCII.GetBytes(bytes));
        stream.Socket.Shutdown(SocketShutdown.Send);
        Assert.Contains(why, CommandResult.FromJson(await Frames.ReadAsync(stream, default)).Message);
        Assert.Null(await Frames.ReadAsync(stream, default));
        await store.StartAsync();
    }

    [Fact]
    public async Task Is_for_its_user_alone_and_gone_with_the_owner()
    {
        using var folder = new TempFolder();
        await using (await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("store.db.sock")));
        }

        Assert.Equal(["store.db", "store.db.lock"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Serves_more_callers_than_it_hears_at_once()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        var results = await Task.WhenAll(Enumerable.Range(0, 80).Select(_ => Task.Run(async () =>
        {
            await using var access = await SqliteRunAccess.OpenAsync(path);
            return await access.ExecuteAsync(Moves.StartCommand(), default);
        })));
        Assert.All(results, r => Assert.Equal("ok", r.Code));
    }

    [Theory]
    [InlineData(1, "store.db")]
    [InlineData(4, "store.db")]
    [InlineData(4, "a-store-whose-own-name-is-so-long-that-not-even-the-short-way-to-its-folder-leaves-room-for-it.db")]
    public async Task Works_however_long_the_path(int deep, string name)
    {
        using var folder = new TempFolder();
        var path = Path.Combine([folder.Path, .. Enumerable.Repeat(new string('x', 60), deep), name]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using (await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default))
        {
            await using var access = await SqliteRunAccess.OpenAsync(path);
            Assert.Equal(Environment.ProcessId, (await access.FindOwnerAsync(default))!.Pid);
            Assert.Equal("ok", (await access.ExecuteAsync(Moves.StartCommand(), default)).Code);
        }

        Assert.Equal([name, name + ".lock"], Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Takes_the_place_of_a_dead_owners()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await File.WriteAllTextAsync(path + ".lock", "{\"pid\":1,\"program\":\"long gone\",\"startedAt\":\"2020-01-01T00:00:00Z\"}");
        await File.WriteAllTextAsync(path + ".sock", "");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        Assert.Equal(Environment.ProcessId, (await access.FindOwnerAsync(default))!.Pid);
    }

    [Fact]
    public async Task Takes_a_command_on_behalf_of_somebody_from_its_own_user()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        var command = Moves.StartCommand();

        Assert.Equal("ok", (await access.ExecuteAsync(command, new Caller("person:anna", ["operator"]), default)).Code);

        Assert.Equal("person:anna", (await store.ReadAsync(command.Run, 0, 1, default))[0].Actor);
    }

    [Fact]
    public async Task Writes_on_behalf_of_somebody_where_nobody_owns_the_store()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await (await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default)).DisposeAsync();
        await using var access = await SqliteRunAccess.OpenAsync(path);
        var command = Moves.StartCommand();

        Assert.Equal("ok", (await access.ExecuteAsync(command, new Caller("key:ci", []), default)).Code);

        Assert.Equal("key:ci", (await access.Reader.ReadAsync(command.Run, 0, 1, default))[0].Actor);
    }

    [Fact]
    public async Task Believes_nobody_else_that_they_speak_for_somebody()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/python3"), "Only root, with setpriv and python3, can act as another user.");
        using var folder = new TempFolder();
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path, Group = "47099" }, default);
        const string Script = """
            import socket, struct, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            m = sys.argv[2].encode(); s.sendall(struct.pack('>I', len(m)) + m)
            n = struct.unpack('>I', s.recv(4))[0]; print(s.recv(n).decode())
            """;
        var message = Encoding.UTF8.GetString(OnBehalf.Write(Moves.StartCommand(), new Caller("person:root", [Caller.AnyRole])));
        using var other = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/usr/bin/setpriv", ["--reuid", "47001", "--regid", "47099", "--clear-groups", "/usr/bin/python3", "-c", Script, path + ".sock", message]) { RedirectStandardOutput = true })!;

        var answer = CommandResult.FromJson(Encoding.UTF8.GetBytes(await other.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(30))));

        Assert.Equal("caller_not_trusted", answer.Code);
        Assert.Contains("this one came from person:uid-47001.", answer.Message, StringComparison.Ordinal);
        Assert.Empty(await store.ListAsync(new() { Limit = 10 }, default));
    }

    [Theory]
    [InlineData("""{"command":"for","roles":[],"do":{"command":"cancel","run":"r-1","reason":"x"}}""")]
    [InlineData("""{"command":"for","actor":"anna","roles":[],"do":{"command":"cancel","run":"r-1","reason":"x"}}""")]
    [InlineData("""{"command":"for","actor":"person:anna","roles":"approver","do":{"command":"cancel","run":"r-1","reason":"x"}}""")]
    [InlineData("""{"command":"for","actor":"person:anna","roles":[]}""")]
    [InlineData("""{"command":"for","actor":"person:anna","roles":[],"do":{"command":"for","actor":"person:otto","roles":[],"do":{}}}""")]
    public async Task Refuses_what_does_not_say_for_whom_it_is(string message)
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        using var stream = await ConnectAsync(folder.File("store.db.sock"));
        await Frames.WriteAsync(stream, Encoding.UTF8.GetBytes(message), default);

        Assert.Equal("command_unreadable", CommandResult.FromJson(await Frames.ReadAsync(stream, default)).Code);
    }

    private static async Task<NetworkStream> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return new NetworkStream(socket, ownsSocket: true);
    }
}
