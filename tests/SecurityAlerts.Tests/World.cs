using System.Text;

namespace SecurityAlerts.Tests;

/// <summary>What every test stands on: a folder of its own, the sample's alerts, and the real ones where they are.</summary>
internal sealed class World : IDisposable
{
    public World() => Folder = Directory.CreateTempSubdirectory("security-alerts-").FullName;

    public string Folder { get; }

    public static string OwnAlerts => Path.Combine(AppContext.BaseDirectory, "alerts");

    public string Path_(string name) => Path.Combine(Folder, name);

    public void Write(string name, params string[] lines) => File.WriteAllText(Path_(name), string.Concat(lines.Select(line => line + "\n")));

    public void Write(string name, byte[] bytes) => File.WriteAllBytes(Path_(name), bytes);

    public void MakeExecutable(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no scripts of a shell here.");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path_(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public string Read(string name) => File.ReadAllText(Path_(name), Encoding.UTF8);

    /// <summary>A folder with one good line in each file, for a test to spoil one of them.</summary>
    public World WithGoodData()
    {
        Write("alerts.jsonl", GoodAlert("a-1"));
        Write("events.jsonl", """{"site":"lab","seq":1,"time":"2025-03-03T08:00:00Z","type":"probe","source_ip":"192.0.2.7","raw":"raw"}""");
        Write("feed.csv", "indicator,score,lists,as_of", "192.0.2.7,3,example,2025-03-02");
        Write("allowlist.csv", "cidr,list", "203.0.113.0/28,scanners");
        Write("assets.json", """[{"site":"lab","host":"gate-1","role":"r","exposure":"e","internal_networks":["10.0.0.0/8"],"accounts":["root","bob"],"known_sources":["198.51.100.10"]}]""");
        return this;
    }

    public static string GoodAlert(string id) =>
        $$"""{"id":"{{id}}","time":"2025-03-03T08:00:00Z","as_of":"2025-03-03T08:05:00Z","site":"lab","host":"gate-1","rule":"auth.probe","severity":"info","summary":"s","source_ip":"192.0.2.7","users":[],"failed_count":0,"success_count":0,"first_seen":"2025-03-03T08:00:00Z","last_seen":"2025-03-03T08:00:00Z","evidence_seq":[1]}""";

    /// <summary>The real alerts, read once for all tests: nothing changes them.</summary>
    public static Task<AlertData> RealAlertsAsync()
    {
        var folder = RealAlerts();
        return LazyInitializer.EnsureInitialized(ref s_realAlerts, () => AlertData.ReadAsync(folder));
    }

    private static Task<AlertData>? s_realAlerts;

    /// <summary>Where the real alerts are. Skips the test where they are not.</summary>
    public static string RealAlerts()
    {
        var found = FindRealAlerts();
        if (found is null)
        {
            Assert.Skip("The real alerts are not on this machine: set SIGNALBOX_DATA to the folder that holds alerts/ssh.");
        }
        return found;
    }

    /// <summary>Where the real alerts are: <c>SIGNALBOX_DATA</c>, or <c>shared/data</c> in a folder above; null where they are not.</summary>
    public static string? FindRealAlerts()
    {
        var candidates = new List<string>();
        if (Environment.GetEnvironmentVariable("SIGNALBOX_DATA") is { Length: > 0 } named)
        {
            candidates.Add(named);
        }
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            candidates.Add(Path.Combine(folder.FullName, "shared", "data"));
        }
        return candidates.Select(data => Path.Combine(data, "alerts", "ssh")).FirstOrDefault(Directory.Exists);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>A clock that a test moves by hand.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly List<Timer> _timers = [];
    private readonly Lock _lock = new();
    private DateTimeOffset _now = new(2025, 3, 4, 9, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        lock (_lock)
        {
            _timers.Add(timer);
        }
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        _now += by;
        Timer[] due;
        lock (_lock)
        {
            due = [.. _timers.Where(timer => timer.Due <= _now)];
            _timers.RemoveAll(due.Contains);
        }
        foreach (var timer in due)
        {
            timer.Fire();
        }
    }

    private sealed class Timer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; } = DateTimeOffset.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : clock._now + dueTime;
            return true;
        }

        public void Fire() => callback(state);

        public void Dispose() => Due = DateTimeOffset.MaxValue;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
