using System.Diagnostics;
using System.Globalization;

namespace Signalbox.Bench;

/// <summary>What the machine does besides us: figures mean something only beside this.</summary>
internal static class Machine
{
    /// <summary>Waits until other processes use less than a tenth of a core, at most so long. Gives the foreign load it saw last, in cores.</summary>
    public static async Task<double> WaitForIdleAsync(TimeSpan atMost)
    {
        var give = Stopwatch.StartNew();
        while (true)
        {
            var (busy, own) = (Busy(), Process.GetCurrentProcess().TotalProcessorTime);
            var watch = Stopwatch.StartNew();
            await Task.Delay(500);
            var foreign = Math.Max(0, (Busy() - busy - (Process.GetCurrentProcess().TotalProcessorTime - own)) / watch.Elapsed);
            if (foreign < 0.1 || give.Elapsed > atMost)
            {
                return foreign;
            }
        }
    }

    /// <summary>How often a second 4 KiB can be overwritten and flushed in this folder.</summary>
    public static double FlushesASecond(string folder)
    {
        var path = Path.Combine(folder, "probe.bin");
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        file.Write(new byte[1 << 20]);
        file.Flush(flushToDisk: true);
        var page = new byte[4096];
        var count = 0;
        var watch = Stopwatch.StartNew();
        while (watch.ElapsedMilliseconds < 300)
        {
            file.Position = count++ % 250 * 4096;
            file.Write(page);
            file.Flush(flushToDisk: true);
        }

        return count / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Bytes this process has caused to be written to storage, deleted files included.</summary>
    public static long BytesWritten() =>
        long.Parse(File.ReadLines("/proc/self/io").First(l => l.StartsWith("write_bytes:", StringComparison.Ordinal)).AsSpan(13), CultureInfo.InvariantCulture);

    private static TimeSpan Busy()
    {
        // /proc/stat: cpu user nice system idle iowait irq softirq steal, in hundredths of a second
        var parts = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(p => long.Parse(p, CultureInfo.InvariantCulture)).ToArray();
        return TimeSpan.FromMilliseconds(10 * (parts[0] + parts[1] + parts[2] + parts[5] + parts[6]));
    }
}
