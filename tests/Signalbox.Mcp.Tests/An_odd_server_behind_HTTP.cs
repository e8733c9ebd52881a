namespace Signalbox.Mcp.Tests;

public sealed class An_odd_server_behind_HTTP
{
    private int _asked;

    private McpServer Server(OddWebServer web, McpServerOptions? options = null) => new McpServer(
        "web",
        McpTransport.Http(web.Endpoint, _ => new(new Dictionary<string, string> { ["Authorization"] = $"Bearer {Interlocked.Increment(ref _asked)}" })),
        options).Read("echo").Read("huge");

    [Fact]
    public async Task Is_sent_a_header_that_is_read_for_each_request()
    {
        using var web = new OddWebServer();
        await using var server = Server(web);

        Assert.Equal("echo", await server.InvokeAsync("echo"));

        Assert.Equal(web.Authorizations.Count, web.Authorizations.Distinct().Count());
        Assert.All(web.Authorizations, a => Assert.StartsWith("Bearer ", a, StringComparison.Ordinal));
        Assert.InRange(web.Authorizations.Count, 4, 10);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whose_answer_is_too_large_fails_that_call_alone(bool usesEvents)
    {
        using var web = new OddWebServer { UsesEvents = usesEvents };
        await using var server = Server(web, new() { AnswerBytesMax = 100_000 });

        var failed = await Assert.ThrowsAsync<McpToolException>(() => server.InvokeAsync("huge"));

        Assert.Equal("Tool 'huge' of MCP server 'web' failed: its answer has more than 100000 bytes and was not read", failed.Message);
        Assert.Equal("echo", await server.InvokeAsync("echo"));
        Assert.Equal(1, web.Greetings);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(401)]
    [InlineData(503)]
    public async Task That_refuses_a_call_fails_it_and_is_greeted_again_at_the_next_use(int status)
    {
        using var web = new OddWebServer();
        await using var server = Server(web);
        Assert.Equal("echo", await server.InvokeAsync("echo"));
        web.Status = status;

        var failed = await Assert.ThrowsAsync<ToolUnavailableException>(() => server.InvokeAsync("echo"));

        Assert.StartsWith($"MCP server 'web' ended with HTTP status {status} while 'echo' was called; ", failed.Message, StringComparison.Ordinal);
        web.Status = 200;
        Assert.Equal("echo", await server.InvokeAsync("echo"));
        Assert.Equal(2, web.Greetings);
    }

    [Fact]
    public async Task That_sends_its_client_elsewhere_is_not_followed()
    {
        using var other = new OddWebServer();
        using var web = new OddWebServer { Redirect = other.Endpoint };
        await using var server = Server(web);

        var refusal = await server.RefusalAsync("echo");

        Assert.Equal("server_unavailable", refusal.Code);
        Assert.Contains("307", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Bearer", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(other.Authorizations);
    }

    [Fact]
    public async Task Is_unavailable_while_its_headers_cannot_be_had()
    {
        using var web = new OddWebServer();
        var isHad = true;
        await using var server = new McpServer("web", McpTransport.Http(web.Endpoint, _ => isHad
            ? new(new Dictionary<string, string>())
            : throw new InvalidOperationException("the token was s3cret"))).Read("echo");
        Assert.Equal("echo", await server.InvokeAsync("echo"));
        isHad = false;

        var failed = await Assert.ThrowsAsync<ToolUnavailableException>(() => server.InvokeAsync("echo"));

        Assert.StartsWith("MCP server 'web' ended with no headers (InvalidOperationException) while 'echo' was called; ", failed.Message, StringComparison.Ordinal);
        Assert.Equal("MCP server 'web' cannot be reached: its headers cannot be had (InvalidOperationException).", (await server.RefusalAsync("echo")).Message);
        isHad = true;
        Assert.Equal("echo", await Use.EventuallyAsync(() => server.InvokeAsync("echo"), until: _ => true));
    }
}
