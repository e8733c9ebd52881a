using Microsoft.Extensions.Hosting;
using Signalbox.Queries;

namespace Signalbox.Sqlite.Index;

/// <summary>Feeds the index while the host runs.</summary>
internal sealed class IndexHost(SqliteIndex index, LogTail tail) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => index.FeedAsync(tail, stoppingToken);
}
