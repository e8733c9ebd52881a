using System.Globalization;
using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Queries;
using Signalbox.Storage;
using Spectre.Console;

namespace Signalbox.CommandLine.Watching;

/// <summary>Shows runs as they go: a table that is written over where a terminal allows it, else a line for each change.</summary>
internal sealed class RunsWatch(CommandContext context, OpenStore store, LogTail tail, RunQuery query)
{
    /// <summary>Lines of the live table that are no runs.</summary>
    public const int LinesAround = 5;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AgesPace = TimeSpan.FromSeconds(1);

    /// <summary>A live table, until it is stopped.</summary>
    public async Task ShowAsync(CancellationToken cancellationToken)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = context.Surface.HasColours ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(new Immediate(context.Output)),
        });
        (console.Profile.Width, console.Profile.Height) = (context.Surface.Width, context.Surface.Height);
        var position = await store.Reader.FindLogEndAsync(0, cancellationToken);
        await console.Live(await PictureAsync(cancellationToken)).AutoClear(false).StartAsync(async live =>
        {
            while (true)
            {
                live.UpdateTarget(await PictureAsync(cancellationToken));
                await Task.Delay(Pace, context.Surface.Clock, cancellationToken);
                using var sooner = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var grown = tail.WaitAsync(position, sooner.Token);
                if (await Task.WhenAny(grown, Task.Delay(AgesPace, context.Surface.Clock, cancellationToken)) == grown)
                {
                    position = await store.Reader.FindLogEndAsync(position, cancellationToken);
                }

                await sooner.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
            }
        });
    }

    /// <summary>A line for each of the runs as they stand, then one for each change of one.</summary>
    public async Task AppendAsync(bool wantsJson, CancellationToken cancellationToken)
    {
        var position = await store.Reader.FindLogEndAsync(0, cancellationToken);
        var shown = new Dictionary<RunId, string>();
        foreach (var head in (await store.Reader.ListAsync(query, cancellationToken)).Reverse())
        {
            Write(head, wantsJson, shown);
        }

        await context.Output.FlushAsync(cancellationToken);
        await foreach (var page in tail.FollowAsync(position, 1_000, cancellationToken))
        {
            foreach (var run in page.Select(e => e.Run).Distinct())
            {
                if (await FindAsync(run, cancellationToken) is { } head)
                {
                    Write(head, wantsJson, shown);
                }
            }

            await context.Output.FlushAsync(cancellationToken);
        }
    }

    /// <summary>The run, if it is one of those that are watched.</summary>
    private async Task<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) =>
        await store.Reader.ListAsync(query with { IdPrefix = run.Value, After = null, Limit = 10 }, cancellationToken) is var found ? found.FirstOrDefault(h => h.Row.Run == run) : null;

    private void Write(RunHead head, bool wantsJson, Dictionary<RunId, string> shown)
    {
        var row = head.Row;
        var stands = $"{RunWords.Status(head)} {row.State} {row.Visit.ToString(CultureInfo.InvariantCulture)}";
        if (shown.TryGetValue(row.Run, out var before) && before == stands)
        {
            return;
        }

        _ = row.IsOpen ? shown[row.Run] = stands : shown.Remove(row.Run) ? "" : "";
        if (wantsJson)
        {
            JsonOutput.Line(context.Output, json => RunJson.Write(json, head));
            return;
        }

        context.Page.Line(
            new Piece($"{Words.Time(row.ChangedAt)}  ", Tone.Dim), $"{row.Run}  {string.Create(CultureInfo.InvariantCulture, $"{row.Workflow} v{row.Version}")}  {(row.State.Length == 0 ? "-" : row.State)}  ",
            new Piece(RunWords.Status(head), RunWords.ToneOf(row.Status)), new Piece(row.Reason is { } reason ? $"  {TextWidth.Fit(TerminalText.Encode(reason), 80)}" : "", Tone.Dim));
    }

    private async Task<Spectre.Console.Rendering.IRenderable> PictureAsync(CancellationToken cancellationToken)
    {
        var runs = await store.Reader.ListAsync(query, cancellationToken);
        var picture = new StringWriter();
        var page = new Page(picture, context.Surface);
        page.Line(new Piece($"{Words.Count(runs.Count, "run")} of {store.Path}", Tone.Strong), new Piece($", the newest first, {Words.Time(page.Now)}; Ctrl-C ends this", Tone.Dim));
        page.Line();
        var table = new Rendering.Table(new("RUN"), new("WORKFLOW", 12), new("STATE", 8), new("STATUS", 16), new("AGE"), new("CHANGED"), new("KEY, LABELS", 11));
        foreach (var head in runs)
        {
            var row = head.Row;
            table.Add(
                row.Run.Value, string.Create(CultureInfo.InvariantCulture, $"{row.Workflow} v{row.Version}"), row.State, new Piece(RunWords.Status(head), RunWords.ToneOf(row.Status)), Words.Age(page.Now - row.StartedAt),
                Words.Ago(page.Now - row.ChangedAt), new Piece(string.Join(' ', new[] { row.Key ?? "", RunWords.Labels(row) }.Where(t => t.Length > 0)), Tone.Dim));
        }

        table.Write(page);
        return new Picture(picture.ToString());
    }

    /// <summary>Lines that are laid out and encoded already.</summary>
    private sealed class Picture(string text) : Spectre.Console.Rendering.Renderable
    {
        protected override IEnumerable<Spectre.Console.Rendering.Segment> Render(Spectre.Console.Rendering.RenderOptions options, int maxWidth)
        {
            foreach (var line in text.TrimEnd('\n').Split('\n'))
            {
                yield return Spectre.Console.Rendering.Segment.Control(line);
                yield return Spectre.Console.Rendering.Segment.LineBreak;
            }
        }
    }

    /// <summary>Writes through: what is live must be seen now.</summary>
    private sealed class Immediate(TextWriter inner) : StringWriter(CultureInfo.InvariantCulture)
    {
        public override void Write(char value) => inner.Write(value);

        public override void Write(string? value)
        {
            inner.Write(value);
            inner.Flush();
        }

        public override void Write(char[] buffer, int index, int count) => inner.Write(buffer, index, count);

        public override void Flush() => inner.Flush();
    }
}
