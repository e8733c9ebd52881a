using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Queries;
using Signalbox.Server.Tests.Dashboard;
using Signalbox.Storage;

namespace Signalbox.Server.Tests;

public sealed class The_dashboards_frame
{
    [Fact]
    public async Task Links_below_its_prefix()
    {
        var store = new InMemoryRunStore();
        await using var world = await ServerWorld.StartAsync(prefix: "/ops/agents", configure: builder =>
        {
            builder.Services.AddSingleton<IRunControl>(new HarnessControl(store));
            builder.Services.AddSingleton(new RunQueries(store, TimeProvider.System));
        });
        using var client = world.As(world.Keys.Add("vera", "viewer"));
        var page = await client.GetStringAsync("/ops/agents/", TestContext.Current.CancellationToken);

        Assert.Contains("href=\"/ops/agents/approvals\"", page, StringComparison.Ordinal);
        Assert.StartsWith("<!DOCTYPE html>", page.TrimStart(), StringComparison.Ordinal);
        Assert.Contains("<h1>Runs</h1>", page, StringComparison.Ordinal);
        var sheet = Regex.Match(page, "href=\"(/ops/agents/assets/site.css\\?v=[0-9a-f]+)\"").Groups[1].Value;
        using var anybody = world.As(null);
        using var answer = await anybody.GetAsync(sheet, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("immutable", answer.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }
}
