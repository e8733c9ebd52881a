namespace Signalbox.Providers.Tests.Docs;

public sealed class The_readme
{
    [Fact]
    public void Shows_a_host_that_is_compiled_here()
    {
        var readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        Assert.Contains($"```csharp\n{Part("host")}\n\n{Part("start")}\n```", readme, StringComparison.Ordinal);
    }

    private static string Part(string marker)
    {
        var lines = File.ReadAllText(Path.Combine(Root(), "tests/Signalbox.Providers.Tests/Docs/HostExample.cs")).Split($"// <{marker}>\n")[1].Split($"// </{marker}>")[0].TrimEnd().Split('\n');
        return string.Join('\n', lines.Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line));
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
