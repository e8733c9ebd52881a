using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Signalbox;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>The sample as its user meets it: a process, its output, its files and its exit code.</summary>
public sealed partial class The_command
{
    [Fact]
    public async Task Handles_the_samples_alerts_with_no_key_and_no_network()
    {
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, "--decisions", "decisions.jsonl");

        Assert.Equal("", end.Errors);
        Assert.Equal(0, end.ExitCode);
        var runs = Decisions(world).ToDictionary(alert => alert.Id, alert => alert.Run);
        var care = await RunOfAsync(world, "care-2");
        Assert.Equal(
            $"""
            offline analyst: answers by written rules, no key, no network
            12 alerts in the sample's own set: 12 new, 0 known to signalbox.db

            12 alerts in TIME: 10 decided, 2 waiting for a person.
            3 customers' requests: 1 let in (1 overruled since), 1 left, 1 waiting for a person.

              close                6
              block_ip             3
              disable_account      1
              escalate             2

            Decided by
              fast                                         8
              strong                                       2

            Climbed
              fast to strong      calls for help           4
              strong to person    calls for help           2

            Spent                      calls        tokens        cost
              care                         6        TOKENS        0.00
              fast                        24        TOKENS        0.00
              strong                       8        TOKENS        0.00
              in all                      38        TOKENS        0.00

            Opposite wishes
              192.0.2.77: block (own-04) overrules allow (care-1): priority 10 against 0
              203.0.113.66: allow (care-2) is against block (own-02): a person is asked

            Waiting for a person
              own-08                  {runs["own-08"]}  close, block_ip, disable_account?
                  192.0.2.201, an unknown address outside, logged in as bob with password, and nothing proves
                  who it is: ask the owner of the account.
              own-12                  {runs["own-12"]}  close, disable_account?
                  helpdesk was created, and nobody is seen who became root shortly before.
              care-2                  {care}  approve, reject?
                  allow_address needs approval: 'block' on ip/203.0.113.66 of run {runs["own-02"]} stands, and
                  would be overruled

            Next
              dotnet run --project src/Signalbox.Cli -- show {runs["own-08"]} --store signalbox.db
                  what is known about own-08
              dotnet run --project src/Signalbox.Cli -- answer {runs["own-08"]} close --store signalbox.db
                  answers for it
              dotnet run --project src/Signalbox.Cli -- approve {care} --store signalbox.db
                  shows what care-2 asks for and approves it; or: reject {care} --reason TEXT
              dotnet run --project samples/SecurityAlerts -- --decisions decisions.jsonl
                  carries out what was answered
              dotnet run --project src/Signalbox.Cli -- runs --store signalbox.db
                  every run and what became of it

            """,
            Steady(end.Output));
        Assert.Equal(
            ["close", "block_ip", "close", "block_ip", "close", "disable_account", "close", "escalate", "block_ip", "close", "close", "escalate"],
            Decisions(world).Select(alert => alert.Decision));
        Assert.Equal(["192.0.2.77", "203.0.113.66", "203.0.113.67"], Denied(world).Order(StringComparer.Ordinal));
        Assert.StartsWith("gate-1 deploy  # run r-", world.Read("disabled.accounts"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_nothing_twice_when_it_is_started_again()
    {
        using var world = new World();
        await SampleProcess.RunAsync(world, "--decisions", "first.jsonl");
        var denied = world.Read("deny.list");

        var end = await SampleProcess.RunAsync(world, "--decisions", "second.jsonl");

        Assert.Equal(0, end.ExitCode);
        Assert.Contains(": 0 new, 12 known to signalbox.db", end.Output, StringComparison.Ordinal);
        Assert.Equal(world.Read("first.jsonl"), world.Read("second.jsonl"));
        Assert.Equal(denied, world.Read("deny.list"));
    }

    [Fact]
    public async Task Goes_on_where_it_was_stopped()
    {
        using var world = new World();
        await using var process = SampleProcess.Start(world, "--slow", "threats=600", "--decisions", "decisions.jsonl");
        await process.UntilItSaysAsync("12 new");

        process.Signal(SampleProcess.Terminate);
        var stopped = await process.EndAsync();
        var resumed = await SampleProcess.RunAsync(world, "--decisions", "decisions.jsonl");

        Assert.Equal((143, ""), (stopped.ExitCode, stopped.Errors));
        Assert.Contains("Stopping: what is at work is brought to a point from which it goes on.\n", stopped.Output, StringComparison.Ordinal);
        Assert.Matches(" not finished\\.\n", stopped.Output);
        Assert.Contains("  dotnet run --project samples/SecurityAlerts -- --slow threats=600 --decisions decisions.jsonl\n      goes on where this one stopped\n", stopped.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (resumed.ExitCode, resumed.Errors));
        Assert.Equal(12, Decisions(world).Count);
    }

    [Fact]
    public async Task Answers_ctrl_c_with_130()
    {
        using var world = new World();
        await using var process = SampleProcess.Start(world, "--slow", "logins=600");
        await process.UntilItSaysAsync("12 new");

        process.Signal(SampleProcess.Interrupt);

        Assert.Equal(130, (await process.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Names_commands_that_work()
    {
        using var world = new World();
        const string Cli = "  dotnet run --project src/Signalbox.Cli -- ";
        var first = await SampleProcess.RunAsync(world);

        foreach (var command in first.Output.Split('\n').Where(line => line.StartsWith(Cli, StringComparison.Ordinal)))
        {
            var end = await SampleProcess.RunCliAsync(world, command[Cli.Length..].Split(' '));
            Assert.True(end.ExitCode == 0, $"{command}\n{end.Output}{end.Errors}");
        }

        var second = await SampleProcess.RunAsync(world);
        Assert.Contains("11 decided, 1 waiting for a person.", second.Output, StringComparison.Ordinal);
        Assert.Matches("  person:[^ ]+ +1\n", second.Output);
        Assert.Contains("3 customers' requests: 2 let in (1 overruled since), 1 left, 0 waiting for a person.\n", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113.66", Denied(world));
    }

    [Fact]
    public async Task Takes_answers_from_other_processes_while_it_stays_and_lets_nobody_else_own_its_store()
    {
        using var world = new World();
        await using var process = SampleProcess.Start(world, "--stay", "--decisions", "decisions.jsonl");
        await process.UntilItSaysAsync("Staying: answers are carried out as they come; Ctrl-C ends.");
        var asking = Decisions(world).Single(alert => alert.Id == "own-08");

        var second = await SampleProcess.RunAsync(world);
        await using (var access = await SqliteRunAccess.OpenAsync(world.Path_("signalbox.db")))
        {
            Assert.True((await access.ExecuteAsync(new AnswerApproval(new RunId(asking.Run), "block_ip", null, "Not our colleague."), default)).IsAccepted);
        }

        await process.UntilItSaysAsync("own-08: block_ip, decided by person:");
        process.Signal(SampleProcess.Interrupt);
        var end = await process.EndAsync();

        Assert.Equal(2, second.ExitCode);
        Assert.Contains($"process {process.Id} (SecurityAlerts, since ", second.Errors, StringComparison.Ordinal);
        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Equal("block_ip", Decisions(world).Single(alert => alert.Id == "own-08").Decision);
        Assert.Contains("192.0.2.201", Denied(world));
    }

    [Fact]
    public async Task Carries_out_at_its_next_start_what_was_answered_meanwhile()
    {
        using var world = new World();
        await SampleProcess.RunAsync(world, "--decisions", "decisions.jsonl");
        await using (var access = await SqliteRunAccess.OpenAsync(world.Path_("signalbox.db")))
        {
            foreach (var asking in Decisions(world).Where(alert => alert.Decision == "escalate"))
            {
                Assert.True((await access.ExecuteAsync(new AnswerApproval(new RunId(asking.Run), "disable_account", null, null), default)).IsAccepted);
            }
        }

        var end = await SampleProcess.RunAsync(world, "--decisions", "decisions.jsonl");

        Assert.Contains("12 decided, 0 waiting for a person.", end.Output, StringComparison.Ordinal);
        Assert.Equal(["db-1 helpdesk", "gate-1 bob", "gate-1 deploy"], Lines(world, "disabled.accounts").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Names_what_it_cannot_read_and_handles_the_rest()
    {
        using var world = new World().WithGoodData();
        world.Write(
            "alerts.jsonl",
            World.GoodAlert("good-1"),
            "{\"id\":\"cut",
            World.GoodAlert("bad-1").Replace("192.0.2.7", "192.0.2.700", StringComparison.Ordinal),
            World.GoodAlert("good-1"),
            World.GoodAlert("good-2").Replace("\"rule\"", "\"\\u001b[2J\":1,\"rule\"", StringComparison.Ordinal));
        File.Delete(world.Path_("feed.csv"));

        var end = await SampleProcess.RunAsync(world, "--data", ".", "--decisions", "decisions.jsonl");

        Assert.Equal(1, end.ExitCode);
        Assert.Equal(["good-1", "good-2"], Decisions(world).Select(alert => alert.Id));
        Assert.Contains(
            """

            4 faults in alerts.jsonl
              alerts.jsonl:2: expected one whole JSON object;
            """,
            end.Output, StringComparison.Ordinal);
        Assert.Contains("alerts.jsonl:3: source_ip must be an IP address; got \"192.0.2.700\". The line is skipped.", end.Output, StringComparison.Ordinal);
        Assert.Contains("alerts.jsonl:4: id must be unique; \"good-1\" is already on line 1. The line is skipped.", end.Output, StringComparison.Ordinal);
        Assert.Contains("alerts.jsonl:5: unknown field \"\\u001B[2J\"", end.Output, StringComparison.Ordinal);
        Assert.Contains("feed.csv: the file is missing; the threat feed is not available.", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', end.Output + end.Errors);
    }

    [Fact]
    public async Task Names_every_fault_however_many_there_are()
    {
        using var world = new World().WithGoodData();
        world.Write("alerts.jsonl", [World.GoodAlert("good-1"), .. Enumerable.Repeat("nonsense", 20)]);

        var end = await SampleProcess.RunAsync(world, "--data", ".");

        var named = Enumerable.Range(2, 20).Where(line => (end.Output + end.Errors).Contains($"alerts.jsonl:{line}: ", StringComparison.Ordinal));
        Assert.Equal(20, named.Count());
        Assert.Contains("  and 15 more", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_where_the_decisions_are_when_they_cannot_be_written()
    {
        using var world = new World();
        world.Write("file", "no folder");

        var end = await SampleProcess.RunAsync(world, "--decisions", "file/decisions.jsonl");

        Assert.Equal(2, end.ExitCode);
        Assert.StartsWith("The decisions could not be written to file/decisions.jsonl: ", end.Errors, StringComparison.Ordinal);
        Assert.EndsWith(" They are safe in signalbox.db; run the command again with another --decisions FILE.\n", end.Errors, StringComparison.Ordinal);
        Assert.Contains("10 decided, 2 waiting for a person.", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_nothing_without_alerts()
    {
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, "--data", "nowhere");

        Assert.Equal((2, "nowhere: there is no such folder; without alerts there is nothing to do.\n"), (end.ExitCode, end.Errors));
        Assert.Empty(Directory.GetFileSystemEntries(world.Folder));
    }

    [Theory]
    [InlineData("--slow", "weather=3", "--slow must be SOURCE=SECONDS with a source of logins, threats, assets and 0 to 3600 seconds; got \"weather=3\".")]
    [InlineData("--misbehave", "rudely", "--misbehave must be one of unknown-tool, bad-arguments, loop, truncated, unsure, flood, or all: and one of them; got \"rudely\".")]
    [InlineData("--budget", "calls=-1", "--budget must be calls=NUMBER or money=AMOUNT, of 0 or more; got \"calls=-1\".")]
    [InlineData("--budget", "time=3", "--budget must be calls=NUMBER or money=AMOUNT, of 0 or more; got \"time=3\".")]
    [InlineData("--think", "61", "--think must be 0 to 60 seconds; got \"61\".")]
    [InlineData("--calls", "1.5", "--calls must be a whole number of 1 to 80; got \"1.5\".")]
    [InlineData("--base-url", "ftp://192.0.2.1", "--base-url must be an http or https address; got \"ftp://192.0.2.1\".\n--base-url needs --model NAME: which of the server's models is to be asked.\n")]
    [InlineData("--model", "tiny-1", "--model and --strong-model are names of the models of a server: say where it is, with --base-url URL.")]
    [InlineData("--care", "maybe", "--care must be on or off; got \"maybe\".")]
    [InlineData("--leak", "192.0.2", "--leak must be an IP address; got \"192.0.2\".")]
    [InlineData("--blocks-an-hour", "few", "--blocks-an-hour must be a whole number; got \"few\".")]
    [InlineData("--colour", "red", "Unrecognized command or argument '--colour'.")]
    public async Task Does_nothing_on_an_option_that_it_does_not_know(string option, string value, string error)
    {
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, option, value);

        Assert.Equal(2, end.ExitCode);
        Assert.StartsWith(error, end.Errors, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was done. What there is: --help\n", end.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(world.Folder));
    }

    [Fact]
    public async Task Names_everything_that_is_wrong_with_its_options_at_once()
    {
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, "--misbehave", "rudely", "--misbehave", "all:politely", "--budget", "calls=many", "--think", "long", "--slow", "weather=3", "--model", "tiny-1");

        Assert.Equal(2, end.ExitCode);
        foreach (var got in new[] { "rudely", "all:politely", "calls=many", "long", "weather=3" })
        {
            Assert.Contains($"got \"{got}\".\n", end.Errors, StringComparison.Ordinal);
        }

        Assert.Contains("--model and --strong-model are names", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_no_option_of_the_offline_analyst_where_a_key_asks_for_another()
    {
        using var world = new World();
        await using var process = SampleProcess.Start(world, new Dictionary<string, string> { ["ANTHROPIC_API_KEY"] = "sk-secret" }, "--misbehave", "loop");

        var end = await process.EndAsync();

        Assert.Equal((2, "--misbehave, --think and --calls are for the offline analyst: leave out --base-url, and unset ANTHROPIC_API_KEY.\nNothing was done. What there is: --help\n"), (end.ExitCode, end.Errors));
    }

    [Fact]
    public async Task Refuses_a_store_whose_alerts_it_would_judge_by_the_wrong_logs()
    {
        using var world = new World().WithGoodData();
        await using (var process = SampleProcess.Start(world, "--slow", "logins=600"))
        {
            await process.UntilItSaysAsync("12 new");
            process.Signal(SampleProcess.Interrupt);
            await process.EndAsync();
        }

        var end = await SampleProcess.RunAsync(world, "--data", ".");

        Assert.Equal(2, end.ExitCode);
        Assert.StartsWith(
            "signalbox.db holds 12 unfinished alerts that are not in . (own-12, own-11, own-10, ...), and they must not be judged by its logs. "
            + "Nothing was done. Go on with the folder they came from, or give this one a store of its own: --store FILE\n"
            + "Or end each of them, and start again:\n  dotnet run --project src/Signalbox.Cli -- cancel r-",
            end.Errors,
            StringComparison.Ordinal);
        Assert.EndsWith(" --store signalbox.db\n  and 2 more; start again to see them\n", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_how_to_end_runs_that_somebody_else_started_with_commands_that_do()
    {
        using var world = new World().WithGoodData();
        var first = await SampleProcess.RunAsync(world, "--data", ".");
        Assert.Equal(0, first.ExitCode);
        await using (var store = await SqliteRunStore.OpenAsync(new() { Path = world.Path_("signalbox.db") }, default))
        {
            // As over the API from somewhere else: with a case of which this folder knows nothing.
            var known = Assert.Single(await store.ListAsync(new RunQuery(), default)).Row;
            var definition = await store.FindPayloadAsync(new PayloadHash(known.Fingerprint), default);
            foreach (var key in new[] { "far-1", "far-2" })
            {
                var start = new StartRun(new RunId($"r-{key.Replace("-", "", StringComparison.Ordinal)}"), known.Workflow, known.Version, new RawJson(definition!.Value), nameof(AlertState.Triage), new RawJson("""{"alert":{"id":"far"}}"""u8.ToArray()), key);
                var started = await RunCommands.ExecuteAsync(store, start, new Caller("key:bot", [Caller.AnyRole]), default);
                Assert.True(started.IsAccepted, started.Message);
                if (key == "far-2")
                {
                    var held = new EntryDraft { Kind = EntryKinds.RunHeld, Actor = "worker:w", Cause = "held", Body = Body.Write(new Trouble("quarantined", "died too often")) };
                    Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new Commit { Run = start.Run, Entries = [held] }, default)).Status);
                }
            }
        }

        var refused = await SampleProcess.RunAsync(world, "--data", ".");
        var commands = refused.Errors.Split('\n').Where(line => line.StartsWith("  " + NextCommands.Signalbox, StringComparison.Ordinal)).Select(line => line.Trim()[(NextCommands.Signalbox.Length + 1)..]).ToList();
        Assert.Equal(2, refused.ExitCode);
        Assert.Collection(
            commands.Order(),
            cancel => Assert.Matches("^cancel r-[a-z0-9]+ --store signalbox.db$", cancel),
            abandon => Assert.Matches("^release r-[a-z0-9]+ --abandon --store signalbox.db$", abandon));
        foreach (var command in commands)
        {
            var ended = await SampleProcess.RunCliAsync(world, command.Split(' '));
            Assert.True(ended.ExitCode == 0, ended.Errors);
        }

        var end = await SampleProcess.RunAsync(world, "--data", ".");
        var row = (await SampleProcess.RunCliAsync(world, "runs", "--status", "Canceled", "--status", "Pending", "--status", "Failed")).Output;
        Assert.True(end.ExitCode == 0, end.Errors);
        Assert.Matches("Triage +(Canceled|Pending) .* far-1", row);
        Assert.Matches("Triage +Failed .* far-2", row);
    }

    [Fact]
    public async Task Hands_to_a_person_what_it_could_not_do()
    {
        using var world = new World();

        // A folder where the list should be can neither be read nor written.
        Directory.CreateDirectory(world.Path_("deny.list"));
        var end = await SampleProcess.RunAsync(world, "--decisions", "decisions.jsonl");

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(["own-02", "own-04", "own-08", "own-09", "own-12"], Decisions(world).Where(alert => alert.Decision == "escalate").Select(alert => alert.Id));
        Assert.Contains("      block_ip did not work (the target could not be asked: UnauthorizedAccessException: ", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_which_run_needs_an_operator_and_handles_the_others()
    {
        using var world = new World();
        await using (var process = SampleProcess.Start(world, "--slow", "threats=600"))
        {
            await process.UntilItSaysAsync("12 new");
            process.Signal(SampleProcess.Terminate);
            await process.EndAsync();
        }

        // Somebody edits what was recorded about the second alert.
        await using (var database = new SqliteConnection($"Data Source={world.Path_("signalbox.db")};Pooling=False"))
        {
            await database.OpenAsync();
            await using var edit = database.CreateCommand();
            edit.CommandText = "UPDATE entries SET body = replace(body, 'own-02', 'own-99') WHERE kind = 'state.entered' AND body LIKE '%own-02%'";
            Assert.NotEqual(0, await edit.ExecuteNonQueryAsync());
        }

        var end = await SampleProcess.RunAsync(world, "--decisions", "decisions.jsonl");

        var run = Decisions(world).Single(alert => alert.Id == "own-02").Run;
        Assert.Equal(3, end.ExitCode);
        Assert.StartsWith($"warning: Run {run} is held in state ", end.Errors, StringComparison.Ordinal);
        Assert.Contains("9 decided, 2 waiting for a person, 1 stopped and waiting for an operator.", end.Output, StringComparison.Ordinal);
        Assert.Contains($"\nWaiting for an operator\n  own-02                  {run}\n      The run is Held in ", end.Output, StringComparison.Ordinal);
        Assert.Contains($"  dotnet run --project src/Signalbox.Cli -- show {run} --store signalbox.db\n      what stopped own-02\n", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113.66", Denied(world));
    }

    [Fact]
    public async Task Has_a_diagram_in_its_readme_that_is_the_workflows_own()
    {
        await using var world = await ResponseWorld.StartAsync();
        var run = await world.HandleAsync("own-01");
        var definition = WorkflowDefinition.FromJson((await world.Store.FindPayloadAsync(new(run.Row.Fingerprint), default))!.Value.Span);

        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "samples", "SecurityAlerts", "README.md")))
        {
            folder = folder.Parent;
        }

        Assert.Contains($"```mermaid\n{definition.ToMermaid()}```\n", await File.ReadAllTextAsync(Path.Combine(folder.FullName, "samples", "SecurityAlerts", "README.md")), StringComparison.Ordinal);
    }

    /// <summary>The run of a customer's request, which the decisions say nothing of.</summary>
    internal static async Task<string> RunOfAsync(World world, string request)
    {
        await using var access = await SqliteRunAccess.OpenAsync(world.Path_("signalbox.db"));
        return (await access.Reader.ListAsync(new RunQuery { Workflow = CustomerCare.WorkflowName, Limit = 100 }, default)).Single(head => head.Row.Key == request).Row.Run.Value;
    }

    private static string Steady(string output) => Tokens().Replace(Took().Replace(output, "alerts in TIME: "), "        TOKENS        0.00");

    private static List<string> Denied(World world) => Lines(world, "deny.list");

    internal static List<string> Lines(World world, string file) => [.. world.Read(file).Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0)];

    internal static List<DecisionLine> Decisions(World world) =>
        [.. world.Read("decisions.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<DecisionLine>(line, JsonSerializerOptions.Web)!)];

    [GeneratedRegex("alerts in [0-9.]+ s: ")]
    private static partial Regex Took();

    [GeneratedRegex("[ 0-9,]{9}[0-9],[0-9]{3}        0\\.00")]
    private static partial Regex Tokens();

    internal sealed record DecisionLine(string Id, string Decision, double Confidence, string Run);
}
