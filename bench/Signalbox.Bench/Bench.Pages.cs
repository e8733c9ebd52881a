using System.Diagnostics;
using System.IO.Compression;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Signalbox.Server;
using Signalbox.Server.Dashboard.Runs;
using Signalbox.Sqlite;

namespace Signalbox.Bench;

internal sealed partial class Bench
{
    private const int States = 50;
    private const int Transitions = 200;
    private const int EntriesOfADenseRun = 200;

    /// <summary>How long the diagram of a large definition takes; how large the page of a dense run is, and how soon it begins to come. With a folder of its own, both stay there as files to be looked at.</summary>
    public async Task<IReadOnlyList<Figure>> PagesAsync()
    {
        var definition = Large();
        var (drawing, svg) = await DrawAsync(definition);
        await File.WriteAllTextAsync(Path.Combine(folder, "diagram.html"), svg);
        var large = await AskAsync(new MadeUpRuns(seed: 7), definition);
        await File.WriteAllTextAsync(Path.Combine(folder, "run.html"), large.Page);
        var small = await AskAsync(new MadeUpRuns(seed: 7), Small());
        var name = $"page of a run, {EntriesOfADenseRun} dense entries";
        return
        [
            new($"state diagram, {States} states and {Transitions} transitions: fastest / p50 / p95", $"{drawing.Min():N1} / {Percentile(drawing, 0.5):N1} / {Percentile(drawing, 0.95):N1} ms", "—", "—", "p50 ≤ 10 ms", Percentile(drawing, 0.5) <= 10),
            new($"{name}, 8 states: sent / HTML", Size(small), "—", "—", "< 100 KB sent", small.Sent < 100_000),
            new($"{name}, 8 states: first byte, p50 / p95; all of it, p50", Times(small), "—", "—", "p50 ≤ 50 ms", Percentile(small.First, 0.5) <= 50),
            new($"{name}, {States} states and {Transitions} transitions: sent / HTML", Size(large), "—", "—", "< 100 KB sent", large.Sent < 100_000),
            new($"{name}, {States} states and {Transitions} transitions: first byte, p50 / p95; all of it, p50", Times(large), "—", "—", "—", null),
        ];

        static string Size(Asked asked) => $"{asked.Sent / 1000.0:N0} / {System.Text.Encoding.UTF8.GetByteCount(asked.Page) / 1000.0:N0} KB";

        static string Times(Asked asked) => $"{Percentile(asked.First, 0.5):N1} / {Percentile(asked.First, 0.95):N1} ms; {Percentile(asked.Whole, 0.5):N1} ms";
    }

    private sealed record Asked(List<double> First, List<double> Whole, int Sent, string Page);

    /// <summary>Each state is led to from one that comes shortly before it; the other transitions lead a little further on, and some of them back. Made up from a seed.</summary>
    private static WorkflowDefinition Large()
    {
        var random = new Random(7);
        var to = Enumerable.Range(0, States).Select(_ => new SortedSet<int>()).ToArray();
        for (var i = 1; i < States; i++)
        {
            to[Math.Max(0, i - 1 - random.Next(5))].Add(i);
            to[i - 1].Add(Math.Min(States - 1, i + random.Next(5))); // none but the last is without a way out
        }

        while (to.Sum(t => t.Count) < Transitions)
        {
            var from = random.Next(States - 1);
            to[from].Add(random.Next(8) == 0 ? random.Next(from + 1) : Math.Min(States - 1, from + 1 + random.Next(8)));
        }

        string[] words = ["Check", "Ask", "Fetch", "Judge", "Notify", "Settle", "Verify"];
        string[] things = ["Order", "Stock", "Payment", "Address", "Customer"];
        string Name(int i) => $"{words[i % words.Length]}{things[i % things.Length]}{i}";
        return new("large", 1, Name(0), [.. to.Select((t, i) => new StateDefinition(Name(i), i == States - 1 ? "success" : null) { To = [.. t.Select(Name)] })]);
    }

    private static WorkflowDefinition Small() => new("alert-response", 1, "Triage",
    [
        new("Triage") { To = ["Investigate", "Closed"] }, new("Investigate") { To = ["Decide", "Escalate"] }, new("Decide") { To = ["Execute", "Escalate"] }, new("Execute") { To = ["Verify", "Rollback", "Escalate"] },
        new("Verify") { To = ["Investigate", "Rollback"] }, new("Rollback") { To = ["Escalate"] }, new("Escalate") { To = ["Execute"] }, new("Closed", "success"),
    ]);

    private static async Task<(List<double> Milliseconds, string Svg)> DrawAsync(WorkflowDefinition definition)
    {
        var times = new List<double>();
        for (var i = 0; i < 250; i++)
        {
            var at = Stopwatch.GetTimestamp();
            StateDiagram.Of(definition, []);
            times.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
        }

        await using var services = new ServiceCollection().AddLogging().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        var html = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<StateDrawing>(ParameterView.FromDictionary(new Dictionary<string, object?> { [nameof(StateDrawing.Definition)] = definition }))).ToHtmlString());
        return (times[50..], html); // the first ones warm the code
    }

    private async Task<Asked> AskAsync(MadeUpRuns made, WorkflowDefinition definition)
    {
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Fresh("pages") }, default);
        var run = made.Dense(definition, 1, EntriesOfADenseRun);
        await CommitAsync(store, run);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Development" }); // lets this machine in without a key
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<Watch>().AddSignalbox(box => box.AddWorkflow<StepsFlow>().UseStore(_ => store));
        builder.Services.AddSignalboxServer(server => server.RequestsPerMinute = int.MaxValue);
        await using var app = builder.Build();
        app.MapSignalbox();
        await app.StartAsync();
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Accept-Encoding", "gzip, br"); // as browsers do
        var address = new Uri($"{app.Urls.First()}/runs/{run.Run}");
        var (first, whole) = (new List<double>(), new List<double>());
        byte[] page = [];
        for (var i = 0; i < 250; i++)
        {
            var at = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead);
            await using var body = await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync();
            using var read = new MemoryStream();
            read.WriteByte((byte)body.ReadByte());
            first.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            await body.CopyToAsync(read);
            whole.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            page = read.ToArray();
        }

        await app.StopAsync();
        using var html = new StreamReader(new BrotliStream(new MemoryStream(page), CompressionMode.Decompress));
        return new(first[50..], whole[50..], page.Length, await html.ReadToEndAsync());
    }
}
