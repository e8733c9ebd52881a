using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;

namespace Signalbox.Server.Tests;

public sealed class The_dashboards_frame : IAsyncLifetime
{
    private WebApplication _app = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddSignalboxServer();
        _app = builder.Build();
        _app.MapSignalbox("/ops/agents");
        await _app.StartAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task Links_below_its_prefix()
    {
        using var client = _app.GetTestClient();
        var page = await client.GetStringAsync("/ops/agents/", TestContext.Current.CancellationToken);

        Assert.Contains("href=\"/ops/agents/approvals\"", page, StringComparison.Ordinal);
        Assert.StartsWith("<!DOCTYPE html>", page.TrimStart(), StringComparison.Ordinal);
        Assert.Contains("<h1>Runs</h1>", page, StringComparison.Ordinal);
        var sheet = System.Text.RegularExpressions.Regex.Match(page, "href=\"(/ops/agents/assets/site.css\\?v=[0-9a-f]+)\"").Groups[1].Value;
        using var answer = await client.GetAsync(sheet, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("immutable", answer.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }
}
