using Signalbox.Testing;

namespace Signalbox.Targets.Tests.Docs;

public sealed class The_guide
{
    private static readonly string s_project = FindProject();
    private static readonly string s_guide = File.ReadAllText(Path.Combine(s_project, "../../docs/guides/actions.md"));

    [Theory]
    [InlineData("Http/HttpHandlers.cs", "keyed")]
    [InlineData("Http/HttpHandlers.cs", "conditional")]
    [InlineData("Http/HttpHandlers.cs", "blind")]
    [InlineData("Http/HttpHandlers.cs", "client")]
    [InlineData("Docs/ContractExample.cs", "contract")]
    public void Shows_examples_that_are_compiled_here(string source, string marker)
    {
        var example = File.ReadAllText(Path.Combine(s_project, source)).Split($"// <{marker}>\n")[1].Split($"// </{marker}>")[0].Trim();
        Assert.Contains($"```csharp\n{example}\n```", s_guide, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_every_feature_that_a_harness_may_have() =>
        Assert.All(Enum.GetValues<TargetFeatures>().Where(f => f != TargetFeatures.None), feature => Assert.Contains($"| `{feature}` |", s_guide, StringComparison.Ordinal));

    private static string FindProject()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Signalbox.slnx")))
        {
            folder = Path.GetDirectoryName(folder.TrimEnd(Path.DirectorySeparatorChar))!;
        }

        return Path.Combine(folder, "tests/Signalbox.Targets.Tests");
    }
}
