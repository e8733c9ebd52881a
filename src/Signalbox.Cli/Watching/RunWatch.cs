using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Watching;

/// <summary>Follows one run entry by entry until it ends or needs a person.</summary>
internal sealed class RunWatch(CommandContext context, OpenStore store, LogTail tail, bool wantsJson)
{
    public async Task<int> FollowAsync(RunHead head, bool stay, CancellationToken cancellationToken)
    {
        var run = head.Row.Run;
        var timeline = new Timeline(context.Page, Microseconds.From(head.Row.StartedAt));
        var position = await store.Reader.FindLogEndAsync(0, cancellationToken);
        for (long next = 0; ;)
        {
            head = await store.Reader.FindAsync(run, cancellationToken) ?? throw new CliException(ExitCodes.Refused, "run_not_found", $"Run '{run}' is no longer in the store '{store.Path}'.");
            next = await WriteAsync(timeline, head, next, cancellationToken);
            if (ExitOf(head) is { } exit && (!stay || exit != ExitCodes.NeedsAPerson))
            {
                await FinishAsync(head, cancellationToken);
                return exit;
            }

            await context.Output.FlushAsync(cancellationToken);
            if (!await tail.WaitAsync(position, cancellationToken))
            {
                return ExitCodes.Stopped;
            }

            position = await store.Reader.FindLogEndAsync(position, cancellationToken);
        }
    }

    private static int? ExitOf(RunHead head) => head.Row.Status switch
    {
        RunStatus.Completed => ExitCodes.Ok,
        RunStatus.Failed or RunStatus.Canceled => ExitCodes.EndedOtherwise,
        RunStatus.Held => ExitCodes.NeedsAPerson,
        RunStatus.Waiting when head.Waits.Any(w => w.Kind == WaitKind.Approval) => ExitCodes.NeedsAPerson,
        _ => null,
    };

    /// <summary>Writes the entries from <paramref name="next"/> on, up to the head. Gives the seq of the one to come.</summary>
    private async Task<long> WriteAsync(Timeline timeline, RunHead head, long next, CancellationToken cancellationToken)
    {
        const int PageSize = 500;
        while (next <= head.Seq)
        {
            var page = await store.Reader.ReadAsync(head.Row.Run, next, (int)Math.Min(PageSize, head.Seq - next + 1), cancellationToken);
            if (page.Count == 0)
            {
                throw new JournalDamagedException(head.Row.Run, next, "entries that were there are missing");
            }

            foreach (var entry in page)
            {
                if (wantsJson)
                {
                    Write(entry);
                }
                else
                {
                    timeline.Add(entry, null, await ShowCommand.ApartAsync(store.Queries, entry, cancellationToken));
                }
            }

            next = page[^1].Seq + 1;
        }

        return next;
    }

    private void Write(Entry entry) => JsonOutput.Line(context.Output, json =>
    {
        json.WriteStartObject();
        json.WriteNumber("position", entry.Position);
        json.WriteString("run", entry.Run.Value);
        json.WriteNumber("seq", entry.Seq);
        json.WriteNumber("epoch", entry.Epoch);
        json.Time("at", entry.Time);
        json.WriteString("kind", entry.Kind);
        json.WriteString("state", entry.State);
        json.WriteNumber("visit", entry.Visit);
        json.OptionalText("scope", entry.Scope);
        json.OptionalText("step", entry.Step);
        json.WriteString("actor", entry.Actor);
        json.OptionalText("cause", entry.Cause);
        if (!entry.Body.IsEmpty)
        {
            json.Stored("body", entry.Body);
        }

        json.WriteEndObject();
    });

    private async Task FinishAsync(RunHead head, CancellationToken cancellationToken)
    {
        if (!wantsJson)
        {
            context.Page.Line();
            context.Page.Line(new Piece(RunWords.Standing(head), RunWords.ToneOf(head.Row.Status)));
            NextSteps.Write(context.Page, await NextSteps.OfAsync(store, head, cancellationToken));
        }
    }
}
