using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using Signalbox.Diagnostics;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>The names under which Signalbox speaks to OpenTelemetry.</summary>
public static class SignalboxTelemetry
{
    /// <summary>The source of spans and the meter.</summary>
    public const string Name = SignalboxMeter.Name;
}

/// <summary>Puts traces, metrics, logs and health checks of Signalbox into an ASP.NET Core program.</summary>
public static class SignalboxTelemetryExtensions
{
    private const string ReadyTag = "signalbox.ready";

    /// <summary>
    /// Tells OpenTelemetry of the runs of this program's store: spans that are derived from the journal, so that each arrives whatever crashes, metrics, and log lines with the trace of their run. The program's own
    /// providers see the same under the name <c>Signalbox</c>. A collector that fails or does not answer slows no run.
    /// </summary>
    public static IServiceCollection AddSignalboxTelemetry(this IServiceCollection services, Action<SignalboxTelemetryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new SignalboxTelemetryOptions();
        configure?.Invoke(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<TelemetryState>();
        services.TryAddSingleton(s => new LogTail(s.GetRequiredService<IRunReader>(), s.GetRequiredService<TimeProvider>()));
        if (options.Traces)
        {
            services.AddHostedService(s => new TraceFollower(
                s.GetRequiredService<IRunReader>(), s.GetRequiredService<LogTail>(), options, s.GetRequiredService<TelemetryState>(), s.GetRequiredService<TimeProvider>(), s.GetService<Redactor>() ?? Redactor.None,
                s.GetRequiredService<ILoggerFactory>()));
        }

        if (options.Metrics)
        {
            AddMetrics(services, options);
        }

        if (options.Logs && options.Sends("LOGS"))
        {
            services.AddOpenTelemetry().WithLogging(
                logs => logs.ConfigureResource(r => OtlpSetup.Describe(r, options)).AddProcessor(new RunLogProcessor()).AddOtlpExporter(otlp => OtlpSetup.Configure(otlp, options, "logs")),
                logging => logging.IncludeScopes = true);
        }

        services.AddHealthChecks()
            .Add(new HealthCheckRegistration("store", s => new StoreHealth(s.GetRequiredService<IRunReader>(), options, s.GetRequiredService<TimeProvider>()), null, [ReadyTag], TimeSpan.FromSeconds(5)))
            .Add(new HealthCheckRegistration("worker", s => new WorkerHealth(s, s.GetRequiredService<TimeProvider>()), null, [ReadyTag], TimeSpan.FromSeconds(5)))
            .Add(new HealthCheckRegistration("index", s => new IndexHealth(options, s.GetService<ISearchIndex>()), null, [ReadyTag], TimeSpan.FromSeconds(5)));
        return services;
    }

    /// <summary>
    /// Maps <c>/metrics</c> for Prometheus, <c>/health/live</c> (the process answers) and <c>/health/ready</c> (the store answers, the worker lives, runs are taken; 503 if not). Health is open to everybody and says one word;
    /// metrics are open to callers on this machine, unless the options say otherwise.
    /// </summary>
    public static IEndpointConventionBuilder MapSignalboxTelemetry(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var options = endpoints.ServiceProvider.GetRequiredService<SignalboxTelemetryOptions>();
        var all = endpoints.MapGroup("");
        foreach (var (path, isOf) in new (string, Func<HealthCheckRegistration, bool>)[] { ("/health/live", _ => false), ("/health/ready", check => check.Tags.Contains(ReadyTag)) })
        {
            var health = all.MapHealthChecks(path, new HealthCheckOptions { Predicate = isOf, ResponseWriter = options.HealthDetails ? WriteDetailsAsync : WriteWordAsync });
            _ = options.HealthPolicy is { } policy ? health.RequireAuthorization(policy) : health.AllowAnonymous();
        }

        if (options.Metrics)
        {
            var metrics = all.MapPrometheusScrapingEndpoint("/metrics");
            if (options.MetricsPolicy is { } policy)
            {
                metrics.RequireAuthorization(policy);
            }
            else
            {
                metrics.AllowAnonymous();
                if (!options.MetricsOpen)
                {
                    metrics.Add(OnThisMachineOnly);
                }
            }
        }

        return all;
    }

    private static void AddMetrics(IServiceCollection services, SignalboxTelemetryOptions options)
    {
        services.AddHostedService(s => new MetricsFollower(
            s.GetRequiredService<IRunReader>(), s.GetRequiredService<LogTail>(), options, s.GetRequiredService<TelemetryState>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILoggerFactory>(),
            s.GetService<ISearchIndex>()));
        services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.ConfigureResource(r => OtlpSetup.Describe(r, options)).AddMeter(SignalboxMeter.Name).AddPrometheusExporter(prometheus => prometheus.ScrapeResponseCacheDurationMilliseconds = 0);
            if (options.Sends("METRICS"))
            {
                metrics.AddOtlpExporter(otlp => OtlpSetup.Configure(otlp, options, "metrics"));
            }
        });
    }

    private static void OnThisMachineOnly(EndpointBuilder endpoint)
    {
        var next = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = context =>
        {
            if (context.Connection.RemoteIpAddress is null || IPAddress.IsLoopback(context.Connection.RemoteIpAddress))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return context.Response.WriteAsync("Metrics are open to callers on this machine alone. Set MetricsPolicy, or MetricsOpen.\n", context.RequestAborted);
        };
    }

    private static Task WriteWordAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(report.Status + "\n", context.RequestAborted);
    }

    private static Task WriteDetailsAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(
        new { status = report.Status.ToString(), checks = report.Entries.ToDictionary(e => e.Key, e => new { status = e.Value.Status.ToString(), e.Value.Description }) }, JsonSerializerOptions.Web, context.RequestAborted);
}
