using System.Globalization;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Checking;

/// <summary>Checks what spans runs: the positions of the log, that its times do not fall, and the claims and limits that all its entries together make.</summary>
internal static class LogCheck
{
    public static async Task CheckAsync(IRunReader reader, CheckReport report, CancellationToken cancellationToken)
    {
        long position = 0;
        long at = 0;
        var claims = new ClaimCheck(reader, report);
        await foreach (var entry in reader.LogAsync(cancellationToken: cancellationToken))
        {
            if (entry.Position != position + 1)
            {
                report.Add(FaultCodes.PositionGap, entry.Run, entry.Seq, Text(position + 1), Text(entry.Position));
            }

            if (entry.At < at)
            {
                report.Add(FaultCodes.TimeFell, entry.Run, entry.Seq, $"{at} or later, as at position {position}", Text(entry.At));
            }

            claims.Add(entry);
            (position, at) = (entry.Position, entry.At);
            report.CountEntry();
        }

        report.LastPosition = position;
        await claims.CompareAsync(position, cancellationToken);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
