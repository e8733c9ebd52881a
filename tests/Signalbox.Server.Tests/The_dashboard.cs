using System.Net;

namespace Signalbox.Server.Tests;

public sealed class The_dashboard
{
    [Fact]
    public async Task Answers_with_a_page()
    {
        await using var world = await ServerWorld.StartAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));

        using var answer = await client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("<h1>Runs</h1>", await answer.TextAsync(), StringComparison.Ordinal);
    }
}
