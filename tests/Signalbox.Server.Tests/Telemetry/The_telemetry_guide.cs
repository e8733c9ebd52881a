using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Signalbox.Diagnostics;
using Signalbox.OpenTelemetry;
using Signalbox.Queries;
using Signalbox.Sqlite;
using AlertResponse = Signalbox.Server.Tests.Telemetry.TracedWorkflow;

namespace Signalbox.Server.Tests.Telemetry;

[Collection("telemetry")]
public sealed class The_telemetry_guide
{
    private static void Show(WebApplicationBuilder builder, WebApplication app)
    {
        // <telemetry>
        builder.Services.AddSignalbox(box => box.AddWorkflow<AlertResponse>().UseSqlite("signalbox.db"));
        builder.Services.AddSignalboxTelemetry(telemetry =>
        {
            telemetry.OtlpEndpoint = new Uri("http://collector:4318");   // or OTEL_EXPORTER_OTLP_ENDPOINT, with OTEL's other variables
            telemetry.CursorPath = "signalbox.db.traces.json";           // beside the store
        });
        app.MapSignalboxTelemetry();   // /metrics, /health/live, /health/ready
        // </telemetry>
    }

    [Fact]
    public void Shows_an_example_that_is_compiled_here()
    {
        Assert.NotNull((Action<WebApplicationBuilder, WebApplication>)Show);
        var code = File.ReadAllText(Path.Combine(Root(), "tests/Signalbox.Server.Tests/Telemetry/The_telemetry_guide.cs"));
        var example = code.Split("// <telemetry>\n")[1].Split("// </telemetry>")[0].TrimEnd();
        Assert.Contains(string.Join("\n", example.Split('\n').Select(line => line.Length > 8 ? line[8..] : "")), s_text, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_every_instrument_that_the_code_has()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => names.UnionWith(instrument.Meter.Name == SignalboxMeter.Name ? [instrument.Name] : []) };
        using var instruments = new Instruments(new TelemetryState());
        SignalboxMeter.Committed(1);
        listener.Start();
        Assert.Equal(Instruments.All.Order(StringComparer.Ordinal), names);
    }

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
