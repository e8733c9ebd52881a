using System.CommandLine;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox erase</c>: what runs that have ended were about, for good.</summary>
internal static class EraseCommand
{
    private const int Page = 100;

    public static Command Create(CommandContext context)
    {
        var runs = new Argument<string[]>("RUN") { Description = "The runs: their ids or how they begin, or their keys.", Arity = ArgumentArity.ZeroOrMore };
        var reason = new Option<string?>("--reason") { Description = "Why, for the record: all that will be left to say it.", HelpName = "TEXT" };
        var older = new Option<string?>("--older-than") { Description = "Instead of runs by name: all that ended before this time, or so long ago, such as 90d.", HelpName = "TIME" };
        var workflow = new Option<string?>("--workflow") { Description = "With --older-than: only runs of this workflow.", HelpName = "NAME" };
        var dry = new Option<bool>("--dry-run") { Description = "Say which runs would be erased, and erase none." };
        var command = new Command("erase", "Erases what ended runs were about, from every file of the store: bodies, causes, payloads, keys, labels. It cannot be undone. That they ran stays, and their chains still verify.") { runs, reason, older, workflow, dry };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (named, time) = (parsed.GetValue(runs)!, parsed.GetValue(older));
            if (named.Length == 0 == time is null || (time is null && parsed.GetValue(workflow) is not null))
            {
                throw CliException.WrongUse("erase wants either runs, or --older-than (and perhaps --workflow). Nothing was erased.");
            }

            if (!parsed.GetValue(dry) && time is null && string.IsNullOrWhiteSpace(parsed.GetValue(reason)))
            {
                throw CliException.WrongUse("erase wants a --reason, which is all that will be left to say why. Nothing was erased.");
            }

            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var why = parsed.GetValue(reason) ?? $"older than {time}";
            var erasing = new Erasing(context, store, why, parsed.GetValue(dry), context.WantsJson(parsed));
            if (time is not null)
            {
                await erasing.OlderAsync(RunFilters.Time("--older-than", time, context.Page.Now)!.Value, parsed.GetValue(workflow), cancellationToken);
            }
            else
            {
                var heads = new List<RunHead>();
                foreach (var run in named)
                {
                    heads.Add(await RunFinder.GetAsync(store, run, cancellationToken));
                }

                foreach (var head in heads.DistinctBy(h => h.Row.Run))
                {
                    await erasing.OneAsync(head, cancellationToken);
                }
            }

            return erasing.End();
        });
        return command;
    }

    private sealed class Erasing(CommandContext context, OpenStore store, string reason, bool isDry, bool wantsJson)
    {
        private int _erased, _refused;

        public async Task OlderAsync(DateTimeOffset before, string? workflow, CancellationToken cancellationToken)
        {
            var query = new RunQuery { Workflow = workflow, Statuses = [RunStatus.Completed, RunStatus.Failed, RunStatus.Canceled], IsErased = false, ChangedBefore = before, Limit = Page };
            while (await store.Reader.ListAsync(query, cancellationToken) is { Count: > 0 } page)
            {
                foreach (var head in page)
                {
                    await OneAsync(head, cancellationToken);
                }

                query = query with { After = page[^1].Row.Run };
            }
        }

        public async Task OneAsync(RunHead head, CancellationToken cancellationToken)
        {
            var run = head.Row.Run;
            if (isDry)
            {
                _erased++;
                Tell("would_be_erased", $"would be erased: {RunWords.Standing(head)}", run);
                return;
            }

            var children = await ChildrenAsync(run, cancellationToken);
            var result = await store.ExecuteAsync(new EraseRun(run, reason), cancellationToken);
            (_erased, _refused) = result.IsAccepted ? (_erased + 1, _refused) : (_erased, _refused + 1);
            Tell(result.Code, store.Redactor.Text(result.Message), run);
            if (result.IsAccepted && children.Count > 0)
            {
                Tell("children_remain", $"Its child runs are runs of their own, and are as they were: {string.Join(", ", children)}", run);
            }
        }

        public int End()
        {
            if (!wantsJson)
            {
                context.Page.Line(isDry
                    ? $"{Words.Count(_erased, "run")} would be erased; none was."
                    : $"{Words.Count(_erased, "run")} erased.{(_refused > 0 ? $" {Words.Count(_refused, "run")} could not be, and {(_refused == 1 ? "is as it was" : "are as they were")}." : "")}");
            }

            return _refused == 0 ? ExitCodes.Ok : ExitCodes.Refused;
        }

        private async Task<IReadOnlyList<RunId>> ChildrenAsync(RunId run, CancellationToken cancellationToken)
        {
            var children = new List<RunId>();
            await foreach (var entry in store.Reader.EntriesAsync(run, cancellationToken: cancellationToken))
            {
                if (entry.Kind == Journal.EntryKinds.ChildStarted && Journal.Body.Find<Journal.ChildStarted>(entry) is { } started)
                {
                    children.Add(started.Child);
                }
            }

            return children;
        }

        private void Tell(string code, string message, RunId run)
        {
            if (!wantsJson)
            {
                context.Page.Line(code is "ok" or "would_be_erased" or "children_remain" ? message : $"{code}: {message}");
                return;
            }

            JsonOutput.Line(context.Output, json =>
            {
                json.WriteStartObject();
                json.WriteString("run", run.Value);
                json.WriteString("code", code);
                json.WriteString("message", message);
                json.WriteEndObject();
            });
        }
    }
}
