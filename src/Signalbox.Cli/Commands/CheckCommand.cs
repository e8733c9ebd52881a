using System.CommandLine;
using System.Text.Json;
using Signalbox.CommandLine.Checking;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox check</c>: whether a store is what it was when it was written.</summary>
internal static class CheckCommand
{
    public static Command Create(CommandContext context)
    {
        var runs = new Argument<string[]>("RUN") { Description = "Only these runs; the whole store where none is named.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("check", "Checks hash chains, order, rows, claims, payloads and transitions. Changes nothing.") { runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var wantsJson = context.WantsJson(parsed);
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            using var progress = new Progress(context.Error, context.Surface.ShowsProgress);
            var report = new CheckReport(
                fault =>
                {
                    progress.Clear();
                    Write(context, fault, wantsJson);
                },
                r => progress.Show($"{Words.Number(r.Entries)} entries of {Words.Number(r.Runs)} runs read"));
            await CheckAsync(store, parsed.GetValue(runs)!, report, cancellationToken);
            progress.Clear();
            Summarize(context, store, report, wantsJson);
            return report.Faults == 0 ? ExitCodes.Ok : ExitCodes.Refused;
        });
        return command;
    }

    public static async Task CheckAsync(OpenStore store, string[] runs, CheckReport report, CancellationToken cancellationToken)
    {
        var check = new RunCheck(store.Unmasked, report);
        foreach (var run in runs)
        {
            await check.CheckAsync(await RunFinder.GetAsync(store, run, cancellationToken), cancellationToken);
        }

        if (runs.Length == 0)
        {
            await foreach (var head in store.Unmasked.RunsAsync(new RunQuery(), cancellationToken))
            {
                await check.CheckAsync(head, cancellationToken);
            }

            await LogCheck.CheckAsync(store.Unmasked, report, cancellationToken);
        }
    }

    public static void Write(CommandContext context, Fault fault, bool wantsJson)
    {
        if (!wantsJson)
        {
            var page = context.Page;
            var place = $"{(fault.Run is { } run ? $" run {run}" : "")}{(fault.Seq is { } seq ? $" seq {seq}" : "")}";
            page.Line(new Piece(fault.Code, Tone.Bad), place);
            page.Field("expected", fault.Expected);
            page.Field("got", fault.Got);
            return;
        }

        JsonOutput.Line(context.Output, json =>
        {
            json.WriteStartObject();
            json.WriteString("fault", fault.Code);
            json.OptionalText("run", fault.Run?.Value);
            if (fault.Seq is { } seq)
            {
                json.WriteNumber("seq", seq);
            }

            json.WriteString("expected", fault.Expected);
            json.WriteString("got", fault.Got);
            json.WriteEndObject();
        });
    }

    private static void Summarize(CommandContext context, OpenStore store, CheckReport report, bool wantsJson)
    {
        if (wantsJson)
        {
            JsonOutput.Line(context.Output, json => Write(json, report));
            return;
        }

        var page = context.Page;
        page.Line($"Checked {Words.Count(report.Runs, "run")} of the store '{store.Path}':");
        Line("chains", "each entry hashes to what it says", report.FaultsOf(FaultCodes.HashWrong));
        Line("order", "no gap in seq or position, epochs and times do not fall" + (report.LastPosition is { } last ? $"; {Words.Number(last)} positions" : ""),
            report.FaultsOf(FaultCodes.SeqGap, FaultCodes.PositionGap, FaultCodes.PositionOrder, FaultCodes.EpochFell, FaultCodes.TimeFell));
        Line("rows", "each run's row is what its entries make", report.FaultsOf(FaultCodes.RowDiffers, FaultCodes.BodyUnreadable));
        if (report.Claims is { } claims)
        {
            Line("claims", $"each of {Words.Count(claims, "claim")}, and what is used of limits, is what the entries make", report.FaultsOf(FaultCodes.ClaimDiffers));
        }

        if (report.ErasedRuns > 0 || report.FaultsOf(FaultCodes.ErasureBroken) > 0)
        {
            Line("erased", $"of {Words.Count(report.ErasedRuns, "erased run")} what is left is what was left when it was erased", report.FaultsOf(FaultCodes.ErasureBroken));
        }

        Line("payloads", $"each of {Words.Count(report.Payloads, "payload")} is present and whole", report.FaultsOf(FaultCodes.PayloadMissing));
        Line("moves", $"each of {Words.Count(report.Transitions, "transition")} is declared, in {Words.Count(report.Definitions, "stored definition")}",
            report.FaultsOf(FaultCodes.TransitionUndeclared, FaultCodes.EndUndeclared, FaultCodes.DefinitionMissing));
        page.Line(report.Faults == 0
            ? new Piece("No fault found. (Entries cut off at a run's end show only against a copy kept elsewhere.)", Tone.Good)
            : new Piece($"{Words.Count(report.Faults, "fault")} found. Nothing was changed. Keep a copy of the store, and compare with the last backup.", Tone.Bad));

        void Line(string what, string when, long faults) => page.Field(what, (faults == 0 ? "ok: " : $"{Words.Count(faults, "FAULT", "FAULTS")} against: ") + when, faults == 0 ? Tone.Plain : Tone.Bad);
    }

    private static void Write(Utf8JsonWriter json, CheckReport report)
    {
        json.WriteStartObject();
        json.WriteNumber("faults", report.Faults);
        json.WriteNumber("runs", report.Runs);
        if (report.ErasedRuns > 0)
        {
            json.WriteNumber("erasedRuns", report.ErasedRuns);
        }

        json.WriteNumber("payloads", report.Payloads);
        json.WriteNumber("transitions", report.Transitions);
        json.WriteNumber("definitions", report.Definitions);
        if (report.Claims is { } claims)
        {
            json.WriteNumber("claims", claims);
        }

        if (report.LastPosition is { } last)
        {
            json.WriteNumber("lastPosition", last);
        }

        json.WriteEndObject();
    }
}
