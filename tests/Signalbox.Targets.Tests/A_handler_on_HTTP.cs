using Signalbox.Targets.Tests.Http;
using Signalbox.Targets.Tests.Server;

namespace Signalbox.Targets.Tests;

/// <summary>What the engine is told when a server misbehaves, and what the server's log says that it did.</summary>
public sealed class A_handler_on_HTTP(ServerProcess server) : IClassFixture<ServerProcess>, IDisposable
{
    private readonly HttpClient _http = HttpTargets.Client(server.Url);

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData(nameof(HttpFault.Refuse), "PUT blocks/Refuse was answered 503 'out of order'", ObservationKind.NotSo)]
    [InlineData(nameof(HttpFault.FailAfter), "PUT blocks/FailAfter was answered 500 'something went wrong'", ObservationKind.So)]
    [InlineData(nameof(HttpFault.CutBefore), "An error occurred while sending the request.", ObservationKind.NotSo)]
    [InlineData(nameof(HttpFault.CutAfter), "An error occurred while sending the request.", ObservationKind.So)]
    [InlineData(nameof(HttpFault.Flood), "the configured maximum buffer size: 65536", ObservationKind.So)]
    public async Task Fails_and_a_look_tells_what_became_of_it(string fault, string error, ObservationKind seen)
    {
        await server.PlantAsync(Enum.Parse<HttpFault>(fault), "blocks", fault);
        var handler = new HttpBlockHandler(_http);
        var context = Context("block-" + fault);
        var e = await Assert.ThrowsAsync<HttpRequestException>(() => handler.ExecuteAsync(new BlockHost(fault), context, default));
        Assert.Contains(error, e.Message, StringComparison.Ordinal);
        Assert.Equal(seen, (await handler.ProbeAsync(new BlockHost(fault), context, default)).Kind);
        Assert.Equal(seen == ObservationKind.So ? 1 : 0, server.Of("blocks", fault).Count);
    }

    [Fact]
    public async Task Is_told_that_it_went_well_by_a_server_that_lies_and_a_look_tells_that_it_did_not()
    {
        await server.PlantAsync(HttpFault.Lie, "blocks", "lie");
        var handler = new HttpBlockHandler(_http);
        Assert.Equal("PUT blocks/lie was answered 200 'done'", await handler.ExecuteAsync(new BlockHost("lie"), Context("lie"), default));
        Assert.Equal(Observation.NotSo("the firewall does not block lie"), await handler.ProbeAsync(new BlockHost("lie"), Context("lie"), default));
    }

    [Fact]
    public async Task Sends_one_mail_where_the_connection_breaks_that_it_had_used_before()
    {
        // HttpClient repeats by itself what it believes the server has not read.
        var handler = new HttpMailHandler(_http);
        await handler.ExecuteAsync(new SendMail("warm@example.org", "hello"), Context("warm"), default);
        await server.PlantAsync(HttpFault.CutAfter, "mails", "cut@example.org");
        await Assert.ThrowsAsync<HttpRequestException>(() => handler.ExecuteAsync(new SendMail("cut@example.org", "hello"), Context("cut"), default));
        Assert.Single(server.Of("mails", "cut@example.org"));
    }

    [Fact]
    public async Task Does_not_delete_a_rule_that_is_anothers_by_now()
    {
        var handler = new HttpRuleHandler(_http);
        await handler.ExecuteAsync(new SetRule("shared", "deny all"), Context("rule"), default);
        await server.ByHandAsync(HttpMethod.Put, "rules", "shared", "allow all");
        Assert.Equal("it is not so", await handler.UndoAsync(new SetRule("shared", "deny all"), Context("undo"), default));
        Assert.Equal("allow all", server.Find("rules", "shared"));
    }

    [Fact]
    public async Task Changes_a_rule_as_it_was_seen()
    {
        var handler = new HttpRuleHandler(_http);
        await server.ByHandAsync(HttpMethod.Put, "rules", "changed", "allow all");
        var action = new SetRule("changed", "deny all");
        Assert.Equal(ObservationKind.NotSo, (await handler.ProbeAsync(action, Context("change"), default)).Kind);
        Assert.Equal("PUT rules/changed was answered 200 'done'", await handler.ExecuteAsync(action, Context("change"), default));
        Assert.Equal("deny all", server.Find("rules", "changed"));
    }

    [Fact]
    public async Task Is_told_that_its_epoch_is_over()
    {
        var handler = new HttpRuleHandler(_http);
        var context = Context("late");
        await handler.ProbeAsync(new SetRule("late", "deny all"), context with { Epoch = 3 }, default);
        var e = await Assert.ThrowsAsync<HttpRequestException>(() => handler.ExecuteAsync(new SetRule("late", "deny all"), context with { Epoch = 2 }, default));
        Assert.Equal("PUT rules/late was answered 409 'the fence stands at 3'", e.Message);
    }

    internal static ActionContext Context(string id) => new(id, new RunId("r-1"), 1, 1, DateTimeOffset.UnixEpoch);
}
