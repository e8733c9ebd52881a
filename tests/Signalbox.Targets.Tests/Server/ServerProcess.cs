using System.Diagnostics;

namespace Signalbox.Targets.Tests.Server;

/// <summary>The server as a process of its own, with its log in a folder of its own. Ends with the test at the latest: its standard input closes.</summary>
public sealed class ServerProcess : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();
    private Process? _process;

    public Uri Url { get; private set; } = null!;

    internal string LogPath => _folder.File("effects.jsonl");

    /// <summary>The server's log, read past the server.</summary>
    internal IReadOnlyList<Effect> Effects => EffectLog.ReadFile(LogPath);

    public ValueTask InitializeAsync() => StartAsync();

    /// <summary>Starts it, or starts it again on its log after <see cref="KillAsync"/>; elsewhere, then.</summary>
    public async ValueTask StartAsync()
    {
        _process = OwnProgram.Start(TargetServer.Argument, LogPath);
        var url = await _process.StandardOutput.ReadLineAsync().WaitAsync(s_limit);
        Url = new Uri(url ?? throw new InvalidOperationException("The server did not start: " + await _process.StandardError.ReadToEndAsync()));
    }

    /// <summary>Ends it at whatever instruction it is (SIGKILL).</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(s_limit);
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Dispose();
    }

    internal async Task PlantAsync(HttpFault fault, string kind, string resource)
    {
        using var http = new HttpClient();
        (await http.PostAsync(new Uri(Url, $"faults/{kind}/{resource}/{fault}"), null)).EnsureSuccessStatusCode();
    }

    /// <summary>Somebody else makes it so, or not so.</summary>
    internal async Task ByHandAsync(HttpMethod method, string kind, string resource, string text = "")
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, new Uri(Url, $"hand/{kind}/{resource}")) { Content = new StringContent(text) };
        (await http.SendAsync(request)).EnsureSuccessStatusCode();
    }

    /// <summary>Whether a resource is there, folded from the log past the server.</summary>
    internal string? Find(string kind, string resource) => Of(kind, resource) is [.., { Op: "execute" } last] ? last.Text ?? "" : null;

    /// <summary>What changed a resource.</summary>
    internal IReadOnlyList<Effect> Of(string kind, string resource) => [.. Effects.Where(e => e.Applied && e.Kind == kind && e.Resource == resource)];
}
