using System.CommandLine;
using System.Net;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox claims</c>: who has a stake in what, who waits for whom, what conflicts there are and how they were ruled.</summary>
internal static class ClaimsCommand
{
    public static Command Create(CommandContext context)
    {
        var resource = new Option<string?>("--resource") { Description = "Only those that overlap this resource: an address, a network, or a name such as account/web-01/root.", HelpName = "RESOURCE" };
        var run = new Option<string?>("--run") { Description = "Only those of this run, with its conflicts.", HelpName = "RUN" };
        var phase = new Option<string[]>("--phase") { Description = "Only those in this phase: proposal, queued, hold or standing; may be given several times.", HelpName = "PHASE", DefaultValueFactory = _ => [] };
        var limit = new Option<int>("--limit") { Description = "How many at most.", HelpName = "N", DefaultValueFactory = _ => 1000 };
        var command = new Command("claims", "Lists what actions claim of resources, who waits for whom, and which of them are in conflict; with --run, all conflicts of that run and how they were ruled.") { resource, run, phase, limit };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var query = new ClaimQuery
            {
                Overlapping = parsed.GetValue(resource) is { } name ? [ResourceOf(name)] : null,
                Phases = [.. parsed.GetValue(phase)!.Select(PhaseOf)],
                Limit = RunFilters.Limit(parsed.GetValue(limit)),
            };
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var head = parsed.GetValue(run) is { } id ? await RunFinder.GetAsync(store, id, cancellationToken) : null;
            var rows = await store.Queries.ClaimsAsync(query with { Run = head?.Row.Run }, cancellationToken);
            var behind = await BehindAsync(store.Queries, rows, cancellationToken);
            var conflicts = await ConflictsAsync(store.Queries, head, rows, cancellationToken);
            if (context.WantsJson(parsed))
            {
                WriteJson(context, rows, behind, conflicts);
            }
            else
            {
                Write(context, store, rows, behind, conflicts);
            }

            if (rows.Count == query.Limit)
            {
                context.Error.WriteLine("There may be more. See them with --limit, or fewer with --resource, --run or --phase.");
            }
        });
        command.Add(CreateRelease(context));
        return command;
    }

    /// <summary>A conflict for programs, with its latest ruling.</summary>
    public static void WriteConflict(Utf8JsonWriter json, ConflictView conflict)
    {
        var (raised, ruled) = (conflict.Raised, conflict.Ruled);
        json.WriteStartObject();
        json.WriteString("actionId", raised.ActionId);
        json.WriteString("resource", raised.Resource);
        json.WriteString("intent", raised.Intent);
        json.WriteString("otherRun", raised.OtherRun.Value);
        json.WriteString("otherActionId", raised.OtherActionId);
        json.WriteString("otherAction", raised.OtherAction);
        json.WriteString("otherResource", raised.OtherResource);
        json.WriteString("otherIntent", raised.OtherIntent);
        json.WriteString("otherPhase", ClaimWords.Phase(raised.OtherPhase));
        json.OptionalText("by", ruled?.By);
        json.OptionalText("outcome", ruled?.Outcome);
        json.OptionalText("why", ruled?.Why);
        json.WriteEndObject();
    }

    private static Command CreateRelease(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var action = new Argument<string>("ACTION") { Description = "The action's id, as 'claims' and 'actions' tell it, or how it begins." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", HelpName = "TEXT", Required = true };
        var command = new Command("release", "Ends the standing claims of an action: nobody is kept from acting against it any more. Its effect stays.") { run, action, reason };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var head = await RunFinder.GetAsync(store, parsed.GetValue(run)!, cancellationToken);
            var given = parsed.GetValue(action)!;
            var own = await store.Queries.ClaimsAsync(new ClaimQuery { Run = head.Row.Run, Limit = RunFilters.LimitMax }, cancellationToken);
            var ids = given.Length >= 6 ? own.Select(c => c.ActionId).Where(a => a.StartsWith(given, StringComparison.Ordinal)).Distinct().ToArray() : [];
            return await Execution.RunAsync(context, parsed, store, new ReleaseClaim(head.Row.Run, ids is [var id] ? id : given, parsed.GetValue(reason)!), head, cancellationToken);
        });
        return command;
    }

    /// <summary>For each that queues: those that are settled, or have their turn, before it.</summary>
    private static async Task<Dictionary<string, IReadOnlyList<ClaimRow>>> BehindAsync(RunQueries queries, IReadOnlyList<ClaimRow> rows, CancellationToken cancellationToken)
    {
        var behind = new Dictionary<string, IReadOnlyList<ClaimRow>>(StringComparer.Ordinal);
        foreach (var queued in rows.Where(r => r.Phase == ClaimPhase.Queued).GroupBy(r => r.ActionId))
        {
            var others = await queries.ClaimsAsync(
                new ClaimQuery { Overlapping = [.. queued.Select(q => q.Claim.Resource)], Phases = [ClaimPhase.Hold, ClaimPhase.Queued], Limit = RunFilters.LimitMax }, cancellationToken);
            behind[queued.Key] = [.. others.Where(o => o.ActionId != queued.Key && (o.Phase == ClaimPhase.Hold || o.Position < queued.First().Position))];
        }

        return behind;
    }

    /// <summary>A run's conflicts, or those between the claims that are listed, each from the side that came later.</summary>
    private static async Task<IReadOnlyList<(RunId Run, ConflictView Conflict)>> ConflictsAsync(RunQueries queries, RunHead? head, IReadOnlyList<ClaimRow> rows, CancellationToken cancellationToken)
    {
        var found = new List<(RunId, ConflictView)>();
        foreach (var run in head is not null ? [head.Row.Run] : Opposed(rows))
        {
            var actions = await queries.ActionsAsync(run, cancellationToken);
            found.AddRange(actions.SelectMany(a => a.Conflicts).Where(c => head is not null || c.Raised.OtherPhase != ClaimPhase.Proposal).Select(c => (run, c)));
        }

        return found;
    }

    /// <summary>The runs of claims that are against others listed, and came later.</summary>
    private static RunId[] Opposed(IReadOnlyList<ClaimRow> rows)
    {
        var runs = new HashSet<RunId>();
        var sorted = rows.OrderBy(r => r.Claim.Resource.Path, StringComparer.Ordinal).ToArray();
        for (var i = 0; i < sorted.Length; i++)
        {
            // Of sorted paths, those that one begins follow it.
            for (var j = i + 1; j < sorted.Length && sorted[j].Claim.Resource.Path.StartsWith(sorted[i].Claim.Resource.Path, StringComparison.Ordinal); j++)
            {
                if (sorted[i].ActionId != sorted[j].ActionId && sorted[i].Claim.Opposes(sorted[j].Claim))
                {
                    runs.Add(sorted[i].Position > sorted[j].Position ? sorted[i].Run : sorted[j].Run);
                }
            }
        }

        return [.. runs];
    }

    private static void Write(
        CommandContext context, OpenStore store, IReadOnlyList<ClaimRow> rows, Dictionary<string, IReadOnlyList<ClaimRow>> behind, IReadOnlyList<(RunId Run, ConflictView Conflict)> conflicts)
    {
        var page = context.Page;
        if (rows.Count == 0)
        {
            context.Error.WriteLine(TerminalText.Encode($"The store '{store.Path}' has no such claim."));
        }
        else
        {
            var table = new Table(new("RESOURCE", 16), new("INTENT", 8), new("PHASE"), new("SINCE"), new("UNTIL"), new("RUN"), new("ACTION", 12));
            foreach (var row in rows)
            {
                table.Add(
                    VisibleText.Of(row.Claim.Resource.Name), VisibleText.Of(row.Claim.Intent), new Piece(ClaimWords.Phase(row.Phase), ClaimWords.ToneOf(row.Phase)), Words.Age(page.Now - Microseconds.ToTime(row.At)),
                    row.Until is { } until ? Words.Time(Microseconds.ToTime(until)) : "", row.Run.Value, VisibleText.Of($"{(row.Undo ? "undo " : "")}{row.Action} {row.ActionId[..Math.Min(12, row.ActionId.Length)]}"));
                if (row.Phase == ClaimPhase.Queued && behind[row.ActionId] is { Count: > 0 } before)
                {
                    table.Note("waits for " + string.Join(", ", before.Take(5).Select(b => VisibleText.Of($"'{b.Action}' of run {b.Run} ({b.Claim.Resource}, {ClaimWords.Phase(b.Phase)})"))) + (before.Count > 5 ? $" and {before.Count - 5} more" : ""));
                }
            }

            table.Write(page);
        }

        if (conflicts.Count > 0)
        {
            page.Line();
            page.Line(new Piece("Conflicts", Tone.Strong));
            foreach (var (run, conflict) in conflicts)
            {
                page.Paragraph(VisibleText.Of($"run {run}: {ClaimWords.Conflict(conflict.Raised)}"), 2, Tone.Attention);
                page.Paragraph(conflict.Ruled is null ? "no ruling yet" : VisibleText.Of(ClaimWords.Ruling(conflict.Ruled), 900), 4);
            }
        }
    }

    private static void WriteJson(
        CommandContext context, IReadOnlyList<ClaimRow> rows, Dictionary<string, IReadOnlyList<ClaimRow>> behind, IReadOnlyList<(RunId Run, ConflictView Conflict)> conflicts)
    {
        foreach (var row in rows)
        {
            JsonOutput.Line(context.Output, json =>
            {
                json.WriteStartObject();
                json.WriteString("resource", row.Claim.Resource.Name);
                json.WriteString("intent", row.Claim.Intent);
                CardPage.Texts(json, "against", row.Claim.Against);
                json.WriteString("phase", ClaimWords.Phase(row.Phase));
                json.WriteString("run", row.Run.Value);
                json.WriteString("action", row.Action);
                json.WriteString("actionId", row.ActionId);
                json.WriteBoolean("undo", row.Undo);
                json.WriteBoolean("made", row.Made);
                json.WriteNumber("priority", row.Priority);
                json.WriteNumber("position", row.Position);
                json.OptionalTime("since", row.At);
                json.OptionalTime("until", row.Until);
                CardPage.Texts(json, "behind", [.. behind.GetValueOrDefault(row.ActionId, []).Select(b => b.ActionId).Distinct()]);
                json.WriteStartArray("conflicts");
                foreach (var (_, conflict) in conflicts.Where(c => c.Conflict.Raised.ActionId == row.ActionId))
                {
                    WriteConflict(json, conflict);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
    }

    private static ClaimPhase PhaseOf(string text) => !text.Any(char.IsAsciiDigit) && Enum.TryParse<ClaimPhase>(text, ignoreCase: true, out var phase)
        ? phase
        : throw CliException.WrongUse($"--phase wants one of {string.Join(", ", Enum.GetValues<ClaimPhase>().Select(ClaimWords.Phase))}; got '{text}'. Nothing was listed.");

    /// <summary>A resource as people write it: an address or a network, with or without <c>ip/</c> before it, or a kind and names.</summary>
    private static Resource ResourceOf(string text)
    {
        var plain = text.StartsWith("ip/", StringComparison.Ordinal) ? text[3..] : text;
        if (IPAddress.TryParse(plain, out var address) && plain.AsSpan().IndexOfAny('.', ':') >= 0)
        {
            return Resource.Address(address);
        }

        if (IPNetwork.TryParse(plain, out var network))
        {
            return Resource.Network(network);
        }

        var parts = text.Split('/');
        if (parts[0] == "ip" || (IPAddress.TryParse(parts[0], out _) && parts[0].AsSpan().IndexOfAny('.', ':') >= 0))
        {
            throw CliException.WrongUse($"--resource '{text}' is neither an address nor a network, such as 192.0.2.0/24. Nothing was listed.");
        }

        try
        {
            return Resource.Of(parts[0], parts[1..]);
        }
        catch (ArgumentException)
        {
            throw CliException.WrongUse($"--resource wants an address, a network, or a kind and names such as account/web-01/root; got '{text}'. Nothing was listed.");
        }
    }
}
