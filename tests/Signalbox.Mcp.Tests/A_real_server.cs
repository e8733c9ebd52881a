using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Signalbox.Mcp.Tests;

/// <summary>The servers from npm, as they are.</summary>
public sealed class A_real_server
{
    public sealed record WriteFile(string Path, string Content);

    [Fact]
    public async Task Reads_a_file_and_refuses_one_outside_its_folder()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.txt"), "hello");
        await using var files = new McpServer("files", Npm.FilesystemTransport(folder)).Read("read_text_file");

        var answer = Assert.IsType<JsonElement>(await files.InvokeAsync("read_text_file", new { path = folder.File("a.txt") }));
        Assert.Equal("""{"content":"hello"}""", answer.GetRawText());

        var refused = await Assert.ThrowsAsync<McpToolException>(() => files.InvokeAsync("read_text_file", new { path = "/etc/passwd" }));
        Assert.StartsWith("Tool 'read_text_file' of MCP server 'files' failed: Access denied", refused.Message, StringComparison.Ordinal);
        var wrong = await Assert.ThrowsAsync<McpToolException>(() => files.InvokeAsync("read_text_file", new { file = "a.txt" }));
        Assert.Contains("Invalid", wrong.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Carries_out_an_action_through_its_handler()
    {
        using var folder = new TempFolder();
        await using var files = new McpServer("files", Npm.FilesystemTransport(folder)).Act<WriteFile>("write_file", alias: "save");

        var declaration = await files.FindAsync("save");
        Assert.IsNotType<AIFunction>(declaration, exactMatch: false); // it can be declared to a model, not called by itself
        Assert.Equal(["path", "content"], declaration.JsonSchema.GetProperty("properties").EnumerateObject().Select(p => p.Name));
        Assert.StartsWith("Create a new file or completely overwrite", declaration.Description, StringComparison.Ordinal);

        var answer = await files.CallAsync("write_file", new WriteFile(folder.File("b.txt"), "done"));
        Assert.Equal($"Successfully wrote to {folder.File("b.txt")}", answer.Text);
        Assert.Equal("done", await File.ReadAllTextAsync(folder.File("b.txt")));
    }

    [Fact]
    public async Task Hints_and_a_contradicted_declaration_is_logged_once_and_stands()
    {
        using var folder = new TempFolder();
        var log = new KeptLog();
        await using var files = new McpServer("files", Npm.FilesystemTransport(folder), new() { Logger = log }).Read("write_file").Read("read_text_file");

        await files.FindAsync("write_file");
        await files.FindAsync("write_file");
        await files.FindAsync("read_text_file");

        Assert.Equal(["Tool 'write_file' of MCP server 'files' is declared a read, but the server hints that it is destructive"], log.Warnings);
    }

    [Fact]
    public async Task Has_only_the_tools_that_were_declared()
    {
        await using var everything = new McpServer("everything", Npm.EverythingTransport()).Read("echo", alias: "say").Read("fly");
        Assert.Empty(everything.Undeclared);

        Assert.Equal("say", (await everything.FindAsync("say")).Name);
        var missing = await everything.RefusalAsync("fly");
        Assert.Equal("tool_missing", missing.Code);
        Assert.StartsWith("MCP server 'everything' has no tool 'fly'. It has: echo, get-annotated-message, ", missing.Message, StringComparison.Ordinal);
        Assert.Contains("get-env", everything.Undeclared);
        Assert.DoesNotContain("echo", everything.Undeclared);
        var undeclared = await Assert.ThrowsAsync<ArgumentException>(() => everything.CallAsync("get-env"));
        Assert.StartsWith("Nobody declared a tool 'get-env' of MCP server 'everything'. Declared: echo, fly.", undeclared.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_a_hundred_calls_at_once_over_one_process()
    {
        using var folder = new TempFolder(); // its name marks the process
        await using var everything = new McpServer("everything", Npm.EverythingTransport(folder.Path)).Read("echo");

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => everything.InvokeAsync("echo", new { message = $"m{i}" })));

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"Echo: m{i}"), answers);
        Assert.Single(Processes.With(folder.Path));
    }

    [Fact]
    public async Task Answers_text_as_text_data_as_data_and_describes_an_image()
    {
        await using var everything = new McpServer("everything", Npm.EverythingTransport()).Read("get-structured-content").Read("get-tiny-image").Read("get-resource-reference");

        var weather = Assert.IsType<JsonElement>(await everything.InvokeAsync("get-structured-content", new { location = "Chicago" }));
        Assert.Equal(82, weather.GetProperty("humidity").GetInt32());
        var image = Assert.IsType<string>(await everything.InvokeAsync("get-tiny-image"));
        Assert.Matches(@"\[image: image/png, \d+ bytes\]", image);
        Assert.InRange(image.Length, 10, 300);
        var file = Assert.IsType<string>(await everything.InvokeAsync("get-resource-reference", new { resourceType = "Blob", resourceId = 1 }));
        Assert.Matches(@"\[resource: \S+, \S+, \d+ bytes\]", file);
    }

    [Fact]
    public async Task Is_told_when_a_call_is_canceled_and_goes_on()
    {
        await using var everything = new McpServer("everything", Npm.EverythingTransport()).Read("echo").Read("trigger-long-running-operation");
        using var cancel = new CancellationTokenSource();
        var call = everything.InvokeAsync("trigger-long-running-operation", new { duration = 600, steps = 1 }, cancel.Token);
        await everything.InvokeAsync("echo", new { message = "so it has read the call before" });

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal("Echo: on", await everything.InvokeAsync("echo", new { message = "on" }));
    }

    [Fact]
    public async Task That_is_killed_in_mid_call_fails_the_call_at_once_and_is_started_again_at_the_next_use()
    {
        using var folder = new TempFolder();
        await using var everything = new McpServer("everything", Npm.EverythingTransport(folder.Path)).Read("echo").Read("trigger-long-running-operation");
        var call = everything.InvokeAsync("trigger-long-running-operation", new { duration = 600, steps = 1 });
        await everything.InvokeAsync("echo", new { message = "so it has read the call before" });
        var first = Assert.Single(Processes.With(folder.Path));

        Processes.Kill(first);

        var failed = await Assert.ThrowsAsync<ToolUnavailableException>(() => call);
        Assert.Equal("server_unavailable", failed.Code);
        Assert.StartsWith("MCP server 'everything' ended with exit code 137, after it wrote: ", failed.Message, StringComparison.Ordinal);
        Assert.EndsWith(
            " while 'trigger-long-running-operation' was called; whether the call took effect is not known. The server is connected anew at the next use.", failed.Message, StringComparison.Ordinal);
        Assert.Equal("Echo: back", await everything.InvokeAsync("echo", new { message = "back" }));
        Assert.NotEqual(first, Assert.Single(Processes.With(folder.Path)));
    }

    [Fact]
    public async Task May_speak_the_newest_revision_of_the_protocol()
    {
        using var folder = new TempFolder();
        await using var server = new McpServer("newest", OddServer.Transport(folder, "newest")).Read("shout").Read("fail");

        Assert.Equal("hey!", await server.InvokeAsync("shout", new { message = "hey" }));
        Assert.StartsWith("Tool 'fail' of MCP server 'newest' failed: An error occurred", (await Assert.ThrowsAsync<McpToolException>(() => server.InvokeAsync("fail"))).Message, StringComparison.Ordinal);
        Assert.Equal("hey!", await server.InvokeAsync("shout", new { message = "hey" }));
    }

    [Fact]
    public async Task Is_gone_after_disposal()
    {
        using var folder = new TempFolder();
        var everything = new McpServer("everything", Npm.EverythingTransport(folder.Path)).Read("echo");
        await everything.FindAsync("echo");
        Assert.Single(Processes.With(folder.Path));

        await everything.DisposeAsync();
        await everything.DisposeAsync();

        Assert.Empty(Processes.With(folder.Path));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => everything.FindAsync("echo"));
    }

    [Fact]
    public async Task Behind_HTTP_is_used_the_same_way_and_again_after_it_forgot_the_session()
    {
        var port = Npm.FreePort();
        var asked = 0;
        using var first = await Npm.StartHttpAsync(port);
        await using var everything = new McpServer(
            "web",
            McpTransport.Http(new Uri($"http://127.0.0.1:{port}/mcp"), _ =>
            {
                Interlocked.Increment(ref asked);
                return new(new Dictionary<string, string> { ["Authorization"] = "Bearer t" });
            }),
            new() { ConnectWithin = TimeSpan.FromSeconds(20) }).Read("echo").Read("trigger-long-running-operation");
        try
        {
            Assert.Equal("Echo: over HTTP", await everything.InvokeAsync("echo", new { message = "over HTTP" }));
            Assert.InRange(asked, 3, 20); // each request asks for its headers
            var error = await Assert.ThrowsAsync<McpToolException>(() => everything.InvokeAsync("echo", new { }));
            Assert.Contains("nvalid", error.Text, StringComparison.Ordinal);

            var call = everything.InvokeAsync("trigger-long-running-operation", new { duration = 600, steps = 1 });
            await everything.InvokeAsync("echo", new { message = "so it has read the call before" });
            first.Kill();
            var failed = await Assert.ThrowsAsync<ToolUnavailableException>(() => call);
            Assert.Equal("server_unavailable", failed.Code);
        }
        finally
        {
            first.Kill();
        }

        var away = await everything.RefusalAsync("echo");
        Assert.StartsWith("MCP server 'web' cannot be reached: ", away.Message, StringComparison.Ordinal);
        using var second = await Npm.StartHttpAsync(port);
        try
        {
            Assert.Equal("Echo: anew", await Use.EventuallyAsync(() => everything.InvokeAsync("echo", new { message = "anew" }), until: _ => true));
        }
        finally
        {
            second.Kill();
        }
    }
}
