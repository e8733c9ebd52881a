using System.CommandLine;
using Signalbox.CommandLine.Checking;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox backup</c>: a copy of a store, whoever writes it meanwhile, and the proof that the copy is whole.</summary>
internal static class BackupCommand
{
    public static Command Create(CommandContext context)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Where the copy goes: a folder that does not exist yet." };
        var command = new Command("backup", "Copies a store with its payloads and the files beside it, also while a program works on it, and checks the copy.") { folder };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var target = parsed.GetValue(folder)!;
            if (string.IsNullOrWhiteSpace(target))
            {
                throw CliException.WrongUse("backup wants the path of a folder; got an empty text. Nothing was done.");
            }

            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var copy = await store.BackupAsync(target, cancellationToken);
            await using var copied = await OpenStore.OpenAsync(copy.Database, context.Surface.Clock, cancellationToken);
            using var progress = new Progress(context.Error, context.Surface.ShowsProgress);
            var wantsJson = context.WantsJson(parsed);
            var report = new CheckReport(
                fault =>
                {
                    progress.Clear();
                    CheckCommand.Write(context, fault, wantsJson);
                },
                r => progress.Show($"{Words.Number(r.Entries)} entries of {Words.Number(r.Runs)} runs of the copy read"));
            await CheckCommand.CheckAsync(copied, [], report, cancellationToken);
            progress.Clear();
            if (wantsJson)
            {
                JsonOutput.Line(context.Output, json =>
                {
                    json.WriteStartObject();
                    json.WriteString("folder", copy.Folder);
                    json.WriteNumber("lastPosition", copy.Position);
                    json.WriteNumber("runs", copy.Runs);
                    json.WriteNumber("payloads", report.Payloads);
                    json.WriteNumber("payloadFiles", copy.PayloadFiles);
                    json.WriteNumber("faults", report.Faults);
                    json.WriteEndObject();
                });
            }
            else
            {
                context.Page.Line($"Copied {Words.Count(copy.Position, "entry", "entries")} of {Words.Count(copy.Runs, "run")} with {Words.Count(report.Payloads, "payload")} to '{target}'.");
                context.Page.Line(report.Faults == 0
                    ? new Piece("The copy was checked and has no fault.", Tone.Good)
                    : new Piece($"The copy was checked and has {Words.Count(report.Faults, "fault")}, which the store has too: signalbox check", Tone.Bad));
            }

            return report.Faults == 0 ? ExitCodes.Ok : ExitCodes.Refused;
        });
        return command;
    }
}
