namespace Signalbox.Mcp;

/// <summary>An MCP server answered a call with an error, or with something that is no answer.</summary>
public sealed class McpToolException : ToolErrorException
{
    private const int CharactersMax = 2_000;

    internal McpToolException(string server, string tool, string text, Exception? inner = null)
        : base($"Tool '{tool}' of MCP server '{server}' failed: {PlainText.Excerpt(text, CharactersMax)}", inner)
    {
        Server = server;
        Tool = tool;
        Text = text.Length > CharactersMax ? text[..CharactersMax] : text;
    }

    /// <summary>The server.</summary>
    public string Server { get; }

    /// <summary>The tool, by the server's name for it.</summary>
    public string Tool { get; }

    /// <summary>What the server said, at most 2,000 characters of it; text from outside.</summary>
    public string Text { get; }
}
