using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox;
using Signalbox.Journal;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>The sample's workflow in this process: a store in memory, lists in a folder of its own, and whatever a test replaces.</summary>
internal sealed class ResponseWorld : IAsyncDisposable
{
    public static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(60);

    private readonly IHost _host;
    private readonly World _world = new();

    private ResponseWorld(AlertData data, SlowSources slow, AnalystModels models, Budget? budget, string? lookedAt, Action<SignalboxBuilder>? actions)
    {
        Data = data;
        Store = new InMemoryRunStore();
        var clock = TimeProvider.System;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services
            .AddSingleton(new AlertSources(data, clock, slow))
            .AddSingleton(new DenyListFile(DenyList, clock))
            .AddSingleton(new DisabledAccountsFile(DisabledAccounts, clock))
            .AddSingleton(new SecondLook(lookedAt ?? DenyList, DisabledAccounts));
        var options = new ResponseOptions
        {
            SourceLimit = slow == SlowSources.None ? TimeSpan.FromSeconds(30) : TimeSpan.FromMilliseconds(100),
            Budget = budget ?? Budget.Default,
        };
        actions ??= signalbox => signalbox.AddListActions();
        builder.Services.AddSignalbox(signalbox => actions(signalbox.UseStore(_ => Store).AddAlertResponse(models, options)));

        _host = builder.Build();
        Client = new Lazy<RunClient>(() => _host.Services.GetRequiredService<RunClient>());
    }

    public AlertData Data { get; }

    public InMemoryRunStore Store { get; }

    public Lazy<RunClient> Client { get; }

    public string DenyList => _world.Path_("deny.list");

    public string DisabledAccounts => _world.Path_("disabled.accounts");

    public IReadOnlyList<string> Denied => Entries(DenyList);

    public IReadOnlyList<string> Disabled => Entries(DisabledAccounts);

    public string Folder => _world.Folder;

    public static async Task<ResponseWorld> StartAsync(
        AlertData? data = null, SlowSources? slow = null, IChatClient? analyst = null, string? lookedAt = null, Action<SignalboxBuilder>? actions = null, string[]? misbehave = null, Budget? budget = null)
    {
        var models = analyst is null
            ? AnalystModels.Offline(new() { Misbehaves = Misbehaviours.Parse(misbehave ?? [], out _) }, TimeProvider.System)
            : new AnalystModels(Says("says-fast"), Says("says-strong"), "");
        var world = new ResponseWorld(data ?? await AlertData.ReadAsync(World.OwnAlerts), slow ?? SlowSources.None, models, budget, lookedAt, actions);
        await world._host.StartAsync();
        return world;

        AnalystModel Says(string name) => new(name, analyst!, new ModelOptions { Attempts = 2, Backoff = TimeSpan.FromMilliseconds(1) });
    }

    /// <summary>Starts the run of an alert of the data and gives it once it has ended or waits for somebody.</summary>
    public async Task<Settled> HandleAsync(string id) => await HandleAsync(Data.Alerts.Single(alert => alert.Id == id));

    public async Task<Settled> HandleAsync(Alert alert)
    {
        var start = await Client.Value.StartAsync(AlertResponse.WorkflowName, new AlertCase(alert), alert.Id);
        return await SettleAsync(start.Run);
    }

    public async Task<Settled> AnswerAsync(Settled asked, string choice)
    {
        var seq = (await Store.FindAsync(asked.Row.Run, default))!.Seq;
        var client = Client.Value;
        var result = await RunCommands.ExecuteAsync(Store, new AnswerApproval(asked.Row.Run, choice, null, null), new Caller("person:anna", [Caller.AnyRole]), default);
        Assert.True(result.IsAccepted, result.Message);
        await client.WaitUntilAsync(asked.Row.Run, row => row.VisitSeq > seq).WaitAsync(TimeLimit);
        return await SettleAsync(asked.Row.Run);
    }

    public async Task<IReadOnlyList<Settled>> HandleAllAsync() => await Task.WhenAll(Data.Alerts.Select(HandleAsync));

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        _world.Dispose();
    }

    private static List<string> Entries(string path) => !File.Exists(path) ? [] : [.. File.ReadAllLines(path).Select(line => line.Split('#')[0].Trim()).Where(entry => entry.Length > 0)];

    private async Task<Settled> SettleAsync(RunId run)
    {
        var client = Client.Value;
        var head = (await Store.FindAsync(run, default))!;
        while (!head.IsSettled)
        {
            // It may wait for its turn at an address that another run blocks just now: that ends by itself.
            await client.WaitUntilAsync(run, row => row.ChangedAt != head.Row.ChangedAt || row.Status != head.Row.Status).WaitAsync(TimeLimit);
            head = (await Store.FindAsync(run, default))!;
        }

        var row = head.Row;
        var @case = (await client.GetCaseAsync<AlertCase>(run))!;
        return new(row, @case, DecidedAlert.Of(@case.Alert, row, @case), await Store.ReadAsync(run, 0, 10_000, default));
    }
}

/// <summary>A run that goes on no further by itself.</summary>
internal sealed record Settled(RunRow Row, AlertCase Case, DecidedAlert Decided, IReadOnlyList<Entry> Entries)
{
    /// <summary>The states it went through.</summary>
    public string Path => string.Join(' ', Entries.Where(entry => entry.Kind == EntryKinds.StateEntered).Select(entry => entry.State));

    /// <summary>Why it went into the state it is in.</summary>
    public string Because => Entries.Last(entry => entry.Kind == EntryKinds.StateEntered).Cause;

    public ApprovalRequested Question => Body.Read<ApprovalRequested>(Entries.Last(entry => entry.Kind == EntryKinds.ApprovalRequested));
}

/// <summary>A model that answers what a test says, in turn; the last answer for ever.</summary>
internal sealed class SaysAnalyst(params string[] answers) : IChatClient
{
    private int _asked;

    public int Asked => _asked;

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var answer = answers[Math.Min(Interlocked.Increment(ref _asked), answers.Length) - 1];
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer)) { ModelId = "says", FinishReason = ChatFinishReason.Stop });
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
