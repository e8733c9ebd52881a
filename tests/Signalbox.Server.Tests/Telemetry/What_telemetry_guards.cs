using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signalbox.OpenTelemetry;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Telemetry;

[Collection("telemetry")]
public sealed class What_telemetry_guards : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("signalbox-telemetry-");

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<(HttpStatusCode Status, string Text)> GetAsync(WebApplication app, string path, string? from = null, string? role = null)
    {
        var answer = await app.GetTestServer().SendAsync(context =>
        {
            context.Request.Path = path;
            context.Connection.RemoteIpAddress = from is null ? IPAddress.Loopback : IPAddress.Parse(from);
            if (role is not null)
            {
                context.Request.Headers["X-Role"] = role;
            }
        });
        using var reader = new StreamReader(answer.Response.Body);
        return ((HttpStatusCode)answer.Response.StatusCode, await reader.ReadToEndAsync());
    }

    private static async Task<WebApplication> StartAsync(Action<SignalboxTelemetryOptions> configure)
    {
        var app = TracedWorld.Build(
            options =>
            {
                options.Traces = false;
                configure(options);
            },
            more: builder =>
            {
                builder.WebHost.UseTestServer();
                builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, RoleOfHeader>("test", null);
                builder.Services.AddAuthorizationBuilder().AddPolicy("admins", policy => policy.RequireRole("admin"));
            });
        await app.StartAsync();
        return app;
    }

    [Fact]
    public async Task Metrics_are_closed_to_other_machines()
    {
        await using var app = await StartAsync(_ => { });

        Assert.Equal(HttpStatusCode.OK, (await GetAsync(app, "/metrics")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(app, "/metrics", "192.0.2.7")).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(app, "/health/live", "192.0.2.7")).Status);
    }

    [Fact]
    public async Task Metrics_and_health_keep_to_their_policies()
    {
        await using var app = await StartAsync(options => (options.MetricsPolicy, options.HealthPolicy) = ("admins", "admins"));

        foreach (var path in new[] { "/metrics", "/health/live", "/health/ready" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(app, path)).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(app, path, role: "viewer")).Status);
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(app, path, "192.0.2.7", "admin")).Status);
        }
    }

    [Fact]
    public async Task Metrics_are_open_when_that_was_said()
    {
        await using var app = await StartAsync(options => options.MetricsOpen = true);

        Assert.Equal(HttpStatusCode.OK, (await GetAsync(app, "/metrics", "192.0.2.7")).Status);
    }

    [Fact]
    public async Task Health_says_one_word()
    {
        await using var app = await StartAsync(_ => { });
        var said = await GetAsync(app, "/health/ready");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (said.Status != HttpStatusCode.OK)
        {
            // The worker has not begun yet.
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy\n"), said);
            await Task.Delay(20, limit.Token);
            said = await GetAsync(app, "/health/ready");
        }

        Assert.Equal((HttpStatusCode.OK, "Healthy\n"), said);
    }

    [Fact]
    public void Names_of_tags_are_few()
    {
        var steps = new HashSet<string>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Name == "signalbox.step.duration") { l.EnableMeasurementEvents(instrument); } } };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => steps.Add((string)tags.ToArray().Single(t => t.Key == "signalbox.step").Value!));
        listener.Start();
        using var instruments = new Instruments(new TelemetryState());
        for (var i = 0; i < 1000; i++)
        {
            var span = new RunSpan { Id = "1", Run = new RunId("r-1"), Type = RunSpanType.Read, Name = $"step-{i}", StartedAt = 0, EndedAt = 1, FirstSeq = 0, LastSeq = 0 };
            instruments.Count(new(span, "traced"));
        }

        Assert.Equal(101, steps.Count);
        Assert.Contains("other", steps);
    }

    [Fact]
    public async Task A_cursor_of_another_store_begins_anew()
    {
        var path = Path.Combine(_folder.FullName, "cursor.json");
        await using var app = await StartAsync(_ => { });
        await TracedWorld.StartRunsAsync(app.Services, 3);
        var store = app.Services.GetRequiredService<IRunStore>();
        var log = await store.ReadLogAsync(0, 5, TestContext.Current.CancellationToken);
        var cursor = new LogCursor(path);
        Assert.Equal(0, await cursor.LoadAsync(store, TestContext.Current.CancellationToken));

        await cursor.SaveAsync(log[4], TestContext.Current.CancellationToken);
        Assert.Equal(5, await cursor.LoadAsync(store, TestContext.Current.CancellationToken));

        await cursor.SaveAsync(log[4] with { Hash = new byte[32] }, TestContext.Current.CancellationToken);
        Assert.Equal(0, await cursor.LoadAsync(store, TestContext.Current.CancellationToken));
        await cursor.SaveAsync(log[4] with { Position = 1_000_000 }, TestContext.Current.CancellationToken);
        Assert.Equal(0, await cursor.LoadAsync(store, TestContext.Current.CancellationToken));

        await File.WriteAllTextAsync(path, "{", TestContext.Current.CancellationToken);
        Assert.Equal("cursor_unreadable", (await Assert.ThrowsAsync<StoreRefusedException>(() => cursor.LoadAsync(store, TestContext.Current.CancellationToken))).Code);
    }

    [Fact]
    public async Task An_index_that_is_behind_degrades_and_fails_nothing()
    {
        var options = new SignalboxTelemetryOptions();
        Assert.Equal(HealthStatus.Healthy, (await new IndexHealth(options).CheckHealthAsync(new(), TestContext.Current.CancellationToken)).Status);
        Assert.Equal(HealthStatus.Healthy, (await new IndexHealth(options, new Index(TimeSpan.FromSeconds(1))).CheckHealthAsync(new(), TestContext.Current.CancellationToken)).Status);
        Assert.Equal(HealthStatus.Degraded, (await new IndexHealth(options, new Index(TimeSpan.FromHours(1))).CheckHealthAsync(new(), TestContext.Current.CancellationToken)).Status);
    }

    [Fact]
    public async Task Spans_of_runs_that_were_forgotten_are_made_again()
    {
        await using var app = await StartAsync(_ => { });
        await TracedWorld.StartRunsAsync(app.Services, 10);
        var store = app.Services.GetRequiredService<IRunStore>();
        await TracedWorld.UntilEndedAsync(store);
        var (few, many) = (new List<EndedSpan>(), new List<EndedSpan>());
        var (forgetful, mindful) = (new RunFolds(store, runsMax: 2), new RunFolds(store));
        foreach (var entry in await store.ReadLogAsync(0, 10_000, TestContext.Current.CancellationToken))
        {
            await forgetful.AddAsync(entry, few, TestContext.Current.CancellationToken);
            await mindful.AddAsync(entry, many, TestContext.Current.CancellationToken);
        }

        Assert.True(many.Count > 50);
        Assert.Equal(many.Select(e => (e.Span.Id, e.Span.StartedAt, e.Span.EndedAt, e.Workflow)), few.Select(e => (e.Span.Id, e.Span.StartedAt, e.Span.EndedAt, e.Workflow)));
    }

    private sealed class RoleOfHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory log, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, log, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            Request.Headers.TryGetValue("X-Role", out var role)
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new System.Security.Claims.Claim(ClaimTypes.Role, role.ToString())], "test")), "test"))
                : AuthenticateResult.NoResult());
    }

    private sealed class Index(TimeSpan behind) : ISearchIndex
    {
        public ValueTask<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IndexStatus> StatusAsync(CancellationToken cancellationToken) => ValueTask.FromResult(new IndexStatus(1, 2, behind, true, 0));

        public ValueTask<Statistics> StatisticsAsync(StatisticsQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
