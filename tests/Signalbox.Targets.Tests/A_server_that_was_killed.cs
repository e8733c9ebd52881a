using Signalbox.Targets.Tests.Http;
using Signalbox.Targets.Tests.Server;

namespace Signalbox.Targets.Tests;

/// <summary>What a target promises it must keep over its own death, or its class is another.</summary>
public sealed class A_server_that_was_killed : IAsyncLifetime
{
    private readonly ServerProcess _server = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Still_knows_the_keys_that_it_answered_and_the_epochs_that_it_saw()
    {
        var (host, rule) = (new BlockHost("192.0.2.7"), new SetRule("a", "deny all"));
        var context = A_handler_on_HTTP.Context("a-1");
        using (var http = HttpTargets.Client(_server.Url))
        {
            await new HttpBlockHandler(http).ExecuteAsync(host, context, default);
            await new HttpRuleHandler(http).ProbeAsync(rule, context with { Epoch = 2 }, default);
            await _server.ByHandAsync(HttpMethod.Delete, "blocks", host.Host);
        }

        await _server.KillAsync();
        await _server.StartAsync();

        using var again = HttpTargets.Client(_server.Url);
        Assert.Equal("PUT blocks/192.0.2.7 was answered 201 'answered before'", await new HttpBlockHandler(again).ExecuteAsync(host, context with { Attempt = 2 }, default));
        Assert.Equal(ObservationKind.NotSo, (await new HttpBlockHandler(again).ProbeAsync(host, context, default)).Kind);
        await Assert.ThrowsAsync<HttpRequestException>(() => new HttpRuleHandler(again).ExecuteAsync(rule, context, default));
        Assert.Empty(_server.Of("rules", "a"));
    }

    [Fact]
    public async Task Cuts_off_a_line_that_it_did_not_finish()
    {
        using (var http = HttpTargets.Client(_server.Url))
        {
            await new HttpBlockHandler(http).ExecuteAsync(new BlockHost("192.0.2.7"), A_handler_on_HTTP.Context("a-1"), default);
        }

        await _server.KillAsync();
        await File.AppendAllTextAsync(_server.LogPath, """{"kind":"blocks","resource":"192.0""");
        await _server.StartAsync();

        using var again = HttpTargets.Client(_server.Url);
        await new HttpBlockHandler(again).ExecuteAsync(new BlockHost("192.0.2.8"), A_handler_on_HTTP.Context("a-2"), default);
        Assert.Equal(["192.0.2.7", "192.0.2.8"], _server.Effects.Select(e => e.Resource));
    }
}
