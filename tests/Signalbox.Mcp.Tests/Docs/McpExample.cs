namespace Signalbox.Mcp.Tests.Docs;

// docs/guides/mcp.md shows what stands between the two markers; The_guide compares and uses it.
// <mcp>
public sealed record WriteFile(string Path, string Content);

public sealed class WriteFileHandler(McpServer files) : ActionHandler<WriteFile>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ApprovalRule? Approval(WriteFile action) => null;   // it cannot be undone, so that a person would be asked; in this folder nobody minds

    public override async Task<Observation> ProbeAsync(WriteFile action, ActionContext context, CancellationToken cancellationToken)
    {
        try
        {
            var found = await files.CallAsync("read_text_file", new { action.Path }, cancellationToken);
            return found.Structured?.GetProperty("content").GetString() == action.Content ? Observation.So($"{action.Path} is written") : Observation.NotSo("it says something else");
        }
        catch (McpToolException e)
        {
            return e.Text.Contains("ENOENT", StringComparison.Ordinal) ? Observation.NotSo("there is no such file") : Observation.Unclear(e.Text);
        }
    }

    public override async Task<string?> ExecuteAsync(WriteFile action, ActionContext context, CancellationToken cancellationToken) =>
        (await files.CallAsync("write_file", action, cancellationToken)).Text;
}

public static class Servers
{
    public static McpServer Files(string folder) => new McpServer(
            "files",
            McpTransport.Stdio("npx", ["-y", "@modelcontextprotocol/server-filesystem", folder]),
            new McpServerOptions { Pins = "mcp.pins.json" })
        .Read("read_text_file", new ToolOptions { Within = TimeSpan.FromSeconds(5) })   // may be repeated
        .Act<WriteFile>("write_file");                                                  // goes through the handler: probe, intent, execute, verify

    public static McpServer Tickets(Uri endpoint) => new McpServer(
            "tickets",
            McpTransport.Http(endpoint, async cancellationToken => new Dictionary<string, string>
            {
                ["Authorization"] = "Bearer " + await File.ReadAllTextAsync("/run/secrets/tickets", cancellationToken),   // read anew for each request
            }))
        .Read("search", alias: "search_tickets");                                       // the name for states, models and journals
}

// </mcp>
