using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox show --only</c>: one thing of a run, for people or a JSON object a line.</summary>
internal static class ShowPart
{
    private const int Indent = 6;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Members that are times, in microseconds since 1970; for programs they are written as times.</summary>
    private static readonly string[] s_times = ["at", "enteredAt", "leftAt", "endedAt", "due"];

    public static string[] Names { get; } = ["visits", "evidence", "models", "tools", "decisions", "escalations", "actions", "approvals", "costs", "children"];

    /// <exception cref="CliException">There is no such thing.</exception>
    public static string? NameOf(string? text) => text is null || Names.Contains(text) ? text : throw CliException.WrongUse($"--only wants one of {string.Join(", ", Names)}; got '{text}'. Nothing was shown.");

    public static async Task WriteAsync(CommandContext context, OpenStore store, RunHead head, string part, bool wantsJson, CancellationToken cancellationToken)
    {
        var view = await store.Queries.ViewAsync(head.Row.Run, cancellationToken) ?? new RunView { Head = head };
        var count = wantsJson ? WriteJson(context.Output, view, part) : Write(context.Page, view, part);
        if (count == 0)
        {
            context.Error.WriteLine(TerminalText.Encode($"Run '{head.Row.Run}' has no {part}."));
        }

        if (view.Unreadable.Count > 0)
        {
            context.Error.WriteLine(TerminalText.Encode(
                $"{Words.Count(view.Unreadable.Count, "entry", "entries")} of it cannot be read, and may be missing here: {string.Join(", ", view.Unreadable.Take(20).Select(s => s.ToString(CultureInfo.InvariantCulture)))}. See: {CommandContext.Invocation(store, "check", head.Row.Run.Value)}"));
        }
    }

    private static int Write(Page page, RunView view, string part) => part switch
    {
        "visits" => Visits(page, view),
        "evidence" => Each(view.Evidence, e => Evidence(page, e)),
        "models" => Each(view.ModelCalls, m => ModelCall(page, m)),
        "tools" => Each(view.ToolCalls, t => ToolCall(page, t)),
        "decisions" => Each(view.Decisions, d => Decision(page, d)),
        "escalations" => Each(view.Escalations, e => Escalation(page, e)),
        "actions" => Each(view.Actions, a => ActionsCommand.Write(page, view.Head, a)),
        "approvals" => Each(view.Approvals, a => Approval(page, a)),
        "costs" => Costs(page, view),
        _ => Each(view.Children, c => page.Line(Seq(c.Seq), $"run {c.Run} of workflow {c.Workflow}, started {Time(c.At)}")),
    };

    private static int Each<T>(IReadOnlyList<T> all, Action<T> write)
    {
        foreach (var one in all)
        {
            write(one);
        }

        return all.Count;
    }

    private static int Visits(Page page, RunView view)
    {
        var end = view.Head.Row.IsOpen ? Microseconds.From(page.Now) : Microseconds.From(view.Head.Row.ChangedAt);
        foreach (var visit in view.Visits)
        {
            page.Line(
                Seq(visit.Seq), new Piece(visit.From is null ? visit.State : $"{visit.From} > {visit.State}", Tone.Strong),
                string.Create(CultureInfo.InvariantCulture, $", visit {visit.Number}, {Time(visit.EnteredAt)}, {Words.Microseconds((visit.LeftAt ?? end) - visit.EnteredAt)}{(visit.LeftAt is null && view.Head.Row.IsOpen ? " so far" : "")}"));
            page.Paragraph($"because: {(visit.Cause.Length == 0 ? "the handler said so" : visit.Cause)} ({visit.Actor})", Indent, Tone.Dim);
        }

        return view.Visits.Count;
    }

    private static void Evidence(Page page, EvidenceView evidence)
    {
        var took = Taken(evidence.Microseconds, evidence.Attempts) + (evidence.CachedMicroseconds is { } age ? $", from the cache, {Words.Microseconds(age)} old" : "");
        page.Line(
            Seq(evidence.Seq), new Piece(evidence.Source + AgentWords.Arguments(evidence.Arguments), Tone.Strong),
            evidence.Missing is { } code ? new Piece($": MISSING ({code}, {took})", Tone.Bad) : $": {took}");
        page.Paragraph(evidence.Missing is null ? "= " + Value(evidence.Result) : evidence.Reason ?? "", Indent, Tone.Dim);
    }

    private static void ModelCall(Page page, ModelCallView call)
    {
        page.Line(
            Seq(call.Seq), new Piece($"{(call.Scope.Length == 0 ? call.Model : call.Scope)}{Turn(call.Turn)}", Tone.Strong), $" {call.Model}: ",
            call.Error is { } code
                ? new Piece($"{(call.IsFinal ? "FAILED" : "failed, tried again")} ({code}, {Taken(call.Microseconds, call.Attempts)})", call.IsFinal ? Tone.Bad : Tone.Attention)
                : $"{Tokens(call.InputTokens)} tokens in, {Tokens(call.OutputTokens)} out{(call.Micros > 0 ? $", {Words.Money(call.Micros)}" : "")}, {Taken(call.Microseconds, call.Attempts)}");
        if (call.Reason is { } reason)
        {
            page.Paragraph(reason, Indent, Tone.Dim);
        }
    }

    private static void ToolCall(Page page, ToolCallView call)
    {
        page.Line(
            Seq(call.Seq), new Piece(call.Tool + AgentWords.Arguments(call.Arguments), Tone.Strong), $" of {call.Scope}{Turn(call.Turn)}: ",
            (call.Rejected, call.Error) switch
            {
                ({ } code, _) => new Piece($"REJECTED ({code})", Tone.Attention),
                (_, { } code) => new Piece($"{(call.IsFinal ? "FAILED" : "failed, tried again")} ({code}, {Taken(call.Microseconds, call.Attempts)})", call.IsFinal ? Tone.Bad : Tone.Attention),
                _ => Taken(call.Microseconds, call.Attempts),
            });
        page.Paragraph(call.Reason is { } reason ? (call.Rejected is null ? "" : "it was told: ") + reason : "= " + Value(call.Result), Indent, Tone.Dim);
    }

    private static void Decision(Page page, DecisionView decision)
    {
        page.Line(
            Seq(decision.Seq), new Piece($"{decision.Decision}{(decision.Kind.Length == 0 ? "" : " " + decision.Kind)}", Tone.Strong),
            string.Create(CultureInfo.InvariantCulture, $" of {decision.Scope} ({decision.Model}): confidence {decision.Confidence:0.00}, "),
            decision.Stands ? new Piece("STANDS", Tone.Good) : new Piece("does not stand", Tone.Attention));
        page.Paragraph("= " + Value(decision.Answer), Indent, Tone.Dim);
        string[] lines =
        [
            .. decision.Reasons.Select(r => "reason: " + r),
            .. decision.Missing.Select(m => $"missing: {m.Key} ({m.Value})"),
            .. decision.Objection is { } objection ? new[] { "objection: " + objection } : [],
            .. decision.Outcome is { } outcome ? new[] { $"judged {outcome} by {decision.JudgedBy}" } : [],
        ];
        foreach (var line in lines)
        {
            page.Paragraph(line, Indent, Tone.Dim);
        }
    }

    private static void Escalation(Page page, EscalationView escalation)
    {
        page.Line(Seq(escalation.Seq), new Piece($"{escalation.Agent}: {escalation.From} > {(escalation.To == Ladder.Person ? "a person" : escalation.To)}", Tone.Strong), $" ({escalation.Reason}), {Time(escalation.At)}");
        page.Paragraph("because: " + escalation.Why, Indent, Tone.Dim);
    }

    private static void Approval(Page page, ApprovalView approval)
    {
        page.Line(
            Seq(approval.Seq), new Piece(Words.Step(approval.Scope, approval.Step), Tone.Strong), $", {Time(approval.At)}: ",
            approval.Outcome is { } outcome
                ? new Piece($"{outcome}{(approval.EndedAt is { } ended ? $" after {Words.Microseconds(ended - approval.At)}" : "")}", Tone.Strong)
                : new Piece("open", Tone.Attention));
        page.Paragraph(VisibleText.Of(approval.Title, 2_000), Indent, Tone.Dim);
        foreach (var why in approval.Why)
        {
            page.Paragraph("why: " + VisibleText.Of(why, 600), Indent, Tone.Dim);
        }

        foreach (var answer in approval.Answers)
        {
            page.Paragraph(VisibleText.Of($"{Time(answer.At)} {ActionsCommand.Answered(answer)}", 600), Indent);
            if (answer.Ignored is { } ignored)
            {
                page.Paragraph("changed nothing: " + VisibleText.Of(ignored, 600), Indent, Tone.Attention);
            }
        }
    }

    private static int Costs(Page page, RunView view)
    {
        var table = new Table(CostsCommand.Columns());
        foreach (var cost in view.Costs)
        {
            table.Add(CostsCommand.Cells(cost));
        }

        if (view.Costs.Count > 0)
        {
            table.Write(page);
        }

        return view.Costs.Count;
    }

    private static Piece Seq(long seq) => new(string.Create(CultureInfo.InvariantCulture, $"{seq,4}  "), Tone.Dim);

    private static string Time(long at) => Words.Time(Microseconds.ToTime(at));

    private static string Turn(int turn) => turn == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" turn {turn}");

    private static string Taken(long microseconds, int attempts) => Words.Microseconds(microseconds) + (attempts > 1 ? string.Create(CultureInfo.InvariantCulture, $", {attempts} attempts") : "");

    private static string Tokens(long? tokens) => tokens is { } n ? Words.Number(n) : "?";

    private static string Value(RawJson? value) => value is { } json ? VisibleText.Readable(EntryWords.Value(json)) : "";

    private static int WriteJson(TextWriter output, RunView view, string part)
    {
        switch (part)
        {
            case "actions":
                return Each(view.Actions, a => JsonOutput.Line(output, json => ActionsCommand.WriteJson(json, view.Head, a)));
            case "costs":
                return Each(view.Costs, c => JsonOutput.Line(output, json => CostsCommand.Write(json, view.Head.Row.Run.Value, c)));
            default:
                System.Collections.IEnumerable all = part switch
                {
                    "visits" => view.Visits,
                    "evidence" => view.Evidence,
                    "models" => view.ModelCalls,
                    "tools" => view.ToolCalls,
                    "decisions" => view.Decisions,
                    "escalations" => view.Escalations,
                    "approvals" => view.Approvals,
                    _ => view.Children,
                };
                var count = 0;
                foreach (var one in all)
                {
                    var line = JsonSerializer.SerializeToNode(one, one.GetType(), s_json)!.AsObject();
                    WithTimes(line);
                    JsonOutput.Line(output, json => line.WriteTo(json));
                    count++;
                }

                return count;
        }
    }

    /// <summary>Times of ours as times; what stands in values from outside stays as it is.</summary>
    private static void WithTimes(JsonObject line)
    {
        foreach (var name in s_times.Where(n => line[n] is JsonValue))
        {
            line[name] = JsonOutput.Iso(Microseconds.ToTime((long)line[name]!));
        }

        foreach (var answer in line["answers"] as JsonArray ?? [])
        {
            WithTimes(answer!.AsObject());
        }
    }
}
