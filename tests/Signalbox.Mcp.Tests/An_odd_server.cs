using System.Diagnostics;
using System.Text.Json.Nodes;
using Signalbox.Testing;

namespace Signalbox.Mcp.Tests;

public sealed class An_odd_server
{
    [Fact]
    public async Task That_never_greets_is_given_up_when_its_time_is_over_and_killed()
    {
        using var folder = new TempFolder();
        await using var server = new McpServer("mute", OddServer.Transport(folder, "silent"), new() { ConnectWithin = TimeSpan.FromSeconds(1) }).Read("echo");

        var refusal = await server.RefusalAsync("echo");

        Assert.Equal(("server_unavailable", "MCP server 'mute' cannot be reached: it did not greet within 1 s."), (refusal.Code, refusal.Message));
        Assert.False(Processes.IsAlive(Assert.Single(Processes.OddServersOf(folder))));
    }

    [Fact]
    public async Task That_ends_at_once_is_tried_three_times_and_its_last_words_are_shown_harmless()
    {
        using var folder = new TempFolder();
        await using var server = new McpServer("broken", OddServer.Transport(folder, "broken")).Read("echo");

        var refusal = await server.RefusalAsync("echo");

        Assert.Equal("server_unavailable", refusal.Code);
        Assert.Equal("MCP server 'broken' cannot be reached: it ended with exit code 7, after it wrote: no such account\\u001b[2J\\u202e.", refusal.Message);
        Assert.Equal(3, Processes.OddServersOf(folder).Length);
    }

    [Fact]
    public async Task That_writes_a_megabyte_of_complaints_is_quoted_with_its_last_words()
    {
        using var folder = new TempFolder();
        await using var server = new McpServer("babbling", OddServer.Transport(folder, "babbling")).Read("echo");

        var refusal = await server.RefusalAsync("echo");

        Assert.EndsWith("xxthe end.", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(refusal.Message.Length, 500, 700);
    }

    [Fact]
    public async Task That_cannot_be_started_says_so()
    {
        await using var server = new McpServer("nobody", McpTransport.Stdio("no-such-program-here")).Read("echo");

        var refusal = await server.RefusalAsync("echo");

        Assert.StartsWith("MCP server 'nobody' cannot be reached: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("no-such-program-here", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_fails_again_and_again_is_left_alone_for_longer_and_longer()
    {
        using var folder = new TempFolder();
        var clock = new ManualClock();
        await using var server = new McpServer("broken", OddServer.Transport(folder, "broken"), new() { Clock = clock }).Read("echo");

        await AdvanceUntilAsync(clock, server.RefusalAsync("echo")); // attempts 1 to 3; the next is due after 1 s, which a use waits
        await AdvanceUntilAsync(clock, server.RefusalAsync("echo")); // 4, 5, and then 4 s are too long to wait
        var started = Processes.OddServersOf(folder).Length;
        var refusal = await server.RefusalAsync("echo");

        Assert.Matches(@"^MCP server 'broken' cannot be reached: .* \(\d times in a row\); it is tried again from 00:00:\d\d UTC on\.$", refusal.Message);
        Assert.Equal(started, Processes.OddServersOf(folder).Length);
        clock.Advance(TimeSpan.FromMinutes(1));
        await AdvanceUntilAsync(clock, server.RefusalAsync("echo"));
        Assert.NotEqual(started, Processes.OddServersOf(folder).Length);
    }

    [Fact]
    public async Task That_dies_in_mid_call_fails_the_call_with_its_last_words()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "die", "echo");
        await using var server = new McpServer("mortal", OddServer.Transport(folder)).Read("die").Read("echo");

        var failed = await Assert.ThrowsAsync<ToolUnavailableException>(() => server.InvokeAsync("die"));

        Assert.Equal(
            "MCP server 'mortal' ended with exit code 3, after it wrote: out of memory while 'die' was called; whether the call took effect is not known. The server is connected anew at the next use.",
            failed.Message);
        Assert.Equal("""{"a":1}""", await server.InvokeAsync("echo", new { a = 1 }));
        Assert.Equal(2, Processes.OddServersOf(folder).Length);
    }

    [Fact]
    public async Task That_was_killed_between_two_calls_is_started_again()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "echo");
        await using var server = new McpServer("mortal", OddServer.Transport(folder)).Read("echo");
        await server.InvokeAsync("echo");
        var first = Assert.Single(Processes.OddServersOf(folder));

        Processes.Kill(first);
        await Processes.GoneAsync(first);

        Assert.Equal("{}", await server.InvokeAsync("echo"));
        Assert.Equal(2, Processes.OddServersOf(folder).Length);
    }

    [Fact]
    public async Task That_does_not_answer_a_call_fails_it_when_its_time_is_over_and_is_kept()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "hang", "echo");
        using var bell = new Doorbell(folder);
        var clock = new ManualClock();
        await using var server = new McpServer("slow", OddServer.Transport(folder), new() { CallWithin = TimeSpan.FromSeconds(20), Clock = clock }).Read("hang").Read("echo");
        var call = server.InvokeAsync("hang");
        await bell.RungAsync();

        clock.Advance(TimeSpan.FromSeconds(20));

        var failed = await Assert.ThrowsAsync<TimeoutException>(() => call);
        Assert.Equal("Tool 'hang' of MCP server 'slow' did not answer within 20 s.", failed.Message);
        Assert.Equal("{}", await server.InvokeAsync("echo"));
        Assert.Single(Processes.OddServersOf(folder));
    }

    [Fact]
    public async Task That_says_nothing_at_all_for_too_long_is_given_up_and_started_again()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "hang", "echo");
        using var bell = new Doorbell(folder);
        var clock = new ManualClock();
        await using var server = new McpServer("stuck", OddServer.Transport(folder), new() { Clock = clock }).Read("hang").Read("echo");
        var call = server.InvokeAsync("hang");
        await bell.RungAsync();

        clock.Advance(TimeSpan.FromMinutes(1));

        var failed = await Assert.ThrowsAsync<ToolUnavailableException>(() => call);
        Assert.StartsWith("MCP server 'stuck' was given up: it has said nothing for 60 s while 'hang' was called; ", failed.Message, StringComparison.Ordinal);
        Assert.Equal("{}", await AdvanceUntilAsync(clock, server.InvokeAsync("echo")));
        Assert.Equal(2, Processes.OddServersOf(folder).Length);
    }

    [Fact]
    public async Task Does_not_inherit_the_environment()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "environment", "value");
        Environment.SetEnvironmentVariable("SIGNALBOX_TEST_SECRET", "s3cret");
        Environment.SetEnvironmentVariable("SIGNALBOX_TEST_NAMED", "named");
        await using var server = new McpServer(
            "odd",
            OddServer.Transport(folder, inherit: ["SIGNALBOX_TEST_NAMED"], environment: new Dictionary<string, string> { ["SIGNALBOX_TEST_GIVEN"] = "given" })).Read("environment").Read("value");

        var names = Assert.IsType<string>(await server.InvokeAsync("environment")).Split('\n');

        Assert.DoesNotContain("SIGNALBOX_TEST_SECRET", names);
        Assert.Equal("named", await server.InvokeAsync("value", new { name = "SIGNALBOX_TEST_NAMED" }));
        Assert.Equal("given", await server.InvokeAsync("value", new { name = "SIGNALBOX_TEST_GIVEN" }));
        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), await server.InvokeAsync("value", new { name = "PATH" }));
        string[] expected = ["PATH", "HOME", "LANG", "TMPDIR", "TZ", "DOTNET_ROOT", "SIGNALBOX_TEST_NAMED", "SIGNALBOX_TEST_GIVEN"];
        Assert.Empty(names.Except(expected));
    }

    [Fact]
    public async Task Whose_answer_is_too_large_fails_that_call_alone()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "huge", "echo");
        await using var server = new McpServer("huge", OddServer.Transport(folder)).Read("huge").Read("echo");
        await server.FindAsync("huge");
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var failed = await Assert.ThrowsAsync<McpToolException>(() => server.InvokeAsync("huge", new { bytes = 50_000_000 }));

        Assert.Equal("Tool 'huge' of MCP server 'huge' failed: its answer has more than 4194304 bytes and was not read", failed.Message);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 100_000_000); // whole it would be 250 MB by now: bytes, text, JSON; other tests run beside
        Assert.Equal(4_000_000, Assert.IsType<string>(await server.InvokeAsync("huge", new { bytes = 4_000_000 })).Length);
        Assert.Equal("{}", await server.InvokeAsync("echo"));
        Assert.Single(Processes.OddServersOf(folder));
    }

    [Fact]
    public async Task That_writes_garbage_between_its_answers_is_still_understood()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "garbage");
        await using var server = new McpServer("odd", OddServer.Transport(folder)).Read("garbage");

        Assert.Equal("still here", await server.InvokeAsync("garbage"));
    }

    public static TheoryData<string, string> Formless => new()
    {
        { "7", "its answer does not have the form that MCP prescribes" },
        { """{"content":"text"}""", "its answer does not have the form that MCP prescribes" },
        { """{"content":[null]}""", "its answer does not have the form that MCP prescribes" },
        { """{"content":[{"type":"text"}]}""", "its answer does not have the form that MCP prescribes" },
        { """{"content":[{"type":"text","text":"a\u001b[2Jb\nc"}],"isError":true}""", "a\\u001b[2Jb\\nc" },
        { """{"content":[],"isError":true}""", "it gave no reason" },
        { """{"content":[],"structuredContent":{"why":1},"isError":true}""", """{"why":1}""" },
    };

    [Theory]
    [MemberData(nameof(Formless))]
    public async Task Whose_answer_is_an_error_or_none_fails_the_call(string result, string reason)
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "raw");
        await using var server = new McpServer("odd", OddServer.Transport(folder)).Read("raw");

        var failed = await Assert.ThrowsAsync<McpToolException>(() => server.InvokeAsync("raw", new { result = JsonNode.Parse(result) }));

        Assert.Equal($"Tool 'raw' of MCP server 'odd' failed: {reason}", failed.Message);
    }

    public static TheoryData<string, string> Contents => new()
    {
        { """{"content":[]}""", "" },
        { """{}""", "" },
        { """{"content":[{"type":"text","text":"a"},{"type":"audio","mimeType":"audio/wav","data":"AAAA"},{"type":"hologram"}]}""", "a\n[audio: audio/wav, 3 bytes]\n[content of an unknown type: hologram]" },
        { """{"content":[{"type":"resource_link","name":"n\u202e","uri":"file:///x"}]}""", "[link: n\\u202e, file:///x, unnamed]" },
        { """{"content":[{"type":"resource","resource":{"uri":"x:y","text":"inside"}}]}""", "inside" },
        { """{"content":[{"type":"text","text":"kept \u001b as data"}]}""", "kept \u001b as data" },
    };

    [Theory]
    [MemberData(nameof(Contents))]
    public async Task Whose_answer_has_several_parts_is_shown_as_text(string result, string text)
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "raw");
        await using var server = new McpServer("odd", OddServer.Transport(folder)).Read("raw");

        Assert.Equal(text, await server.InvokeAsync("raw", new { result = JsonNode.Parse(result) }));
    }

    [Fact]
    public async Task That_no_longer_knows_a_tool_it_listed_fails_the_call()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "gone");
        await using var server = new McpServer("odd", OddServer.Transport(folder)).Read("gone");

        var failed = await Assert.ThrowsAsync<McpToolException>(() => server.InvokeAsync("gone"));

        Assert.Equal("Tool 'gone' of MCP server 'odd' failed: Unknown tool: gone\\u001b[31m", failed.Message);
    }

    [Fact]
    public async Task That_lists_unfit_tools_has_its_fit_ones_used()
    {
        using var folder = new TempFolder();
        OddServer.Has(
            folder,
            "echo",
            new { name = "list", description = "x", inputSchema = "no schema" },
            new { name = "long", description = new string('x', 70_000), inputSchema = new { } },
            new { name = 7, description = "x" },
            new { name = "e\u001bvil", description = "x" },
            new { name = new string('n', 200) });
        await using var server = new McpServer("odd", OddServer.Transport(folder)).Read("echo").Read("list").Read("long");

        Assert.Equal("{}", await server.InvokeAsync("echo"));
        var refused = await server.RefusalAsync("list");
        Assert.Equal(("definition_unfit", "Tool 'list' of MCP server 'odd' cannot be given to a model: its input schema is no object."), (refused.Code, refused.Message));
        Assert.Contains("at most 65536", (await server.RefusalAsync("long")).Message, StringComparison.Ordinal);
        Assert.Empty(server.Undeclared);
    }

    [Fact]
    public async Task That_does_not_end_when_its_input_is_closed_is_killed()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "echo");
        var server = new McpServer("stubborn", OddServer.Transport(folder, "stubborn"), new() { ShutdownWithin = TimeSpan.FromMilliseconds(200) }).Read("echo");
        await server.InvokeAsync("echo");
        var id = Assert.Single(Processes.OddServersOf(folder));

        await server.DisposeAsync();

        Assert.False(Processes.IsAlive(id));
    }

    [Fact]
    public async Task That_is_disposed_of_in_mid_call_fails_the_call()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "hang");
        using var bell = new Doorbell(folder);
        var server = new McpServer("odd", OddServer.Transport(folder)).Read("hang");
        var call = server.InvokeAsync("hang");
        await bell.RungAsync();

        await server.DisposeAsync();

        await Assert.ThrowsAsync<ToolUnavailableException>(() => call);
        Assert.False(Processes.IsAlive(Assert.Single(Processes.OddServersOf(folder))));
    }

    [Fact]
    public async Task Ends_when_the_process_that_uses_it_is_killed()
    {
        using var folder = new TempFolder();
        OddServer.Has(folder, "hang");
        using var bell = new Doorbell(folder);
        using var victim = Victim.Start(folder);
        await bell.RungAsync();
        var id = Assert.Single(Processes.OddServersOf(folder));
        Assert.True(Processes.IsAlive(id));

        victim.Kill();

        await Processes.GoneAsync(id);
    }

    [Fact]
    public void Is_declared_once_by_each_name()
    {
        var server = new McpServer("odd", McpTransport.Stdio("x")).Read("a");

        Assert.StartsWith("Tool 'a' of MCP server 'odd' is declared twice, or its name 'b' is taken.", Assert.Throws<ArgumentException>(() => server.Read("a", alias: "b")).Message, StringComparison.Ordinal);
        Assert.StartsWith("Tool 'c' of MCP server 'odd' is declared twice, or its name 'a' is taken.", Assert.Throws<ArgumentException>(() => server.Read("c", alias: "a")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => server.Read("c/d"));
        Assert.Equal(["a", "cd"], server.Read("c/d", alias: "cd").Tools.Select(tool => tool.Name));
        Assert.StartsWith("An MCP server's endpoint is an absolute http or https address; got 'ftp://x/'.", Assert.Throws<ArgumentException>(() => McpTransport.Http(new Uri("ftp://x"))).Message, StringComparison.Ordinal);
    }

    /// <summary>Lets the clock go on until the work is done: pauses end, and nothing really waits.</summary>
    private static async Task<T> AdvanceUntilAsync<T>(ManualClock clock, Task<T> work)
    {
        var limit = Stopwatch.StartNew();
        while (!work.IsCompleted && limit.Elapsed < Processes.Limit)
        {
            if (clock.NextTimer is { } due && due - clock.GetUtcNow() is { } left && left <= TimeSpan.FromSeconds(2))
            {
                clock.Advance(left);
            }

            await Task.Yield();
        }

        return await work;
    }
}
