using System.CommandLine;
using System.Globalization;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Sqlite;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox search</c>: entries by their text.</summary>
internal static class SearchCommand
{
    private const int LimitMax = 1000;

    public static Command Create(CommandContext context)
    {
        var text = new Argument<string[]>("TEXT") { Description = "Words, all of which must occur, or in one pair of the shell's quotation marks 'word \"a phrase\" begin* -without'; 192.0.2.7 or tool_use_id exactly. None: all that the filters let pass.", Arity = ArgumentArity.ZeroOrMore };
        var filters = new Filters();
        var rank = new Option<bool>("--rank") { Description = "The best matches first (of the newest 10,000), in place of the newest." };
        var limit = new Option<int>("--limit") { Description = "How many at most.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var after = new Option<string?>("--after") { Description = "Go on after an earlier page, which says how.", HelpName = "PLACE" };
        var status = new Option<bool>("--status") { Description = "Say how far the index has come, and nothing else." };
        var rebuild = new Option<bool>("--rebuild") { Description = "Make the index anew from the journal first; only where no other program feeds it." };
        var command = new Command("search", "Finds entries by their text: prompts, answers, reasons, arguments and results of tools, causes, errors.") { text, rank, limit, after, status, rebuild };
        filters.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var wanted = parsed.GetValue(limit) is >= 1 and <= LimitMax and var number ? number : throw CliException.WrongUse($"--limit wants a number from 1 to {LimitMax.ToString("N0", CultureInfo.InvariantCulture)}; got {parsed.GetValue(limit)}. Nothing was listed.");
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var query = await filters.ReadAsync(parsed, store, context.Surface.Clock.GetUtcNow(), cancellationToken) with
            {
                Text = string.Join(' ', parsed.GetValue(text)!),
                ByRank = parsed.GetValue(rank),
                Limit = wanted,
                After = parsed.GetValue(after),
            };
            await using var index = store.OpenIndex();
            await FeedAsync(context, store, index, parsed.GetValue(rebuild), cancellationToken);
            if (parsed.GetValue(status))
            {
                WriteStatus(context, parsed, store, await index.StatusAsync(cancellationToken));
                return;
            }

            var page = await index.SearchAsync(query, cancellationToken);
            if (context.WantsJson(parsed))
            {
                WriteJson(context, page);
            }
            else
            {
                Write(context, store, page);
            }

            TellRest(context, store, page);
        });
        return command;
    }

    /// <summary>Where nobody else feeds the index, this command does, before it looks.</summary>
    private static async Task FeedAsync(CommandContext context, OpenStore store, SqliteIndex index, bool anew, CancellationToken cancellationToken)
    {
        using var progress = new Progress(context.Error, context.Surface.ShowsProgress);
        try
        {
            var isFed = await index.CatchUpAsync(anew, position => progress.Show($"indexing: {Words.Number(position)} entries"), cancellationToken);
            if (anew && !isFed)
            {
                throw new CliException(
                    ExitCodes.Owned, "index_fed",
                    index.MayFeed ? "Another program feeds the search index now, so this command cannot make it anew. Nothing was changed. Stop that program, or let it be: it makes a damaged index anew by itself."
                    : $"Only the user whose store it is makes the search index anew. Nothing was changed. As that user: {CommandContext.Invocation(store, "search", "--rebuild")}");
            }
        }
        catch (Storage.StoreUnavailableException e) when (!anew)
        {
            progress.Clear();
            context.Error.WriteLine(TerminalText.Encode($"{e.Code}: The index could not be brought up to date; this is what it has. {e.Message}"));
        }
    }

    private static void Write(CommandContext context, OpenStore store, SearchPage found)
    {
        var page = context.Page;
        foreach (var hit in found.Hits)
        {
            page.Line(
                new Piece(Words.Time(Microseconds.ToTime(hit.At)), Tone.Dim), "  ", new Piece(hit.Run.Value, Tone.Strong), "  ", VisibleText.Of(hit.State.Length == 0 ? "no state yet" : hit.State, 60), "  ",
                new Piece(hit.Kind, Tone.Attention), "  ", VisibleText.Of(Words.Step(hit.Scope, hit.Step), 100));
            if (hit.Context.Count > 0)
            {
                // Where there are no colours, marks stand around what was found.
                page.Line(["    ", .. hit.Context.Select(c => c.IsMatch ? new Piece(context.Surface.HasColours ? c.Text : $"»{c.Text}«", Tone.Attention) : new Piece(c.Text))]);
            }

            page.Line(new Piece("    " + OpenCommand(store, hit), Tone.Dim));
        }
    }

    private static string OpenCommand(OpenStore store, SearchHit hit) => CommandContext.Invocation(store, "show", hit.Run.Value, "--entry", hit.Seq.ToString(CultureInfo.InvariantCulture));

    private static void WriteJson(CommandContext context, SearchPage found)
    {
        foreach (var hit in found.Hits)
        {
            JsonOutput.Line(context.Output, json =>
            {
                json.WriteStartObject();
                json.WriteNumber("position", hit.Position);
                json.WriteString("run", hit.Run.Value);
                json.WriteNumber("seq", hit.Seq);
                json.OptionalTime("at", hit.At);
                json.OptionalText("workflow", hit.Workflow);
                json.WriteString("kind", hit.Kind);
                json.OptionalText("state", hit.State);
                json.WriteNumber("visit", hit.Visit);
                json.OptionalText("scope", hit.Scope);
                json.OptionalText("step", hit.Step);
                json.OptionalText("actor", hit.Actor);
                json.WriteStartArray("context");
                foreach (var piece in hit.Context)
                {
                    json.WriteStartObject();
                    json.WriteString("text", piece.Text);
                    if (piece.IsMatch)
                    {
                        json.WriteBoolean("match", true);
                    }

                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
    }

    private static void WriteStatus(CommandContext context, ParseResult parsed, OpenStore store, IndexStatus status)
    {
        if (!context.WantsJson(parsed))
        {
            context.Page.Line(TerminalText.Encode($"{Standing(status)}; {Words.Number(status.Bytes)} bytes; {(status.IsFed ? "a program feeds it" : $"no program feeds it now, a search does: {CommandContext.Invocation(store, "search", "TEXT")}")}."));
            return;
        }

        JsonOutput.Line(context.Output, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("position", status.Position);
            json.WriteNumber("logEnd", status.LogEnd);
            json.WriteNumber("lag", status.Lag);
            json.WriteNumber("behindMicroseconds", (long)status.Behind.TotalMicroseconds);
            json.WriteBoolean("isFed", status.IsFed);
            json.WriteNumber("bytes", status.Bytes);
            json.OptionalText("trouble", status.Trouble);
            json.WriteEndObject();
        });
    }

    private static void TellRest(CommandContext context, OpenStore store, SearchPage found)
    {
        if (found.Hits.Count == 0)
        {
            context.Error.WriteLine(TerminalText.Encode($"The store '{store.Path}' has no such entry{(found.Status.Lag > 0 ? " among those that its index has" : "")}."));
        }

        if (found.Next is { } next)
        {
            context.Error.WriteLine(TerminalText.Encode($"There are more. The next ones: the same command with --after {next}"));
        }

        if (found.Status.Lag > 0 || found.Status.Trouble is not null)
        {
            context.Error.WriteLine(TerminalText.Encode(Standing(found.Status) + "."));
        }
    }

    private static string Standing(IndexStatus status) =>
        (status.Lag == 0
            ? $"The index has all {Words.Count(status.LogEnd, "entry", "entries")}"
            : $"The index has {Words.Number(status.Position)} of {Words.Count(status.LogEnd, "entry", "entries")}; what it lacks is up to {Words.Duration(status.Behind)} old")
        + (status.Trouble is { } trouble ? $". {trouble.TrimEnd('.')}" : "");

    /// <summary>The options that say which entries.</summary>
    private sealed class Filters
    {
        private readonly Option<string?> _workflow = new("--workflow") { Description = "Only of this workflow.", HelpName = "NAME" };
        private readonly Option<string?> _state = new("--state") { Description = "Only what was written in this state.", HelpName = "STATE" };
        private readonly Option<string[]> _kind = new("--kind") { Description = "Only entries of this kind, such as decision.made, or family, such as 'tool.*'; may be given several times.", HelpName = "KIND", DefaultValueFactory = _ => [] };
        private readonly Option<string?> _agent = new("--agent") { Description = "Only of this agent.", HelpName = "NAME" };
        private readonly Option<string?> _tier = new("--tier") { Description = "Only of this tier.", HelpName = "TIER" };
        private readonly Option<string?> _code = new("--code") { Description = "Only with this code: how a step failed, why a call was rejected, why a decision climbed.", HelpName = "CODE" };
        private readonly Option<string?> _run = new("--run") { Description = "Only of this run: its id or how it begins, or its key.", HelpName = "RUN" };
        private readonly Option<string[]> _label = new("--label") { Description = "Only of runs with this label; may be given several times.", HelpName = "NAME=VALUE", DefaultValueFactory = _ => [] };
        private readonly Option<string?> _since = new("--since") { Description = "Only what was written at this time or later: a time (UTC), or how long ago, such as 2h.", HelpName = "TIME" };
        private readonly Option<string?> _until = new("--until") { Description = "Only what was written before this time.", HelpName = "TIME" };

        public void AddTo(Command command)
        {
            foreach (var option in new Option[] { _workflow, _state, _kind, _agent, _tier, _code, _run, _label, _since, _until })
            {
                command.Add(option);
            }
        }

        public async Task<SearchQuery> ReadAsync(ParseResult parsed, OpenStore store, DateTimeOffset now, CancellationToken cancellationToken) => new()
        {
            Workflow = parsed.GetValue(_workflow),
            State = parsed.GetValue(_state),
            Kinds = parsed.GetValue(_kind)!,
            Agent = parsed.GetValue(_agent),
            Tier = parsed.GetValue(_tier),
            Code = parsed.GetValue(_code),
            Run = parsed.GetValue(_run) is { } run ? (await RunFinder.GetAsync(store, run, cancellationToken)).Row.Run : null,
            Labels = RunFilters.Labels(parsed.GetValue(_label)!),
            Since = RunFilters.Time("--since", parsed.GetValue(_since), now),
            Until = RunFilters.Time("--until", parsed.GetValue(_until), now),
        };
    }
}
