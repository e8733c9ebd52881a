using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>What one transaction of the sample did: the change that was seen, and whose it was by the id that came with it.</summary>
internal sealed record FirewallEffect(string ActionId, string Operation, string Resource, bool Applied);

/// <summary>
/// What really happened at a firewall, in its order, by the word of the kernel: <c>nft monitor</c> listens in the namespace, in a process of its own, and knows nothing of the code under test.
/// An effect is an id and a change of an address that came in one transaction.
/// </summary>
internal sealed class FirewallLog : IAsyncDisposable
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly TestNetwork _network;
    private readonly Process _monitor;
    private readonly List<string> _lines = [];
    private readonly Task _reading;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _marks;

    private FirewallLog(TestNetwork network)
    {
        _network = network;
        _monitor = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", network.Namespace, "nft", "-j", "monitor"]) { RedirectStandardOutput = true })!;
        _reading = ReadAsync();
    }

    /// <summary>Listens from now on: nothing that happens after this returns is missed.</summary>
    public static async Task<FirewallLog> StartAsync(TestNetwork network)
    {
        var log = new FirewallLog(network);
        await log.CatchUpAsync();
        return log;
    }

    /// <summary>Completes at the next change, whatever it is.</summary>
    public Task ChangedAsync()
    {
        lock (_lines)
        {
            return _more.Task;
        }
    }

    /// <summary>Everything so far.</summary>
    public async Task<IReadOnlyList<FirewallEffect>> EffectsAsync()
    {
        await CatchUpAsync();
        lock (_lines)
        {
            return Effects(_lines);
        }
    }

    /// <summary>The same as lines for the history checker.</summary>
    public async Task<string[]> LinesAsync() =>
    [
        .. (await EffectsAsync()).Select(effect => JsonSerializer.Serialize(new { actionId = effect.ActionId, op = effect.Operation, resource = effect.Resource, applied = effect.Applied })),
    ];

    public async ValueTask DisposeAsync()
    {
        if (!_monitor.HasExited)
        {
            _monitor.Kill();
        }

        await _monitor.WaitForExitAsync().WaitAsync(TimeLimit);
        await _reading.WaitAsync(TimeLimit);
        _monitor.Dispose();
    }

    /// <summary>What the lines of <c>nft -j monitor</c> show. Each transaction of the sample begins with its marker, deleted and made again.</summary>
    internal static IReadOnlyList<FirewallEffect> Effects(IEnumerable<string> lines)
    {
        var effects = new List<FirewallEffect>();
        FirewallEffect? named = null;
        foreach (var (verb, set, element) in lines.SelectMany(Elements))
        {
            var value = element.ValueKind == JsonValueKind.Object ? element.GetProperty("elem").GetProperty("val").GetString()! : element.GetString()!;
            if (set == "done")
            {
                Close();
                var comment = element.GetProperty("elem").TryGetProperty("comment", out var said) ? said.GetString()!.Split(' ') : [];
                if (verb != "delete" && comment is ["block" or "unblock", var address, var id])
                {
                    named = new(id, comment[0], address, Applied: false);
                }
            }
            else
            {
                var operation = verb == "delete" ? "unblock" : "block";
                if (named is not null && named.Operation == operation && IPAddress.Parse(named.Resource).Equals(IPAddress.Parse(value)))
                {
                    effects.Add(named with { Applied = true });
                    named = null;
                }
                else
                {
                    effects.Add(new("", operation, value, Applied: true)); // a person's
                }
            }
        }

        Close();
        return effects;

        void Close()
        {
            if (named is not null)
            {
                effects.Add(named); // an id that came with no change
                named = null;
            }
        }
    }

    private static IEnumerable<(string Verb, string Set, JsonElement Element)> Elements(string line)
    {
        var change = JsonDocument.Parse(line).RootElement.EnumerateObject().Single();
        if (!change.Value.TryGetProperty("element", out var element) || element.GetProperty("table").GetString() != "signalbox")
        {
            return [];
        }

        var set = element.GetProperty("name").GetString()!;
        return element.GetProperty("elem").GetProperty("set").EnumerateArray().Select(one => (change.Name, set, one));
    }

    /// <summary>Makes a mark at the firewall and waits until it is heard: then everything before it has been heard too.</summary>
    private async Task CatchUpAsync()
    {
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            // Until the monitor listens, marks go unheard: another one, then.
            var mark = string.Create(CultureInfo.InvariantCulture, $"mark-{++_marks}");
            await _network.PersonAsync($"add table inet {mark}; delete table inet {mark}");
            if (await IsHeardAsync($"\"{mark}\"", Patience))
            {
                return;
            }

            Assert.True(Stopwatch.GetElapsedTime(begun) < TimeLimit, "nft monitor hears nothing.");
        }
    }

    private async Task<bool> IsHeardAsync(string text, TimeSpan within)
    {
        using var limit = new CancellationTokenSource(within);
        while (true)
        {
            Task more;
            lock (_lines)
            {
                if (_lines.Any(line => line.Contains(text, StringComparison.Ordinal)))
                {
                    return true;
                }

                more = _more.Task;
            }

            try
            {
                await more.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private async Task ReadAsync()
    {
        while (await _monitor.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Length == 0)
            {
                continue;
            }

            TaskCompletionSource heard;
            lock (_lines)
            {
                _lines.Add(line);
                heard = _more;
                _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            heard.SetResult();
        }
    }
}
