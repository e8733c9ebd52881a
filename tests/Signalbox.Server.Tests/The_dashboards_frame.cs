using System.Net;

namespace Signalbox.Server.Tests;

public sealed class The_dashboards_frame
{
    [Fact]
    public async Task Links_below_its_prefix()
    {
        await using var world = await ServerWorld.StartAsync(prefix: "/ops/agents");
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));
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
