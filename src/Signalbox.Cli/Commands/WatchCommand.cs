using System.CommandLine;
using Signalbox.CommandLine.Stores;
using Signalbox.CommandLine.Watching;
using Signalbox.Queries;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox watch</c>: runs as they go, whoever drives them.</summary>
internal static class WatchCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string?>("RUN") { Description = "One run, by its id or how it begins, or by its key: entry by entry, until it ends or needs a person.", Arity = ArgumentArity.ZeroOrOne };
        var filters = new RunFilterOptions();
        var stay = new Option<bool>("--stay") { Description = "Of one run: go on when it asks a person or is held." };
        var asks = new Option<bool>("--asks") { Description = "Only runs that wait for a person's answer." };
        var limit = new Option<int?>("--limit") { Description = "How many runs at most, the newest; as many as the terminal shows if left out.", HelpName = "N" };
        var command = new Command("watch", "Shows runs as they go; or follows one, and tells by its exit code how it went: 0 success, 4 needs a person, 5 ended otherwise.") { run, stay, asks, limit };
        filters.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var query = filters.Read(parsed, context.Surface.Clock.GetUtcNow()) with { AsksAPerson = parsed.GetValue(asks) };
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            await using var tail = new LogTail(store.Reader, context.Surface.Clock);
            if (parsed.GetValue(run) is { } one)
            {
                var head = await RunFinder.GetAsync(store, one, cancellationToken);
                return await new RunWatch(context, store, tail, context.WantsJson(parsed)).FollowAsync(head, parsed.GetValue(stay), cancellationToken);
            }

            query = await filters.AfterAsync(query, parsed, store, cancellationToken) with { Limit = RunFilters.Limit(parsed.GetValue(limit) ?? Math.Max(1, context.Surface.Height - RunsWatch.LinesAround)) };
            var watch = new RunsWatch(context, store, tail, query);
            await (context.Surface.IsLive && !context.WantsJson(parsed) ? watch.ShowAsync(cancellationToken) : watch.AppendAsync(context.WantsJson(parsed), cancellationToken));
            return ExitCodes.Ok;
        });
        return command;
    }
}
