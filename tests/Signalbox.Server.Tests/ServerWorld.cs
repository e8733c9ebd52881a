using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.Server.Tests;

/// <summary>Keys in memory, made and taken back by tests.</summary>
internal sealed class MemoryKeys(TimeProvider clock) : IKeySource
{
    private volatile IReadOnlyList<ApiKey> _keys = [];

    public string Place => "memory";

    public IReadOnlyList<ApiKey> Keys() => _keys;

    public string Add(string name, params string[] roles) => Add(name, isMachine: false, expiresAt: null, roles);

    public string Add(string name, bool isMachine, DateTimeOffset? expiresAt, params string[] roles)
    {
        var (key, text) = ApiKey.Create(Entropy.System, name, isMachine, roles, clock.GetUtcNow(), expiresAt);
        _keys = [.. _keys, key];
        return text;
    }

    public void Revoke(string name) => _keys = [.. _keys.Select(k => k.Name == name ? k with { RevokedAt = clock.GetUtcNow() } : k)];
}

/// <summary>A server in memory, over a store of its own, with the API and the dashboard.</summary>
internal sealed class ServerWorld : IAsyncDisposable
{
    private ServerWorld(WebApplication app) => App = app;

    public WebApplication App { get; }

    public MemoryKeys Keys => (MemoryKeys)App.Services.GetRequiredService<IKeySource>();

    public RunClient Client => App.Services.GetRequiredService<RunClient>();

    public TestServer Server => App.GetTestServer();

    /// <summary>Starts one. Where nothing brings runs, the store is in memory, and has none.</summary>
    public static async Task<ServerWorld> StartAsync(
        Action<SignalboxServerOptions>? options = null, Action<SignalboxBuilder>? signalbox = null, Action<WebApplicationBuilder>? configure = null, string prefix = "", string environment = "Production", IPAddress? remote = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddSingleton<TimeProvider>(TimeProvider.System);
        if (signalbox is not null)
        {
            builder.Services.AddSignalbox(signalbox);
        }
        else
        {
            var store = new InMemoryRunStore();
            builder.Services.AddSingleton<IRunReader>(store);
            builder.Services.AddSingleton<IRunControl>(new OwnControl(store));
            builder.Services.AddSingleton(new LogTail(store, TimeProvider.System));
            builder.Services.AddSingleton(new RunQueries(store, TimeProvider.System));
        }

        configure?.Invoke(builder);
        builder.Services.TryAddSingleton<IKeySource>(s => new MemoryKeys(s.GetRequiredService<TimeProvider>()));
        builder.Services.AddSignalboxServer(o =>
        {
            o.RequestsPerMinute = 1_000_000;
            o.LoginsPerMinute = 1_000_000;
            options?.Invoke(o);
        });
        if (remote is not null)
        {
            builder.Services.AddSingleton<IStartupFilter>(new RemoteAddress(remote));
        }

        var app = builder.Build();
        app.MapSignalbox(prefix);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new(app);
    }

    /// <summary>A program that brings a key.</summary>
    public HttpClient As(string? key)
    {
        var client = Server.CreateClient();
        if (key is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return client;
    }

    /// <summary>A browser: it keeps cookies, and follows no redirect by itself.</summary>
    public Browser Browser() => new(Server.CreateHandler());

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
    }
}

/// <summary>Where requests seem to come from: the server in memory has no connections.</summary>
internal sealed class RemoteAddress(IPAddress address) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, inner) =>
        {
            context.Connection.RemoteIpAddress = address;
            return inner(context);
        });
        next(app);
    };
}

/// <summary>What a browser does with cookies and forms.</summary>
internal sealed class Browser(HttpMessageHandler handler) : IDisposable
{
    private readonly HttpClient _client = new(handler) { BaseAddress = new Uri("http://localhost") };

    public Dictionary<string, string> Cookies { get; } = [];

    public List<string> SetCookies { get; } = [];

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<HttpResponseMessage> PostAsync(string path, params (string Name, string Value)[] fields) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(fields.Select(f => new KeyValuePair<string, string>(f.Name, f.Value))) });

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        if (Cookies.Count > 0)
        {
            request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(c => $"{c.Key}={c.Value}")));
        }

        var answer = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        foreach (var cookie in answer.Headers.TryGetValues("Set-Cookie", out var set) ? set : [])
        {
            SetCookies.Add(cookie);
            var (name, value) = (cookie[..cookie.IndexOf('=')], cookie[(cookie.IndexOf('=') + 1)..].Split(';')[0]);
            if (value.Length == 0)
            {
                Cookies.Remove(name);
            }
            else
            {
                Cookies[name] = value;
            }
        }

        return answer;
    }

    /// <summary>The antiforgery token on a page.</summary>
    public async Task<string> TokenOfAsync(string path)
    {
        const string Before = "name=\"__RequestVerificationToken\" value=\"";
        var page = await (await GetAsync(path)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var at = page.IndexOf(Before, StringComparison.Ordinal);
        Assert.True(at > 0, page);
        return page[(at + Before.Length)..].Split('"')[0];
    }

    public async Task<HttpResponseMessage> LogInAsync(string key, string back = "", string prefix = "") =>
        await PostAsync(prefix + "/login", ("__RequestVerificationToken", await TokenOfAsync(prefix + "/login")), ("key", key), ("back", back));

    public void Dispose() => _client.Dispose();
}

internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer)
    {
        using var json = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        return json.RootElement.Clone();
    }

    public static Task<string> TextAsync(this HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    /// <summary>The stable code of a problem, with its status looked at.</summary>
    public static async Task<string> CodeAsync(this HttpResponseMessage answer, HttpStatusCode status)
    {
        var text = await answer.TextAsync();
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode} in place of {(int)status}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var json = JsonDocument.Parse(text).RootElement;
        Assert.Equal((int)status, json.GetProperty("status").GetInt32());
        return json.GetProperty("code").GetString()!;
    }
}
