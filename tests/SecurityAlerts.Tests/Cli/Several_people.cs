using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Journal;
using Signalbox.Sqlite;

namespace Signalbox.CommandLine.Tests;

public enum Guarded { Act, Done }

public sealed record GuardedCase(string Ip);

public sealed record GuardedBlock(string Ip);

public sealed class GuardedBlockHandler(GateTarget target) : ActionHandler<GuardedBlock>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy => new() { Looks = 1, Pause = TimeSpan.Zero };

    public override ApprovalRule? Approval(GuardedBlock action) => new() { Quorum = action.Ip.StartsWith("203.", StringComparison.Ordinal) ? 2 : 1 };

    public override IReadOnlyList<Claim> Claims(GuardedBlock action) => [new(Resource.Address(System.Net.IPAddress.Parse(action.Ip)), "block", ["allow"])];

    public override Task<Observation> ProbeAsync(GuardedBlock action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(target.Blocked.Contains(action.Ip) ? Observation.So($"{action.Ip} is on the list") : Observation.NotSo($"{action.Ip} is not on the list"));

    public override Task<string?> ExecuteAsync(GuardedBlock action, ActionContext context, CancellationToken cancellationToken)
    {
        target.Blocked.Add(action.Ip);
        return Task.FromResult<string?>(null);
    }
}

public sealed class GuardedWorkflow() : Workflow<Guarded, GuardedCase>("guarded", 1)
{
    protected override void Define(StateMachine<Guarded, GuardedCase> states)
    {
        states.Start(Guarded.Act, ActAsync).To(Guarded.Done);
        states.End(Guarded.Done);
    }

    private static async Task<Next> ActAsync(Visit<Guarded, GuardedCase> visit)
    {
        var outcome = await visit.Act(new GuardedBlock(visit.Case.Ip));
        return visit.GoTo(Guarded.Done, because: outcome.Reason ?? outcome.Status.ToString());
    }
}

/// <summary>
/// Real users of the machine, told apart by the kernel alone: the host owns the store, and each person runs the command in a process of their own user, with nothing but a group in common.
/// </summary>
public sealed class Several_people : IAsyncLifetime
{
    private const string Group = "47099";
    private const string Anna = "47001";
    private const string Berta = "47002";
    private const string Carl = "47003";
    private const string Stranger = "47004";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-people-").FullName;
    private SqliteRunStore? _store;
    private IHost? _host;

    private string Store => Path.Combine(_folder, "store", "signalbox.db");

    private RunClient Client => _host!.Services.GetRequiredService<RunClient>();

    private GateTarget Target => _host!.Services.GetRequiredService<GateTarget>();

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv"), "Only root, with setpriv, can act as several users.");
        OpenToAll(_folder);
        Directory.CreateDirectory(Path.GetDirectoryName(Store)!);
        OpenToAll(Path.GetDirectoryName(Store)!);
        _store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Store, Group = Group }, default);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<GateTarget>();
        builder.Services.AddSignalbox(b => b.UseStore(_ => _store).AddWorkflow<GuardedWorkflow>().AddAction<GuardedBlock, GuardedBlockHandler>("guarded-block"));
        _host = builder.Build();
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.StopAsync();
            _host.Dispose();
            await _store!.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static void OpenToAll(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        }
    }

    /// <summary>Where everybody can start the command from: the tests' own folder, or a copy where that lies in a home that others cannot enter.</summary>
    private string Command()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(folder) & UnixFileMode.OtherExecute) == 0)
            {
                var copy = Path.Combine(_folder, "command");
                Directory.CreateDirectory(copy);
                foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f) is ".dll" or ".json" or ".so"))
                {
                    var to = Path.Combine(copy, Path.GetRelativePath(AppContext.BaseDirectory, file));
                    Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                    File.Copy(file, to, overwrite: true);
                }

                return Path.Combine(copy, "Signalbox.Cli.dll");
            }
        }

        return Path.Combine(AppContext.BaseDirectory, "Signalbox.Cli.dll");
    }

    private async Task<Outcome> AsAsync(string user, params string[] args)
    {
        string[] groups = user == Stranger ? ["--clear-groups"] : ["--groups", Group];
        var start = new ProcessStartInfo(
            "/usr/bin/setpriv", ["--reuid", user, "--regid", user, .. groups, "--", Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Command(), .. args, "--store", Store])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment["HOME"] = "/nonexistent";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);
        return new Outcome(process.ExitCode, await output, await error);
    }

    private static string Name(string user) => "person:uid-" + user;

    private async Task<RunId> AskingAsync(string ip, string startedBy)
    {
        var run = (await Client.For(new Caller(Name(startedBy), [])).StartAsync("guarded", new GuardedCase(ip))).Run;
        await Client.WaitUntilSettledAsync(run).WaitAsync(Limit);
        return run;
    }

    private void GiveRoles(params (string User, string[] Roles)[] book)
    {
        var text = System.Text.Json.JsonSerializer.Serialize(book.ToDictionary(b => Name(b.User), b => b.Roles));
        File.WriteAllText(Store + ".roles.json.new", text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Store + ".roles.json.new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.Move(Store + ".roles.json.new", Store + ".roles.json", overwrite: true);
    }

    [Fact]
    public async Task Of_whom_two_must_approve_and_who_asked_for_it_or_lacks_the_role_cannot()
    {
        var run = await AskingAsync("203.0.113.9", startedBy: Carl);
        GiveRoles((Anna, ["approver"]), (Berta, ["approver"]), (Carl, ["approver"]));

        var listed = await AsAsync(Anna, "approvals");
        var self = await AsAsync(Carl, "approve", run.Value);
        var first = await AsAsync(Anna, "approve", run.Value, "--comment", "I looked");
        var twice = await AsAsync(Anna, "approve", run.Value);
        GiveRoles((Anna, ["approver"]), (Berta, []), (Carl, ["approver"]));
        var revoked = await AsAsync(Berta, "approve", run.Value);
        Assert.Empty(Target.Blocked);
        GiveRoles((Anna, ["approver"]), (Berta, ["approver"]), (Carl, ["approver"]));
        var second = await AsAsync(Berta, "approve", run.Value);
        var end = await Client.WaitForEndAsync(run).WaitAsync(Limit);

        Assert.Contains($"{run}", listed.Output, StringComparison.Ordinal);
        Assert.Contains("guarded-block {\"ip\":\"203.0.113.9\"}", listed.Output, StringComparison.Ordinal);
        Assert.StartsWith($"approval_self: {Name(Carl)} has proposed this or asked for it", self.Error, StringComparison.Ordinal);
        Assert.Contains("  arguments {\"ip\":\"203.0.113.9\"}\n", first.Output, StringComparison.Ordinal);
        Assert.Contains($"'approve' is recorded as the answer of {Name(Anna)}. More people have to approve before anything is done.", first.Output, StringComparison.Ordinal);
        Assert.StartsWith($"approval_repeated: {Name(Anna)} has answered already", twice.Error, StringComparison.Ordinal);
        Assert.StartsWith($"approval_role: {Name(Berta)} has none of the roles that may answer this (approver).", revoked.Error, StringComparison.Ordinal);
        Assert.Equal((0, 1, 0, 1, 1, 0), (listed.Exit, self.Exit, first.Exit, twice.Exit, revoked.Exit, second.Exit));
        Assert.Equal((RunStatus.Completed, "203.0.113.9"), (end.Status, Assert.Single(Target.Blocked)));

        var told = await AsAsync(Anna, "actions", run.Value);
        Assert.Contains($"  answered  {Name(Anna)} (approver): approve, \"I looked\"\n  answered  {Name(Berta)} (approver): approve\n", told.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_whom_one_rejects_do_nothing()
    {
        var run = await AskingAsync("203.0.113.10", startedBy: Carl);

        var first = await AsAsync(Anna, "approve", run.Value);
        var second = await AsAsync(Berta, "reject", run.Value, "--reason", "that is our own proxy");
        await Client.WaitForEndAsync(run).WaitAsync(Limit);

        Assert.Equal((0, 0), (first.Exit, second.Exit));
        Assert.Empty(Target.Blocked);
        Assert.Contains($"rejected by {Name(Berta)}: that is our own proxy", (await AsAsync(Anna, "show", run.Value)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_the_group_see_and_change_nothing()
    {
        var run = await AskingAsync("198.51.100.4", startedBy: Carl);

        var shown = await AsAsync(Stranger, "approvals");
        var approved = await AsAsync(Stranger, "approve", run.Value, "--hash", new string('0', 64));

        Assert.Equal((2, 2), (shown.Exit, approved.Exit));
        Assert.StartsWith("store_io: The store '", shown.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("198.51.100.4", shown.Output + shown.Error, StringComparison.Ordinal);
        Assert.Empty(Target.Blocked);
        Assert.DoesNotContain(await _store!.ReadAsync(run, 0, 100, default), e => e.Kind.StartsWith("approval.i", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_a_faulty_role_book_can_approve_nothing_and_still_cancel()
    {
        var run = await AskingAsync("198.51.100.5", startedBy: Carl);
        GiveRoles((Anna, ["approver"]));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Store + ".roles.json", (UnixFileMode)0b110_110_110);
        }

        var approved = await AsAsync(Anna, "approve", run.Value);
        var canceled = await AsAsync(Anna, "cancel", run.Value);

        Assert.Contains("roles_unusable: The role book", approved.Error, StringComparison.Ordinal);
        Assert.Equal((1, 0), (approved.Exit, canceled.Exit));
        Assert.Empty(Target.Blocked);
    }

    [Fact]
    public async Task In_the_group_can_hand_in_commands_and_write_no_file()
    {
        var run = await AskingAsync("198.51.100.6", startedBy: Carl);
        await _host!.StopAsync();
        await _store!.DisposeAsync();

        var approved = await AsAsync(Anna, "approve", run.Value, "--hash", new string('0', 64));

        Assert.Equal(2, approved.Exit);
        Assert.Equal(
            $"store_io: The store '{Store}' can be read by this user only while some process owns it, and none does now. Nothing was changed. Start the program that runs the workflows, or run this command as the store's user.\n", approved.Error);
        await using var again = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Store }, default);
        Assert.DoesNotContain(await again.ReadAsync(run, 0, 100, default), e => e.Kind is EntryKinds.ApprovalAnswered or EntryKinds.ApprovalIgnored);
    }
}
