using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Stores;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Server;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Serving;

/// <summary>A web server over an open store. A class of its own, so that commands without one load nothing of it.</summary>
internal static class StoreServer
{
    public const string DefaultUrls = "http://127.0.0.1:8471";
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    public static string Checked(string urls)
    {
        foreach (var url in urls.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).DefaultIfEmpty(""))
        {
            var plain = url.Replace("://*", "://any", StringComparison.Ordinal).Replace("://+", "://any", StringComparison.Ordinal);
            if (!Uri.TryCreate(plain, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.AbsolutePath != "/")
            {
                throw CliException.WrongUse($"--urls wants addresses such as {DefaultUrls}; got '{url}'. Nothing is served.");
            }

            if (uri.HostNameType == UriHostNameType.Dns && uri.Host is not ("localhost" or "any"))
            {
                throw CliException.WrongUse($"--urls wants an IP address of this machine, localhost, or * for all of its addresses; any other name, such as '{uri.Host}', would be listened to on all of them too. Nothing is served.");
            }
        }

        return urls;
    }

    public static async Task RunAsync(CommandContext context, OpenStore store, string urls, CancellationToken cancellationToken)
    {
        await using var index = store.OpenIndex();
        await using var app = Build(context, store, index, urls);
        app.MapSignalbox();
        await StartAsync(app, urls, cancellationToken);
        Tell(context, store, app.Urls);
        await context.Output.FlushAsync(cancellationToken);

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var interrupted = cancellationToken.Register(() => stopped.TrySetResult());
        await using var stopping = app.Lifetime.ApplicationStopping.Register(() => stopped.TrySetResult());
        await stopped.Task;
        using var limit = new CancellationTokenSource(StopLimit, TimeProvider.System);
        await app.StopAsync(limit.Token);
    }

    private static async Task StartAsync(WebApplication app, string urls, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
            throw new CliException(ExitCodes.WrongUse, "cannot_listen", e.GetBaseException() is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
                ? $"Nothing can be served at {urls}: another process listens there. Nothing is served. Another place: --urls http://127.0.0.1:8472"
                : $"Nothing can be served at {urls}: {e.GetBaseException().Message.TrimEnd('.')}. Nothing is served.");
        }
    }

    private static WebApplication Build(CommandContext context, OpenStore store, SqliteIndex index, string urls)
    {
        // Nothing is read from the folder that the command happens to stand in.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, ApplicationName = "signalbox" });
        builder.WebHost.UseUrls(urls).UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 1_000;
        });
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None).AddProvider(new TerminalLog(context.Error));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = StopLimit);

        // Logins end with this process: so no key that could forge one lies on the disk.
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddSingleton(context.Surface.Clock);
        builder.Services.AddSingleton(store.Searching(index));
        builder.Services.AddSingleton<ISearchIndex>(index);
        builder.Services.AddHostedService(services => new IndexFeeding(index, services.GetRequiredService<LogTail>()));
        builder.Services.AddSingleton<IRunControl>(store.Control);
        builder.Services.AddSingleton<IKeySource>(store.Keys);
        builder.Services.AddSingleton(new LogTail(store.Reader, context.Surface.Clock));
        builder.Services.AddSignalboxServer();
        return builder.Build();
    }

    /// <summary>Feeds the index where nobody else does: the program that works on the store comes first, and this one stands by.</summary>
    private sealed class IndexFeeding(SqliteIndex index, LogTail tail) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => index.MayFeed ? index.FeedAsync(tail, stoppingToken) : Task.CompletedTask;
    }

    private static void Tell(CommandContext context, OpenStore store, IEnumerable<string> urls)
    {
        context.Page.Line($"Signalbox serves '{store.Path}' at {string.Join(", ", urls)}");
        try
        {
            context.Page.Line(store.Keys.Keys().Any(k => k.IsLive(context.Surface.Clock.GetUtcNow()))
                ? $"Log in with a key ({store.Keys.Place}). Ctrl-C ends it."
                : $"There is no key yet, so nobody is let in. In another terminal: {CommandContext.Invocation(store, "keys", "add", Environment.UserName, "--role", ServerRoles.Admin)}");
        }
        catch (StoreRefusedException e)
        {
            context.Page.Line($"! {e.Code}: {e.Message}");
        }
    }
}
