using System.Text.RegularExpressions;

namespace Signalbox.CommandLine.Tests;

public sealed class The_approvals_guide : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Shows_command_lines_that_the_command_understands()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-1"));
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs/guides/approvals.md"), TestContext.Current.CancellationToken);
        var lines = page.Split("```sh\n")[1].Split("```")[0].Split('\n').Select(l => l.Split(" #")[0].Trim()).Where(l => l.StartsWith("signalbox ", StringComparison.Ordinal)).ToArray();

        Assert.True(lines.Length > 5);
        foreach (var line in lines)
        {
            var words = Regex.Matches(line.Replace("RUN", "r-1", StringComparison.Ordinal), "'[^']*'|\\S+").Select(m => m.Value.Trim('\'')).Skip(1);
            var outcome = await _store.RunAsync([.. words]);
            Assert.DoesNotContain("--help", outcome.Error, StringComparison.Ordinal); // what a line that makes no sense is answered with
        }
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Signalbox.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }
}
