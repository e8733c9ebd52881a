using System.Diagnostics;
using OpenTelemetry;

namespace Signalbox.OpenTelemetry;

/// <summary>Keeps what ended until it is sent, and says whether it was: the cursor must not pass what nobody has taken. Bounded by whoever fills it.</summary>
internal sealed class AcknowledgedExport(BaseExporter<Activity> exporter) : BaseExportProcessor<Activity>(exporter)
{
    private readonly List<Activity> _ended = [];

    public int Count => _ended.Count;

    /// <summary>Sends the oldest <paramref name="max"/>; true: they were taken, and are forgotten here. Blocks until the answer, or the exporter's time limit.</summary>
    public bool Send(int max)
    {
        var batch = _ended.Take(max).ToArray();
        using var suppressed = SuppressInstrumentationScope.Begin();
        if (exporter.Export(new Batch<Activity>(batch, batch.Length)) != ExportResult.Success)
        {
            return false;
        }

        _ended.RemoveRange(0, batch.Length);
        return true;
    }

    /// <inheritdoc />
    protected override void OnExport(Activity data) => _ended.Add(data);
}
