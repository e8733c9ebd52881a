using Microsoft.Extensions.DependencyInjection;
using Signalbox.Sqlite;
using Signalbox.Tests.Docs;

namespace Signalbox.Providers.Tests.Docs;

/// <summary>What README.md shows of putting Signalbox into a host; <see cref="The_readme"/> compares.</summary>
internal static class HostExample
{
    public static void Add(IServiceCollection services, string key)
    {
        // <host>
        services.AddSignalbox(box => box
            .AddWorkflow<RefundFlow>()
            .AddModel("claude-haiku-5-5", AnthropicModels.Create("claude-haiku-5-5", new() { ApiKey = key }), new() { Price = new Price(Input: 1, Output: 5) })
            .AddModel("claude-sonnet-5-5", AnthropicModels.Create("claude-sonnet-5-5", new() { ApiKey = key }), new() { Price = new Price(Input: 3, Output: 15) })
            .AddTool(OrderHistory.Tool)                                         // a C# method; an MCP server's tools: AddTools(server)
            .AddAction<PayBack, PayBackHandler>("pay_back")
            .UseBudget(new Budget { Calls = 40, Money = 0.20m })                // of a run, shared by its agents
            .UseSqlite("signalbox.db"));
        // </host>
    }

    public static async Task<RunStart> StartAsync(RunClient client)
    {
        // <start>
        var run = await client.StartAsync("refund", new RefundCase("o-1", 12.50m), key: "ticket-4711");   // RunClient, from the services
        // </start>
        return run;
    }
}
