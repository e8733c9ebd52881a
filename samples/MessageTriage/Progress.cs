using System.Globalization;
using Signalbox;
using Spectre.Console;

namespace MessageTriage;

/// <summary>Shows how far an evaluation is: a bar while there is somebody to watch it, a line every few seconds in a file or a pipe.</summary>
internal sealed class Progress(TimeProvider clock) : IProgress<EvaluationProgress>
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BarEvery = TimeSpan.FromMilliseconds(100);

    private volatile StrongBoxed _now = new(default);

    private static bool IsWatched => !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true };

    private string Text => string.Create(CultureInfo.InvariantCulture, $"{_now.Value.Done} of {_now.Value.All} messages, {_now.Value.Counts.Escalated} for a person");

    public void Report(EvaluationProgress value) => _now = new(value);

    public async Task<EvaluationReport> WatchAsync(string configuration, Task<EvaluationReport> work)
    {
        if (!IsWatched)
        {
            while (await IsGoingOnAsync(work, LineEvery))
            {
                Console.Out.WriteLine($"{configuration}: {Text}");
            }

            return await work;
        }

        await AnsiConsole.Progress().AutoClear(true).HideCompleted(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 40 }, new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async bar =>
            {
                var task = bar.AddTask(Markup.Escape(configuration));
                while (await IsGoingOnAsync(work, BarEvery))
                {
                    (task.MaxValue, task.Value, task.Description) = (Math.Max(1, _now.Value.All), _now.Value.Done, Markup.Escape($"{configuration}: {Text}"));
                }
            });
        return await work;
    }

    private async Task<bool> IsGoingOnAsync(Task work, TimeSpan pause)
    {
        await Task.WhenAny(work, Task.Delay(pause, clock));
        return !work.IsCompleted;
    }

    private sealed record StrongBoxed(EvaluationProgress Value);
}
