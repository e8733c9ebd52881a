using System.Globalization;
using Spectre.Console;

namespace SecurityAlerts;

/// <summary>How far the work is.</summary>
internal readonly record struct Progress(int Handled, int Waiting, int All)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Handled} of {All} alerts handled{(Waiting == 0 ? "" : $", {Waiting} waiting for a person")}");
}

/// <summary>
/// Where the command speaks: lines on standard output, trouble on standard error, and a bar while there is somebody to watch it. Into a file or a
/// pipe go plain lines only. Safe to call from several threads.
/// </summary>
internal sealed class Screen(TimeProvider clock)
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BarEvery = TimeSpan.FromMilliseconds(100);

    private readonly Lock _writing = new();
    private bool _hasBar;

    private static bool IsWatched => !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true };

    /// <summary>Says a line, which is escaped already where it holds text from outside.</summary>
    public void Say(string line)
    {
        lock (_writing)
        {
            if (_hasBar)
            {
                AnsiConsole.WriteLine(line);
            }
            else
            {
                Console.Out.WriteLine(line);
            }
        }
    }

    /// <summary>Says a line of trouble. With a bar on the same terminal it goes above the bar.</summary>
    public void Warn(string line)
    {
        lock (_writing)
        {
            if (_hasBar && !Console.IsErrorRedirected)
            {
                AnsiConsole.WriteLine(line);
            }
            else
            {
                Console.Error.WriteLine(line);
            }
        }
    }

    /// <summary>Shows how far the work is until it ends.</summary>
    public async Task WatchAsync(Func<Progress> progress, Task work)
    {
        if (!IsWatched)
        {
            await SayAsync(progress, work);
            return;
        }

        _hasBar = true;
        try
        {
            await AnsiConsole.Progress().AutoClear(true).HideCompleted(true)
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 40 }, new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(async bar =>
                {
                    var task = bar.AddTask("alerts");
                    while (await IsGoingOnAsync(work, BarEvery))
                    {
                        var now = progress();
                        task.MaxValue = Math.Max(1, now.All);
                        task.Value = now.Handled + now.Waiting;
                        task.Description = Markup.Escape(now.ToString());
                    }
                });
        }
        finally
        {
            _hasBar = false;
        }

        await work;
    }

    private async Task SayAsync(Func<Progress> progress, Task work)
    {
        while (await IsGoingOnAsync(work, LineEvery))
        {
            Say(progress().ToString());
        }

        await work;
    }

    private async Task<bool> IsGoingOnAsync(Task work, TimeSpan pause)
    {
        await Task.WhenAny(work, Task.Delay(pause, clock));
        return !work.IsCompleted;
    }
}
