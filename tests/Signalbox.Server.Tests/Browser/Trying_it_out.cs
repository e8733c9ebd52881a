using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Playwright;

namespace Signalbox.Server.Tests.InABrowser;

/// <summary>
/// What the README says to type, typed: the sample's alerts are handled, a key is made, the dashboard is served, and a browser looks at it. With the variable SIGNALBOX_SCREENSHOTS, the pictures of the documents are written into that
/// folder.
/// </summary>
[Collection(InTheBrowser.Name)]
public sealed class Trying_it_out(BrowserWorld world)
{
    private static readonly string? s_pictures = Environment.GetEnvironmentVariable("SIGNALBOX_SCREENSHOTS");

    [Fact]
    public async Task Shows_the_samples_alerts_on_the_dashboard()
    {
        var folder = Directory.CreateTempSubdirectory("signalbox-trial-");
        try
        {
            await using (var sample = new TriedProgram(folder.FullName, "SecurityAlerts"))
            {
                Assert.Equal(0, await sample.EndAsync());
            }

            string key;
            await using (var keys = new TriedProgram(folder.FullName, "Signalbox.Cli", "keys", "add", "anna", "--role", "approver"))
            {
                Assert.True(await keys.EndAsync() == 0, keys.Output);
                key = keys.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Single(word => word.StartsWith("sbk_", StringComparison.Ordinal));
            }

            await using var serve = new TriedProgram(folder.FullName, "Signalbox.Cli", "serve", "--urls", "http://127.0.0.1:0");
            var url = (await serve.UntilItSaysAsync(" at http://")).Split(" at ")[1].Trim();
            await using var tab = await world.TabAsync(url, new() { ViewportSize = new() { Width = 1280, Height = 800 }, ReducedMotion = ReducedMotion.Reduce });
            await tab.GoAsync("/");
            await tab.LogInAsync(key);

            await tab.Expect("table.runs tbody tr").Not.ToHaveCountAsync(0);
            await TakeAsync(tab, "runs");

            await Telemetry.TracedWorld.UntilAsync(
                async () =>
                {
                    await tab.GoAsync("/search?q=" + Uri.EscapeDataString("failed 203.0.113.99"));
                    return await tab.Page.Locator(".hits li").CountAsync() > 3 && (await tab.TextAsync()).Contains("The index has every entry", StringComparison.Ordinal);
                },
                "the dashboard has indexed the sample's entries");
            await TakeAsync(tab, "search");

            // A run with all there is: evidence, decisions, an action and its proof.
            await tab.GoAsync("/?label=" + Uri.EscapeDataString("rule=auth.success_after_failures"));
            var run = await tab.Page.Locator("table.runs .id").First.InnerTextAsync();
            await tab.GoAsync($"/runs/{run}");
            await tab.LiveAsync();
            await TakeAsync(tab, "run");
            await tab.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
            await TakeAsync(tab, "run-dark");
            await tab.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });

            await tab.GoAsync("/statistics");
            await TakeAsync(tab, "statistics");
            await tab.GoAsync("/approvals");
            await tab.Page.Locator("a[data-item]:has-text('allow_address')").First.ClickAsync();
            await tab.Expect("button[value=approve]").ToBeVisibleAsync();
            await TakeAsync(tab, "approval");
            Assert.Empty(tab.Complaints);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Looks at a page as the documents show it: nothing sticks out of the window.</summary>
    private static async Task TakeAsync(Tab tab, string name)
    {
        Assert.Equal(0, await tab.TooWideAsync());
        if (s_pictures is not null)
        {
            await tab.Page.EvaluateAsync("() => { document.activeElement?.blur(); scrollTo(0, 0); }");
            await tab.Page.ScreenshotAsync(new() { Path = Path.Combine(s_pictures, name + ".png"), Animations = ScreenshotAnimations.Disabled });
        }
    }
}

/// <summary>A program of this repository as a process. Only what was started here is ever ended.</summary>
internal sealed class TriedProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly Task _reading;
    private event Action? Said;

    public TriedProgram(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };

        // All programs are built into folders beside each other.
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        start.ArgumentList.Add(Path.Combine(here.Parent!.Parent!.FullName, program, here.Name, program + ".dll"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var key in new[] { "ANTHROPIC_API_KEY", "OPENAI_API_KEY" })
        {
            start.Environment.Remove(key); // no test asks anybody outside
        }

        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
    }

    public string Output => string.Join('\n', _lines);

    /// <summary>The first line that has a text in it.</summary>
    public async Task<string> UntilItSaysAsync(string text)
    {
        var line = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look()
        {
            if (_lines.FirstOrDefault(l => l.Contains(text, StringComparison.Ordinal)) is { } found)
            {
                line.TrySetResult(found);
            }
        }

        Said += Look;
        Look();
        try
        {
            await Task.WhenAny(line.Task, _reading).WaitAsync(BrowserWorld.Limit, TestContext.Current.CancellationToken);
            Look();
            return line.Task.IsCompletedSuccessfully ? await line.Task : throw new InvalidOperationException($"It ended without '{text}':\n{Output}");
        }
        finally
        {
            Said -= Look;
        }
    }

    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(BrowserWorld.Limit, TestContext.Current.CancellationToken);
        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            _lines.Enqueue(line);
            Said?.Invoke();
        }
    }
}
