using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using ModelContextProtocol.Server;

namespace Signalbox.Mcp.Tests;

/// <summary>
/// An MCP server that does what a real one should not, as a process of its own. Its tools are those in <c>tools.json</c> of its folder, read at each listing; some of their names mean something to it.
/// Written without the library that the client uses, so that every byte of it can be odd.
/// </summary>
internal static class OddServer
{
    public const string Argument = "--odd-server";

    private static readonly Stream s_output = Console.OpenStandardOutput();

    public static string Executable => Path.Combine(AppContext.BaseDirectory, "Signalbox.Mcp.Tests");

    /// <summary>How a test reaches it.</summary>
    public static McpTransport Transport(TempFolder folder, string manner = "obliging", IEnumerable<string>? inherit = null, IReadOnlyDictionary<string, string>? environment = null) =>
        McpTransport.Stdio(Executable, [Argument, manner, folder.Path], inherit: [.. inherit ?? [], "DOTNET_ROOT"], environment: environment);

    /// <summary>Gives it tools.</summary>
    public static void Has(TempFolder folder, params IEnumerable<object> tools) => File.WriteAllText(folder.File("tools.json"), System.Text.Json.JsonSerializer.Serialize(tools.Select(tool => tool is string name ? Tool(name) : tool)));

    public static object Tool(string name, string description = "Does it.", object? annotations = null) =>
        new { name, description, inputSchema = new { type = "object" }, annotations = annotations ?? new { readOnlyHint = true } };

    public static async Task<int> RunAsync(string manner, string folder)
    {
        File.AppendAllText(Path.Combine(folder, "pids"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        switch (manner)
        {
            case "silent":
                await Console.In.ReadToEndAsync();
                return 0;
            case "broken":
                await Console.Error.WriteAsync("no such account\u001b[2J\u202e\n");
                return 7;
            case "babbling":
                await Console.Error.WriteAsync(new string('x', 1_000_000) + "the end");
                return 1;
            case "newest":
                await RunNewestAsync();
                return 0;
        }

        while (await Console.In.ReadLineAsync() is { } line)
        {
            var message = JsonNode.Parse(line)!;
            if (message["id"] is { } id && await AnswerAsync(message["method"]!.GetValue<string>(), message["params"], folder) is { } answer)
            {
                answer["jsonrpc"] = "2.0";
                answer["id"] = id.DeepClone();
                Write(answer.ToJsonString());
            }
        }

        if (manner == "stubborn")
        {
            await Task.Delay(Timeout.Infinite);
        }

        return 0;
    }

    /// <summary>Nothing odd: the library's own server, which speaks the newest revision of the protocol (no greeting, no session).</summary>
    private static async Task RunNewestAsync()
    {
        await using var transport = new StdioServerTransport("newest", null);
        await using var server = ModelContextProtocol.Server.McpServer.Create(transport, new()
        {
            ToolCollection = [McpServerTool.Create((string message) => message + "!", new() { Name = "shout", ReadOnly = true }), McpServerTool.Create(string () => throw new InvalidOperationException("no"), new() { Name = "fail" })],
        });
        await server.RunAsync();
    }

    private static async Task<JsonObject?> AnswerAsync(string method, JsonNode? parameters, string folder) => method switch
    {
        "initialize" => Result("""{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"odd","version":"1"}}"""),
        "tools/list" => Result("""{"tools":""" + await File.ReadAllTextAsync(Path.Combine(folder, "tools.json")) + "}"),
        "tools/call" => await CallAsync(parameters!["name"]!.GetValue<string>(), parameters["arguments"], folder),
        _ => new JsonObject { ["error"] = new JsonObject { ["code"] = -32601, ["message"] = "Method not found" } },
    };

    private static async Task<JsonObject?> CallAsync(string tool, JsonNode? arguments, string folder)
    {
        switch (tool)
        {
            case "hang":
                await SignalAsync(folder);
                return null;
            case "die":
                await Console.Error.WriteLineAsync("out of memory");
                await Console.Error.FlushAsync();
                Environment.Exit(3);
                return null;
            case "huge":
                var text = new string('x', arguments!["bytes"]!.GetValue<int>());
                return Text(text);
            case "environment":
                return Text(string.Join('\n', Environment.GetEnvironmentVariables().Keys.Cast<string>().Order()));
            case "value":
                return Text(Environment.GetEnvironmentVariable(arguments!["name"]!.GetValue<string>()) ?? "none");
            case "raw":
                return Result(arguments!["result"]!.ToJsonString());
            case "garbage":
                Write("this is no JSON");
                Write("""{"jsonrpc":"2.0","id":12345,"result":{}}""");
                return Text("still here");
            case "changed":
                Write("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
                return Text("changed");
            case "gone":
                return new JsonObject { ["error"] = new JsonObject { ["code"] = -32602, ["message"] = "Unknown tool: gone\u001b[31m" } };
            default:
                return Text(arguments?.ToJsonString() ?? "");
        }
    }

    private static JsonObject Result(string json) => new() { ["result"] = JsonNode.Parse(json) };

    private static JsonObject Text(string text) => new() { ["result"] = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }) } };

    private static void Write(string line)
    {
        s_output.Write(Encoding.UTF8.GetBytes(line + "\n"));
        s_output.Flush();
    }

    /// <summary>Tells the test that it has come so far (see <see cref="Doorbell"/>).</summary>
    private static async Task SignalAsync(string folder)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(folder, "bell")));
    }
}
