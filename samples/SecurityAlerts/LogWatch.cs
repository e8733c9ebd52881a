namespace SecurityAlerts;

/// <summary>Follows a log as it grows or is rotated: it is read again as a whole, since an alert may reach back a day, and the same events give the same alerts.</summary>
internal sealed class LogWatch(string log, string? folder, AlertSources sources, TimeProvider clock)
{
    // A burst is over when nothing has come for half an hour: time passes without the log's growing.
    private static readonly TimeSpan LookAnyway = TimeSpan.FromMinutes(1);

    private (long Length, DateTime WrittenAt) _seen = LookAt(log);
    private DateTimeOffset _lookedAt = clock.GetUtcNow();

    /// <summary>The alerts that are not known yet. A log that is gone for a moment (it is being rotated) raises none.</summary>
    public async Task<IReadOnlyList<Alert>> LookAsync(IReadOnlySet<string> known, CancellationToken cancellationToken)
    {
        var (now, file) = (clock.GetUtcNow(), LookAt(log));
        if ((file == _seen && now - _lookedAt < LookAnyway) || file.Length < 0)
        {
            return [];
        }

        (_seen, _lookedAt) = (file, now);
        var data = await AlertData.OfLogAsync(log, folder, now, cancellationToken);
        if (!data.CanWork)
        {
            return [];
        }

        sources.Renew(data);
        return [.. data.Alerts.Where(alert => !known.Contains(alert.Id))];
    }

    private static (long Length, DateTime WrittenAt) LookAt(string log)
    {
        var file = new FileInfo(log);
        return file.Exists ? (file.Length, file.LastWriteTimeUtc) : (-1, default);
    }
}
