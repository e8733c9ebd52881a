using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.OpenTelemetry;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Telemetry;

[Collection("telemetry")]
public sealed class Metrics_and_health : IAsyncLifetime
{
    private const string Prometheus = "/usr/bin/prometheus";
    private const string Promtool = "/usr/bin/promtool";

    private readonly HttpClient _http = new();
    private WebApplication _app = null!;

    private Uri Address => new(_app.Urls.First());

    public async ValueTask InitializeAsync()
    {
        _app = TracedWorld.Build(options => (options.Traces, options.HealthDetails) = (false, true));
        await _app.StartAsync();
        await TracedWorld.UntilAsync(() => _app.Services.GetRequiredService<TelemetryState>().Look is not null, "metrics have begun");
        await TracedWorld.StartRunsAsync(_app.Services, 6);
        await TracedWorld.UntilEndedAsync(_app.Services.GetRequiredService<IRunStore>());
        await TracedWorld.UntilAsync(async () => (await ScrapeAsync()).Contains("status=\"completed\"", StringComparison.Ordinal), "the log is read");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private Task<string> ScrapeAsync() => _http.GetStringAsync(new Uri(Address, "/metrics"));

    [Fact]
    public async Task Show_what_the_log_says()
    {
        await TracedWorld.UntilAsync(async () => (await ScrapeAsync()).Contains("signalbox_runs{", StringComparison.Ordinal), "the store was asked");
        var text = await ScrapeAsync();

        Assert.Contains("signalbox_run_duration_seconds_count{", text, StringComparison.Ordinal);
        Assert.Contains("signalbox_runs{", text, StringComparison.Ordinal);
        Assert.Contains("signalbox_log_position", text, StringComparison.Ordinal);
        Assert.Contains("error_type=\"failed\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("no answer for", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Are_read_by_Prometheus_with_every_name_as_it_is()
    {
        Assert.SkipUnless(File.Exists(Prometheus), $"{Prometheus} is not installed (Debian: apt-get install prometheus).");
        var folder = Directory.CreateTempSubdirectory("signalbox-prometheus-");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var config = Path.Combine(folder.FullName, "prometheus.yml");
        await File.WriteAllTextAsync(config, $"global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}\nscrape_configs: [{{job_name: signalbox, static_configs: [{{targets: ['{Address.Authority}']}}]}}]\n", TestContext.Current.CancellationToken);
        using var prometheus = Process.Start(new ProcessStartInfo(
            Prometheus, [$"--config.file={config}", $"--storage.tsdb.path={folder.FullName}/data", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])
        { RedirectStandardError = true })!;
        try
        {
            var query = new Uri($"http://127.0.0.1:{port}/api/v1/query?query={Uri.EscapeDataString("signalbox_step_duration_seconds_count{signalbox_type=\"evidence\"}")}");
            string[] steps = [];
            await TracedWorld.UntilAsync(
                async () =>
                {
                    try
                    {
                        using var answer = JsonDocument.Parse(await _http.GetStringAsync(query, TestContext.Current.CancellationToken));
                        steps = [.. answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(r => r.GetProperty("metric").GetProperty("signalbox_step").GetString()!).Distinct()];
                        return steps.Length > 0;
                    }
                    catch (HttpRequestException)
                    {
                        return false; // not up yet
                    }
                },
                "Prometheus has scraped");
            Assert.Equal([TracedWorkflow.HostileSource], steps);
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(CancellationToken.None);
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Have_no_error_in_the_eyes_of_promtool()
    {
        Assert.SkipUnless(File.Exists(Promtool), $"{Promtool} is not installed (Debian: apt-get install prometheus).");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address, "/metrics"));
        request.Headers.Accept.ParseAdd("text/plain");
        using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var promtool = Process.Start(new ProcessStartInfo(Promtool, ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await promtool.StandardInput.WriteAsync(text);
        promtool.StandardInput.Close();
        var said = await promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken) + await promtool.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(promtool.ExitCode is 0, $"{said}\n{text}");
    }

    [Fact]
    public async Task Say_whether_the_program_is_ready()
    {
        Assert.Contains("\"status\":\"Healthy\"", await _http.GetStringAsync(new Uri(Address, "/health/live"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var ready = await _http.GetStringAsync(new Uri(Address, "/health/ready"), TestContext.Current.CancellationToken);
        Assert.Contains("\"worker\":{\"status\":\"Healthy\"", ready, StringComparison.Ordinal);
        Assert.Contains("\"store\":{\"status\":\"Healthy\"", ready, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_being_ready_with_the_worker()
    {
        await _app.Services.GetRequiredService<Worker>().StopAsync(TestContext.Current.CancellationToken);
        using var answer = await _http.GetAsync(new Uri(Address, "/health/ready"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("The worker has ended.", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync(new Uri(Address, "/health/live"), TestContext.Current.CancellationToken)).StatusCode);
    }
}
