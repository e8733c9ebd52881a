using System.Runtime.CompilerServices;

namespace Signalbox.Providers.Tests.Docs;

public sealed class The_readme
{
    [Fact]
    public void Shows_a_host_that_is_compiled_here()
    {
        var readme = File.ReadAllText(Path.Combine(Folder(), "../../../README.md"));
        Assert.Contains($"```csharp\n{Part("host")}\n\n{Part("start")}\n```", readme, StringComparison.Ordinal);
    }

    private static string Part(string marker)
    {
        var lines = File.ReadAllText(Path.Combine(Folder(), "HostExample.cs")).Split($"// <{marker}>\n")[1].Split($"// </{marker}>")[0].TrimEnd().Split('\n');
        return string.Join('\n', lines.Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line));
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
