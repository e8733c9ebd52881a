using System.CommandLine;
using System.Globalization;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox show</c>: one run, from its row to its last entry.</summary>
internal static class ShowCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var full = new Option<bool>("--full") { Description = "Show the bodies of entries, with what is stored apart." };
        var conversation = new Option<string?>("--conversation")
        {
            Description = "Show what models were asked and answered, word for word, instead: all of it, or that of one scope, such as analyst/fast.",
            HelpName = "SCOPE",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var only = new Option<string?>("--only") { Description = $"Show one thing of it instead: {string.Join(", ", ShowPart.Names)}. 'visits' has every transition with its cause and how long it stayed.", HelpName = "WHAT" };
        only.CompletionSources.Add([.. ShowPart.Names]);
        var one = new Option<long?>("--entry") { Description = "Show this one entry instead, whole: its number in the run.", HelpName = "SEQ" };
        var diagram = new Option<bool>("--diagram") { Description = "Draw the workflow as a Mermaid state diagram instead." };
        var command = new Command("show", "Shows a run: how it stands, its path, its timeline, its open questions.") { run, only, full, conversation, diagram, one };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var part = ShowPart.NameOf(parsed.GetValue(only));
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var head = await RunFinder.GetAsync(store, parsed.GetValue(run)!, cancellationToken);
            if (parsed.GetValue(diagram))
            {
                DefinitionCommand.WriteMermaid(context.Page, (await DefinitionCommand.LoadAsync(store, head.Row, cancellationToken)).Definition);
            }
            else if (part is not null)
            {
                await ShowPart.WriteAsync(context, store, head, part, context.WantsJson(parsed), cancellationToken);
            }
            else if (parsed.GetValue(one) is { } seq)
            {
                await WriteEntryAsync(context, store, head, seq, context.WantsJson(parsed), cancellationToken);
            }
            else if (parsed.GetResult(conversation) is not null)
            {
                await ShowConversation.WriteAsync(context, store, head, parsed.GetValue(conversation), context.WantsJson(parsed), cancellationToken);
            }
            else if (context.WantsJson(parsed))
            {
                await ShowJson.WriteAsync(context.Output, store, head, parsed.GetValue(full), cancellationToken);
            }
            else
            {
                await WriteAsync(context.Page, store, head, parsed.GetValue(full), cancellationToken);
            }
        });
        return command;
    }

    private static async Task WriteAsync(Page page, OpenStore store, RunHead head, bool full, CancellationToken cancellationToken)
    {
        WriteHeader(page, head);
        page.Field("path", RunPath.Of((await store.Queries.ViewAsync(head.Row.Run, cancellationToken))?.Visits ?? []));

        page.Line();
        page.Line(new Piece("Timeline", Tone.Strong));
        var timeline = new Timeline(page, Microseconds.From(head.Row.StartedAt));
        await foreach (var entry in store.Queries.JournalAsync(head.Row.Run, head.Seq, cancellationToken))
        {
            timeline.Add(entry, full && !entry.Body.IsEmpty ? await FullAsync(store.Queries, entry, cancellationToken) : null, await ApartAsync(store.Queries, entry, cancellationToken));
        }

        await WriteWaitsAsync(page, store, head, cancellationToken);
        await WriteNextAsync(page, store, head, cancellationToken);
    }

    private static async Task WriteEntryAsync(CommandContext context, OpenStore store, RunHead head, long seq, bool wantsJson, CancellationToken cancellationToken)
    {
        if (seq < 0 || await store.Reader.ReadAsync(head.Row.Run, seq, 1, cancellationToken) is not [var entry] || entry.Seq != seq)
        {
            throw new CliException(ExitCodes.Refused, "entry_not_found", string.Create(CultureInfo.InvariantCulture, $"Run {head.Row.Run} has entries from 0 to {head.Seq}; got {seq}."));
        }

        if (wantsJson)
        {
            await ShowJson.WriteEntryAsync(context.Output, store, entry, cancellationToken);
            return;
        }

        var page = context.Page;
        page.Line(new Piece($"Run {entry.Run}", Tone.Strong), string.Create(CultureInfo.InvariantCulture, $"  entry {entry.Seq} of {head.Seq}, {entry.Kind}"));
        page.Field("state", entry.State.Length == 0 ? "none yet" : string.Create(CultureInfo.InvariantCulture, $"{entry.State}, visit {entry.Visit}"));
        foreach (var (name, text) in new[] { ("scope", entry.Scope), ("step", entry.Step), ("actor", entry.Actor), ("cause", entry.Cause) })
        {
            if (text.Length > 0)
            {
                page.Field(name, text);
            }
        }

        var timeline = new Timeline(page, Microseconds.From(head.Row.StartedAt));
        timeline.Add(entry, entry.Body.IsEmpty ? null : await FullAsync(store.Queries, entry, cancellationToken), await ApartAsync(store.Queries, entry, cancellationToken));
    }

    private static void WriteHeader(Page page, RunHead head)
    {
        var row = head.Row;
        page.Line(new Piece($"Run {row.Run}", Tone.Strong), string.Create(CultureInfo.InvariantCulture, $"  {row.Workflow} v{row.Version}"));
        page.Field("status", RunWords.Status(head), RunWords.ToneOf(row.Status));
        if (row.IsErased)
        {
            page.Field("erased", "bodies, causes, key and labels are gone; what is left is that it ran, when, through which states and by whom", Tone.Attention);
        }

        if (row.Reason is { } reason)
        {
            page.Field("reason", reason, Tone.Bad);
        }

        page.Field("state", row.State.Length == 0 ? "none yet" : string.Create(CultureInfo.InvariantCulture, $"{row.State}, visit {row.Visit}"));
        Optional("key", row.Key);
        Optional("labels", RunWords.Labels(row));
        Optional("parent", row.Parent?.Value);
        page.Field("started", $"{Words.Time(row.StartedAt)} ({Words.Ago(page.Now - row.StartedAt)})");
        page.Field("changed", $"{Words.Time(row.ChangedAt)} ({Words.Ago(page.Now - row.ChangedAt)})");
        Optional("spent", row.Spent == Spending.None ? null : AgentWords.Spent(row.Spent));
        page.Field("worker", (row.Worker ?? "none") + string.Create(CultureInfo.InvariantCulture, $", epoch {row.Epoch}"));

        void Optional(string name, string? text)
        {
            if (!string.IsNullOrEmpty(text))
            {
                page.Field(name, text);
            }
        }
    }

    private static async Task WriteWaitsAsync(Page page, OpenStore store, RunHead head, CancellationToken cancellationToken)
    {
        foreach (var question in await OpenQuestion.OfAsync(store.Queries, head, cancellationToken))
        {
            page.Line();
            page.Line(new Piece("Open question ", Tone.Strong), Words.Step(question.Wait.Scope, question.Wait.Step));
            page.Paragraph(question.Asked?.Title ?? question.Summary, 2, Tone.Attention);
            page.Field("choices", string.Join(" | ", question.Choices));
            foreach (var (choice, meaning) in question.Asked?.Meanings ?? new Dictionary<string, string>())
            {
                page.Field("", $"{choice}: {meaning}");
            }

            if (question.Asked?.Details is { IsMissing: false } details)
            {
                await WriteDetailsAsync(page, store, details, cancellationToken);
            }

            if (question.Wait.Due is { } due)
            {
                page.Field("until", $"{Words.Due(due, page.Now)}; then '{question.Asked?.Safe}' counts");
            }

            foreach (var answer in question.Commands(store, head))
            {
                page.Line(new Piece("  answer    ", Tone.Dim), answer); // not wrapped: it is there to be copied
            }
        }

        var others = head.Waits.Where(w => w.Kind != WaitKind.Approval).Select(w => WaitWords.Open(w, page.Now))
            .Concat(head.Mailbox.Select(s => string.Create(CultureInfo.InvariantCulture, $"signal '{s.Name}' lies in the mailbox, not consumed (entry {s.Seq})"))).ToList();
        if (others.Count > 0)
        {
            page.Line();
            page.Line(new Piece("Waits", Tone.Strong));
            others.ForEach(o => page.Paragraph(o, 2));
        }
    }

    private static async Task WriteDetailsAsync(Page page, OpenStore store, RawJson details, CancellationToken cancellationToken)
    {
        var json = details.Reference is { } hash ? await store.Reader.FindPayloadAsync(hash, cancellationToken) : details.Utf8;
        if (json is { } bytes)
        {
            json = store.Queries.Redactor.Json(new RawJson(bytes)).Utf8;
        }

        if (json is null)
        {
            page.Field("details", $"(payload {details.Reference} is missing or altered)", Tone.Bad);
        }
        else if (StoredJson.Compact(json.Value) is { Length: <= 70 } line)
        {
            page.Field("details", line);
        }
        else
        {
            page.Line(new Piece("  details", Tone.Dim));
            page.Json(StoredJson.Indent(json.Value), 4);
        }
    }

    private static async Task WriteNextAsync(Page page, OpenStore store, RunHead head, CancellationToken cancellationToken)
    {
        if (await NextSteps.OfAsync(store, head, cancellationToken, withQuestions: false) is { Count: > 0 } steps)
        {
            page.Line();
            page.Line(new Piece("Next", Tone.Strong));
            NextSteps.Write(page, steps);
        }
    }

    /// <summary>What an agent was pinned to, which a reader wants to see at once.</summary>
    /// <summary>What an agent works under, where an entry says that one begins.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ApartAsync(RunQueries queries, Entry entry, CancellationToken cancellationToken)
    {
        if (entry.Kind != EntryKinds.AgentBegan || Body.Find<AgentBegan>(entry) is not { Configuration: { IsMissing: false } configuration })
        {
            return null;
        }

        var json = configuration.Reference is { } hash ? await queries.Reader.FindPayloadAsync(hash, cancellationToken) : configuration.Utf8;
        return json is { } bytes ? queries.Redactor.Json(new RawJson(bytes)).Utf8 : (ReadOnlyMemory<byte>?)null;
    }

    private static async Task<string> FullAsync(RunQueries queries, Entry entry, CancellationToken cancellationToken) =>
        StoredJson.Indent((await queries.EntryAsync(entry.Run, entry.Seq, cancellationToken))?.Body?.Utf8 ?? entry.Body);
}
