using System.Globalization;
using System.Text.RegularExpressions;

namespace Signalbox.Mcp.Tests.Docs;

public sealed partial class The_guide
{
    private static readonly string s_root = Path.GetFullPath(Path.Combine(Npm.Project, "../.."));
    private static readonly string s_guide = File.ReadAllText(Path.Combine(s_root, "docs/guides/mcp.md"));

    [Fact]
    public void Shows_an_example_that_is_compiled_here()
    {
        var example = File.ReadAllText(Path.Combine(Npm.Project, "Docs/McpExample.cs")).Split("// <mcp>\n")[1].Split("// </mcp>")[0].Trim();
        Assert.Contains($"```csharp\n{example}\n```", s_guide, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_a_handler_that_writes_and_looks()
    {
        using var folder = new TempFolder();
        await using var files = new McpServer("files", Npm.FilesystemTransport(folder)).Read("read_text_file").Act<WriteFile>("write_file");
        var handler = new WriteFileHandler(files);
        var context = new ActionContext("a-1", new RunId("r-1"), 1, 1, DateTimeOffset.UnixEpoch);
        var action = new WriteFile(folder.File("x.txt"), "text");

        Assert.Equal(ObservationKind.NotSo, (await handler.ProbeAsync(action, context, CancellationToken.None)).Kind);
        await handler.ExecuteAsync(action, context, CancellationToken.None);
        Assert.Equal(ObservationKind.So, (await handler.ProbeAsync(action, context, CancellationToken.None)).Kind);
        Assert.Equal(ObservationKind.Unclear, (await handler.ProbeAsync(action with { Path = "/etc/passwd" }, context, CancellationToken.None)).Kind);
    }

    [Fact]
    public void Names_the_defaults_that_hold()
    {
        var options = McpServerOptions.Default;
        Assert.Contains($"| `Pins`, `TrustOnFirstUse` | in memory, `{(options.TrustOnFirstUse ? "true" : "false")}` |", s_guide, StringComparison.Ordinal);
        Assert.Null(options.Pins);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"| {options.ConnectWithin.TotalSeconds} s, {options.ListWithin.TotalSeconds} s, {options.CallWithin.TotalSeconds} s |"), s_guide, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"| {options.ListedFor.TotalMinutes} min, {options.SilentMax.TotalSeconds} s, {options.ShutdownWithin.TotalSeconds} s |"), s_guide, StringComparison.Ordinal);
        Assert.Contains($"| {options.AnswerBytesMax / 1024 / 1024} MiB |", s_guide, StringComparison.Ordinal);
    }

    [Fact]
    public void Has_every_code_of_an_unavailable_tool_in_the_list_of_codes()
    {
        var page = File.ReadAllText(Path.Combine(s_root, "docs/errors.md"));
        var codes = Directory.GetFiles(Path.Combine(s_root, "src/Signalbox.Mcp"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Code().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value)
            .Distinct()
            .Order()
            .ToList();
        Assert.Equal(["definition_changed", "definition_unfit", "definition_unknown", "pins_unusable", "server_unavailable", "tool_missing"], codes);
        Assert.All(codes, code => Assert.Contains($"| `{code}` |", page, StringComparison.Ordinal));
    }

    [GeneratedRegex("""(?:ToolUnavailableException|=> new|    new)\(\s*"([a-z]+_[a-z]+)",""")]
    private static partial Regex Code();
}
