using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signalbox;
using Signalbox.OpenTelemetry;
using Signalbox.Server;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace SecurityAlerts;

/// <summary>Dashboard, HTTP API, metrics and health in the process that works: what <c>--serve</c> adds to the desk.</summary>
internal sealed class DeskServer(DeskOptions options, Screen screen, TimeProvider clock)
{
    public const string DefaultUrl = "http://127.0.0.1:8471";

    /// <summary>The worker's own limit, and a little for what else has to end.</summary>
    internal static readonly TimeSpan StopLimit = new WorkerOptions().StopWithin + TimeSpan.FromSeconds(5);

    /// <summary>What is wrong with an address to serve at; null if nothing is. Other names than localhost would be listened to everywhere.</summary>
    public static string? UrlFault(string url) =>
        !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.PathAndQuery != "/" || uri.Fragment.Length + uri.UserInfo.Length > 0 || !IsPlace(uri)
            ? $"--serve must be like {DefaultUrl}, with an IP address of this machine or localhost; got \"{TerminalText.Escape(url, 60)}\"."
            : uri is { Host: "localhost", Port: 0 } ? "--serve can choose a port itself only for an IP address, such as http://127.0.0.1:0." : null;

    /// <summary>Why nothing can be served there just now; null if it can. Asked before anything is begun, for a worker is at work before a server listens.</summary>
    public string? PortFault()
    {
        var uri = new Uri(options.Serve!);
        try
        {
            using var listener = new TcpListener(uri.HostNameType == UriHostNameType.Dns ? IPAddress.Loopback : IPAddress.Parse(uri.DnsSafeHost), uri.Port);
            listener.Start();
            return null;
        }
        catch (SocketException e)
        {
            var why = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "another process listens there",
                SocketError.AddressNotAvailable => "this machine has no such address",
                SocketError.AccessDenied => "this user may not listen there",
                _ => e.Message,
            };
            var another = new UriBuilder(uri) { Port = uri.Port is > 1023 and < 65535 ? uri.Port + 1 : 8471 };
            return $"Nothing can be served at {options.Serve}: {why}. Nothing was done. Another place: --serve {another.Uri.GetLeftPart(UriPartial.Authority)}";
        }
    }

    /// <summary>A host with a web server in it. Nothing is read from the folder that the command happens to stand in.</summary>
    public WebApplicationBuilder CreateBuilder()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, ApplicationName = "SecurityAlerts" });
        builder.WebHost.UseUrls(options.Serve!).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 1_000;
        });
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider(); // logins end with this process: no key that could forge one lies on the disk
        builder.Services.AddSignalboxServer().AddSignalboxTelemetry(telemetry =>
        {
            telemetry.ServiceName = "security-alerts";
            telemetry.CursorPath = options.Store + ".traces.json";
        });
        return builder;
    }

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.MapSignalbox();
        app.MapSignalboxTelemetry();
        return app;
    }

    /// <summary>Says where it is, and how to get in. A store that never had a key gets its first one, if somebody looks at the screen: into a file it would be written for whoever reads that.</summary>
    public async Task TellAsync(WebApplication app, CancellationToken cancellationToken)
    {
        screen.Say($"Dashboard: {string.Join(", ", app.Urls)}  (API: /api/v1, for Prometheus: /metrics, health: /health/ready)");
        if (!app.Urls.All(url => IsLoopback(new Uri(url))))
        {
            screen.Warn("warning: this is plain HTTP, and not for this machine alone: whoever is on the way can read keys. Put a proxy with https before it.");
        }

        try
        {
            await TellOfKeysAsync(app, cancellationToken);
        }
        catch (StoreRefusedException e)
        {
            screen.Warn(TerminalText.Escape($"warning: {e.Message}"));
        }
    }

    private async Task TellOfKeysAsync(WebApplication app, CancellationToken cancellationToken)
    {
        var file = new KeyFile(options.Store);
        var keys = file.Keys();
        var name = ApiKey.NameFault(Environment.UserName) is null ? Environment.UserName : "admin";
        var another = $"{NextCommands.Signalbox} keys add {NextCommands.Quoted(name)} --role {ServerRoles.Admin} --store {NextCommands.Quoted(options.Store)}";
        if (keys.Any(key => key.IsLive(clock.GetUtcNow())))
        {
            screen.Say($"Log in with a key of this store. Another one: {another}");
        }
        else if (keys.Count == 0 && app.Environment.IsDevelopment() && app.Services.GetRequiredService<IOptions<SignalboxServerOptions>>().Value.LetsLocalDeveloperIn)
        {
            screen.Say($"Whoever calls from this machine is let in (environment Development), until there is a key: {another}");
        }
        else if (keys.Count == 0 && !Console.IsOutputRedirected)
        {
            var (key, text) = await file.AddAsync(name, isMachine: false, [ServerRoles.Admin], clock.GetUtcNow(), cancellationToken: cancellationToken);
            screen.Say($"Log in with this key. It is {key.Actor}'s, made just now, and shown this once:\n  {text}\nAnother one: {another}");
        }
        else
        {
            screen.Say($"There is no key yet, so nobody is let in. Make one: {another}");
        }
    }

    private static bool IsPlace(Uri uri) => uri.Host == "localhost" || uri.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6;

    private static bool IsLoopback(Uri uri) => uri.Host == "localhost" || (IPAddress.TryParse(uri.DnsSafeHost, out var address) && IPAddress.IsLoopback(address));
}
