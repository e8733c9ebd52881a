using System.Globalization;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Checking;

/// <summary>Checks what spans runs: the positions of the log, and that its times do not fall.</summary>
internal static class LogCheck
{
    public static async Task CheckAsync(IRunReader reader, CheckReport report, CancellationToken cancellationToken)
    {
        long position = 0;
        long at = 0;
        await foreach (var entry in EntryPages.OfLogAsync(reader, cancellationToken))
        {
            if (entry.Position != position + 1)
            {
                report.Add(FaultCodes.PositionGap, entry.Run, entry.Seq, Text(position + 1), Text(entry.Position));
            }

            if (entry.At < at)
            {
                report.Add(FaultCodes.TimeFell, entry.Run, entry.Seq, $"{at} or later, as at position {position}", Text(entry.At));
            }

            (position, at) = (entry.Position, entry.At);
            report.CountEntry();
        }

        report.LastPosition = position;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
