using Signalbox.OpenTelemetry;
using Signalbox.Queries;
using Xunit;

namespace Signalbox.Server.Tests.Telemetry;

public sealed class The_telemetry_guide
{
    private static readonly string s_text = File.ReadAllText(Path.Combine(Root(), "docs/guides/telemetry.md"));

    [Fact]
    public void Names_every_attribute_and_no_other() => Assert.Equal(SpanAttributes.All.Order(StringComparer.Ordinal), Rows("### Attributes", "## Metrics"));

    [Fact]
    public void Names_every_metric_and_no_other() => Assert.Equal(Instruments.All.Order(StringComparer.Ordinal), Rows("## Metrics", "## Logs"));

    [Fact]
    public void Names_every_attribute_that_the_code_has() => Assert.Equal(
        typeof(SpanAttributes).GetFields().Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!).Order(StringComparer.Ordinal), SpanAttributes.All.Order(StringComparer.Ordinal));

    private static IEnumerable<string> Rows(string from, string to) =>
        s_text.Split(from)[1].Split(to)[0].Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]).Order(StringComparer.Ordinal);

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CHANGELOG.md")))
        {
            folder = Path.GetDirectoryName(folder.TrimEnd('/'))!;
        }

        return folder;
    }
}
