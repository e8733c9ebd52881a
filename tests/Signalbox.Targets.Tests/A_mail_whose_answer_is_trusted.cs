using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Targets.Tests.Http;
using Signalbox.Targets.Tests.Server;
using Signalbox.Targets.Tests.Victims;

namespace Signalbox.Targets.Tests;

/// <summary>A blind target on a real server, by the engine: what was answered ends as unverified, what was not holds its run.</summary>
public sealed class A_mail_whose_answer_is_trusted(ServerProcess server) : IClassFixture<ServerProcess>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Is_unverified_by_what_the_server_said()
    {
        var (row, entries) = await SendAsync("answered");
        Assert.Equal((RunStatus.Completed, nameof(MailStage.Done)), (row.Status, row.State));
        Assert.Equal(
            "the target answered 'POST mails/answered was answered 202 'accepted''; nobody can look whether it is so",
            Body.Read<ActionObserved>(Assert.Single(entries, e => e.Kind == EntryKinds.ActionUnverified)).Proof);
        Assert.Single(server.Of("mails", "answered"));
    }

    [Theory]
    [InlineData(nameof(HttpFault.Refuse), 0)]
    [InlineData(nameof(HttpFault.CutBefore), 0)]
    [InlineData(nameof(HttpFault.CutAfter), 1)]
    [InlineData(nameof(HttpFault.FailAfter), 1)]
    [InlineData(nameof(HttpFault.Flood), 1)]
    [InlineData(nameof(HttpFault.Silence), 1)]
    public async Task Holds_its_run_without_an_answer_and_is_not_sent_again(string fault, int mails)
    {
        await server.PlantAsync(Enum.Parse<HttpFault>(fault), "mails", fault);
        var (row, entries) = await SendAsync(fault);
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
        Assert.NotNull(Body.Read<ActionExecuted>(Assert.Single(entries, e => e.Kind == EntryKinds.ActionExecuted)).Error);
        Assert.Equal(mails, server.Of("mails", fault).Count);
    }

    private async Task<(RunRow Row, IReadOnlyList<Entry> Entries)> SendAsync(string to)
    {
        using var folder = new TempFolder();
        using var http = HttpTargets.Client(server.Url);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(http);
        builder.Services.AddSignalbox(box => box.AddWorkflow<TrustedMailFlow>().AddAction<SendMail, TrustingMailHandler>("send_mail").UseSqlite(folder.File("signalbox.db")));
        using var host = builder.Build();
        await host.StartAsync();
        var client = host.Services.GetRequiredService<RunClient>();
        var run = (await client.StartAsync(TrustedMailFlow.TrustedMail, new Matter(to))).Run;
        var row = (await client.WaitUntilSettledAsync(run).WaitAsync(s_limit)).Row;
        var entries = await client.Store.ReadAsync(run, 0, 1000, default);
        await host.StopAsync();
        return (row, entries);
    }
}
