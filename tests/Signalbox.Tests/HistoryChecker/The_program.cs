using System.Diagnostics;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class The_program : IDisposable
{
    private const string Usage = "usage: history-checker --journal FILE [--acks FILE] [--target-log FILE] [--target-looks FILE] [--target-state FILE --action NAME --resource MEMBER [--against NAME]] [--budgets FILE] [--json]\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-checker-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Ends_with_0_and_a_summary_when_all_is_well()
    {
        Assert.Equal((0, "74 entries, 3 runs, 0 violations\n", ""), await Run("--journal", Write("j.jsonl", GoodHistory.Write().Seal())));
    }

    [Fact]
    public async Task Ends_with_1_and_a_line_for_each_violation()
    {
        var journal = Write("j.jsonl", GoodHistory.Write().Change("r-a", 13, e => e with { Kind = "state.left" }).Remove("r-a", 14, 13).Seal());
        Assert.Equal((1, "I3 r-a seq 13: expected a declared kind; got 'state.left'\n61 entries, 3 runs, 1 violations\n", ""), await Run("--journal", journal));
        Assert.Equal(
            (1, """{"invariant":"I3","run":"r-a","seq":13,"expected":"a declared kind","got":"\u0027state.left\u0027"}""" + "\n" + """{"entries":61,"runs":3,"violations":1}""" + "\n", ""),
            await Run("--json", "--journal", journal));
    }

    [Fact]
    public async Task Reads_what_is_given_beside_the_journal()
    {
        var (code, output, _) = await Run(
            "--journal", Write("j.jsonl", GoodHistory.Write().Seal()),
            "--acks", Write("a.jsonl", ["""{"request":"start","run":"r-z","reply":"ok"}"""]),
            "--target-log", Write("t.jsonl", []),
            "--target-state", Write("deny.list", ["# none"]), "--action", "block", "--resource", "address");
        Assert.Equal(1, code);
        Assert.Equal(
            $"""
            I11 r-z: expected 1 run.started (ok 1, unknown 0, refused 0; last {_folder}/a.jsonl:1); got 0
            I6 r-a seq 11: expected an effect of doing 'a-1', which is verified as made by us; got none
            I10 r-a seq 11: expected '192.0.2.7' in the target's state after 'a-1' was verified; got it is not there
            74 entries, 3 runs, 3 violations

            """,
            output);
    }

    [Fact]
    public async Task Ends_with_2_and_names_file_and_line_of_bad_input()
    {
        var lines = GoodHistory.Write().Seal();
        lines[^1] = lines[^1][..40];
        var journal = Write("j.jsonl", lines);
        Assert.Equal((2, "", $"history-checker: {journal}:79: the line is no whole JSON object (it breaks at byte 40); was the file cut?\n"), await Run("--journal", journal));
        Assert.Equal((2, "", $"history-checker: Could not find file '{_folder}/none'.\n"), await Run("--journal", _folder + "/none"));
    }

    [Fact]
    public async Task Ends_with_2_and_its_usage_when_asked_wrongly()
    {
        Assert.Equal((2, "", "history-checker: --journal is missing.\n" + Usage), await Run());
        Assert.Equal((2, "", "history-checker: '--jornal' is no option.\n" + Usage), await Run("--jornal", "j"));
        Assert.Equal((2, "", "history-checker: --journal needs one value.\n" + Usage), await Run("--journal"));
        Assert.Equal((2, "", "history-checker: --target-state needs --action and --resource.\n" + Usage), await Run("--journal", "j", "--target-state", "s"));
    }

    private static async Task<(int Code, string Output, string Errors)> Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Signalbox.HistoryChecker.HistoryCheck).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var program = Process.Start(start)!;
        var output = program.StandardOutput.ReadToEndAsync();
        var errors = program.StandardError.ReadToEndAsync();
        await program.WaitForExitAsync();
        return (program.ExitCode, await output, await errors);
    }

    private string Write(string name, IEnumerable<string> lines)
    {
        var file = Path.Combine(_folder, name);
        File.WriteAllLines(file, lines);
        return file;
    }
}
