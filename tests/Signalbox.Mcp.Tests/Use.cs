using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Signalbox.Mcp.Tests;

/// <summary>Uses a server's tools as an agent does.</summary>
internal static class Use
{
    /// <summary>What an agent is given under that name.</summary>
    public static async Task<AIFunctionDeclaration> FindAsync(this McpServer server, string name) =>
        await server.Tools.Single(tool => tool.Name == name).FindAsync(CancellationToken.None).AsTask().WaitAsync(Processes.Limit);

    /// <summary>What a call of a read answers.</summary>
    public static async Task<object?> InvokeAsync(this McpServer server, string name, object? arguments = null, CancellationToken cancellationToken = default)
    {
        var function = Assert.IsAssignableFrom<AIFunction>(await server.FindAsync(name));
        return await function.InvokeAsync(Arguments(arguments), cancellationToken).AsTask().WaitAsync(Processes.Limit, CancellationToken.None);
    }

    /// <summary>Why an agent is not given a tool.</summary>
    public static async Task<ToolUnavailableException> RefusalAsync(this McpServer server, string name) =>
        await Assert.ThrowsAsync<ToolUnavailableException>(() => server.FindAsync(name));

    /// <summary>Uses it until it is so: the server is away for a while, or has said something that the client hears beside its answers.</summary>
    public static async Task<T?> EventuallyAsync<T>(Func<Task<T>> use, Func<T?, bool> until)
    {
        using var limit = new CancellationTokenSource(Processes.Limit);
        while (true)
        {
            T? result = default;
            try
            {
                result = await use();
            }
            catch (ToolUnavailableException) when (!limit.IsCancellationRequested)
            {
                await Task.Yield();
                continue;
            }

            if (until(result))
            {
                return result;
            }

            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static AIFunctionArguments Arguments(object? arguments) =>
        new(arguments is null ? [] : JsonSerializer.SerializeToElement(arguments).EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value));
}
