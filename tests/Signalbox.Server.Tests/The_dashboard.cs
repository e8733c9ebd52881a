using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Xunit;

namespace Signalbox.Server.Tests;

public sealed class The_dashboard
{
    [Fact]
    public async Task Answers_with_a_page()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddSignalboxServer();
        await using var app = builder.Build();
        app.MapSignalbox();
        await app.StartAsync(TestContext.Current.CancellationToken);

        using var answer = await app.GetTestClient().GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("<h1>Runs</h1>", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
