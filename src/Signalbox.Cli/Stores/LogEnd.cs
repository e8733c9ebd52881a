using Signalbox.Storage;

namespace Signalbox.CommandLine.Stores;

/// <summary>Finds the last entry of a log without reading the log: positions count up without a gap.</summary>
internal static class LogEnd
{
    /// <summary>The position of the last entry, which is no earlier than <paramref name="from"/>; 0 if there is none.</summary>
    public static async ValueTask<long> FindAsync(IRunReader reader, long from, CancellationToken cancellationToken)
    {
        var (known, step) = (from, 1L);
        while (await HasAfterAsync(known + step - 1))
        {
            (known, step) = (known + step, step * 2);
        }

        // There is an entry at 'known' (or it is 'from'), and none after 'known + step - 1'.
        for (var end = known + step - 1; known < end;)
        {
            var middle = known + ((end - known) / 2);
            (known, end) = await HasAfterAsync(middle) ? (middle + 1, end) : (known, middle);
        }

        return known;

        async ValueTask<bool> HasAfterAsync(long position) => (await reader.ReadLogAsync(position, 1, cancellationToken)).Count > 0;
    }
}
