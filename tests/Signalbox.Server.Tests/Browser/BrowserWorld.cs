using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.InABrowser;

/// <summary>One server and one browser for all tests that look at pages as people do; those tests run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class InTheBrowser : ICollectionFixture<BrowserWorld>
{
    public const string Name = "in the browser";
}

/// <summary>
/// A server on a port of this machine, with a worker, a store in a folder of its own and a key for each role, and a real Chromium that reaches nothing else.
/// </summary>
public sealed class BrowserWorld : IAsyncLifetime
{
    /// <summary>How long a test waits for what the browser or the server is to do.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly string s_chromium = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("signalbox-browser-");
    private readonly Dictionary<string, string> _states = [];
    private readonly EventCut _cut = new();
    private MemoryKeys _keys = null!;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private WebApplication? _app;

    public string Url { get; private set; } = "";

    public Gates Gates { get; } = new();

    public ShutHandler Target { get; } = new();

    public WebApplication App => _app!;

    public RunClient Client => App.Services.GetRequiredService<RunClient>();

    public RunQueries Queries => App.Services.GetRequiredService<RunQueries>();

    internal EventCut Events => _cut;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(s_chromium))
        {
            return;
        }

        _app = Build();
        _app.MapSignalbox();
        await _app.StartAsync();
        Url = _app.Urls.First();
        Assertions.SetDefaultExpectTimeout((float)Limit.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = s_chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--no-first-run", "--font-render-hinting=none", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
        });
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddSingleton(TimeProvider.System);
        _keys = new MemoryKeys(TimeProvider.System);
        builder.Services.AddSingleton<IKeySource>(_keys);
        builder.Services.AddSingleton(Gates);
        builder.Services.AddSingleton(Target);
        builder.Services.AddSingleton<IStartupFilter>(_cut);
        builder.Services.AddSignalbox(box => box
            .AddWorkflow<CrossingWork>()
            .AddModel("fast-1", CrossingWork.Model("fast-1", 0.55), new() { Price = new Price(1, 5) })
            .AddModel("strong-1", CrossingWork.Model("strong-1", 0.93), new() { Price = new Price(3, 15) })
            .UseLadder(new Ladder(new Tier("fast", "fast-1"), new Tier("strong", "strong-1")))
            .AddTool(CrossingWork.Neighbours)
            .AddAction<ShutAddress, ShutHandler>("shut_address")
            .UseSqlite(Path.Combine(_folder.FullName, "signalbox.db")));
        builder.Services.AddSignalboxServer(o => (o.RequestsPerMinute, o.LoginsPerMinute, o.StreamsMax, o.StreamsPerCallerMax) = (1_000_000, 1_000_000, 1000, 1000));
        return builder.Build();
    }

    /// <summary>A key of somebody in these roles.</summary>
    public string Key(string name, params string[] roles) => _keys.Add(name, roles);

    /// <summary>A window in which somebody has logged in, on a page of the dashboard. Without a role nobody has.</summary>
    public async Task<Tab> OpenAsync(string path, string? role = ServerRoles.Viewer, BrowserNewContextOptions? options = null)
    {
        options ??= new();
        options.ViewportSize ??= new() { Width = 1280, Height = 800 };
        options.StorageState = role is null ? null : await StateAsync(role);
        var tab = await TabAsync(Url, options);
        await tab.GoAsync(path);
        return tab;
    }

    /// <summary>A window on any server of this machine.</summary>
    public async Task<Tab> TabAsync(string url, BrowserNewContextOptions options)
    {
        Assert.SkipUnless(_browser is not null, $"There is no Chromium at {s_chromium}: install Debian's package chromium, or say in CHROMIUM where it is.");
        var context = await _browser.NewContextAsync(options);
        context.SetDefaultTimeout((float)Limit.TotalMilliseconds);
        return new Tab(await context.NewPageAsync(), url);
    }

    /// <summary>Logs in once for each role, by the API that a form posts to, and keeps the cookies.</summary>
    private async Task<string> StateAsync(string role)
    {
        if (_states.TryGetValue(role, out var state))
        {
            return state;
        }

        await using var tab = await TabAsync(Url, new());
        await tab.GoAsync("/login");
        await tab.LogInAsync(Key(role, role));
        return _states[role] = await tab.Page.Context.StorageStateAsync();
    }

    public async Task<RunId> StartAsync(Errand errand, string address = "192.0.2.7", IReadOnlyDictionary<string, string>? labels = null) =>
        (await Client.StartAsync("crossing", new CrossingCase(errand, address), labels: labels)).Run;

    /// <summary>A run that has come to where it waits, or to its end.</summary>
    public async Task<RunId> SettledAsync(Errand errand, string address = "192.0.2.7", IReadOnlyDictionary<string, string>? labels = null)
    {
        var run = await StartAsync(errand, address, labels);
        await Client.WaitUntilAsync(run, row => row.Status == RunStatus.Waiting || !row.IsOpen).WaitAsync(Limit, TestContext.Current.CancellationToken);
        return run;
    }

    public Task EndAsync(RunId run) => Client.WaitForEndAsync(run).WaitAsync(Limit, TestContext.Current.CancellationToken);

    /// <summary>The question that a run asks now.</summary>
    public async Task<OpenWait> QuestionAsync(RunId run)
    {
        var head = await Client.WaitUntilSettledAsync(run).WaitAsync(Limit, TestContext.Current.CancellationToken);
        return head.Waits.Single(w => w.Kind == WaitKind.Approval);
    }

    /// <summary>The patterns of all pages: what is read with GET and is neither for programs nor an asset.</summary>
    public IReadOnlyList<string> PagePatterns() =>
    [
        .. App.Services.GetServices<EndpointDataSource>().Concat(((IEndpointRouteBuilder)App).DataSources).SelectMany(s => s.Endpoints).OfType<RouteEndpoint>().Distinct()
            .Where(e => e.Metadata.GetMetadata<SignalboxRoute>() is not null && e.Metadata.GetMetadata<ApiRoute>() is null && e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") == true)
            .Select(e => "/" + e.RoutePattern.RawText!.TrimStart('/')).Where(p => !p.StartsWith("/assets/", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal),
    ];

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }
}

/// <summary>Cuts the connections of event streams, and refuses new ones, as a network does that has broken.</summary>
internal sealed class EventCut : IStartupFilter
{
    private readonly ConcurrentDictionary<HttpContext, bool> _open = new();
    private volatile bool _isCut;

    public void Cut()
    {
        _isCut = true;
        foreach (var context in _open.Keys)
        {
            context.Abort();
        }
    }

    public void Mend() => _isCut = false;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, inner) =>
        {
            if (!context.Request.Path.StartsWithSegments("/api/v1/events", StringComparison.Ordinal))
            {
                await inner(context);
                return;
            }

            if (_isCut)
            {
                context.Abort();
                return;
            }

            _open[context] = true;
            try
            {
                await inner(context);
            }
            finally
            {
                _open.TryRemove(context, out _);
            }
        });
        next(app);
    };
}

/// <summary>A window, and everything in it that a developer's console would complain of.</summary>
public sealed partial class Tab : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly string _url;

    public Tab(IPage page, string url)
    {
        (Page, _url) = (page, url);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Enqueue($"{message.Type}: {message.Text} ({message.Location})");
            }
        };
        page.PageError += (_, error) => _complaints.Enqueue($"exception: {error}");
        page.RequestFailed += (_, request) =>
        {
            if (request.Failure != "net::ERR_ABORTED") // what a page that is left had still asked for
            {
                _complaints.Enqueue($"failed: {request.Url} {request.Failure}");
            }
        };
    }

    public IPage Page { get; }

    public IReadOnlyCollection<string> Complaints => _complaints;

    public ILocator Mark => Page.Locator("#live");

    public ILocator Main => Page.Locator("main");

    public ILocatorAssertions Expect(string selector) => Expect(Page.Locator(selector));

    public ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    public Task<IResponse?> GoAsync(string path) => Page.GotoAsync(_url + path);

    public async Task LogInAsync(string key)
    {
        await Page.GetByLabel("Your key").FillAsync(key);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await ReachedAsync("^(?!.*/login)");
    }

    public Task KeyAsync(string key) => Page.Keyboard.PressAsync(key);

    public Task TypeAsync(string text) => Page.Keyboard.TypeAsync(text);

    /// <summary>Completes when the page follows the log.</summary>
    public Task LiveAsync() => Expect(Mark).ToHaveTextAsync("live");

    /// <summary>Completes when the address matches and the page is loaded. It asks again and again: to wait for the navigation itself misses one that is over before the wait begins.</summary>
    public async Task ReachedAsync(string pattern)
    {
        await Assertions.Expect(Page).ToHaveURLAsync(new Regex(pattern), new() { Timeout = 60_000 });
        await LoadedAsync();
    }

    /// <summary>Completes when the scripts of the page that a key led to are at work.</summary>
    public Task LoadedAsync() => Page.WaitForLoadStateAsync();

    public async Task<string> TextAsync() => White().Replace(await Main.InnerTextAsync(), " ");

    /// <summary>By how many pixels the page is wider than its window.</summary>
    public Task<int> TooWideAsync() => Page.EvaluateAsync<int>("() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth");

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();

    [GeneratedRegex(@"\s+")]
    private static partial Regex White();
}
