using System.Text.Json;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I11: what a client was told has happened is in the journal exactly once, what it was told was refused never, and where it got no answer at
/// most once. The format gives signals and answers no identity, so equal requests are counted together.
/// </summary>
internal sealed class Acknowledgements(Findings findings, HistoryOptions options)
{
    private static readonly Dictionary<string, string> s_kinds = new(StringComparer.Ordinal)
    {
        ["start"] = "run.started",
        ["signal"] = "signal.received",
        ["answer"] = "approval.answered",
        ["cancel"] = "cancel.requested",
        ["retry"] = "run.retried",
        ["release"] = "run.resumed",
    };

    private readonly Dictionary<Request, Group> _groups = [];
    private readonly List<(string Workflow, string Key, string Run, long Line)> _keys = [];

    public void Read(IEnumerable<string> lines)
    {
        var name = options.AcknowledgementsName;
        foreach (var (number, line) in JsonLines.Read(lines, name))
        {
            var request = line.RequiredText("request", name, number);
            if (!s_kinds.TryGetValue(request, out var kind))
            {
                throw new BadInputException(name, number, $"expected a request (start, signal, answer, cancel, retry, release); got '{request}'");
            }

            var reply = line.RequiredText("reply", name, number);
            if (reply is not ("ok" or "refused" or "unknown"))
            {
                throw new BadInputException(name, number, $"expected a reply (ok, refused, unknown); got '{reply}'");
            }

            Take(line, number, kind, reply);
        }
    }

    public void Count(Entry entry)
    {
        if (!entry.IsFromOutside || !(entry.Kind == "approval.ignored" || s_kinds.ContainsValue(entry.Kind)))
        {
            return;
        }

        var detail = entry.Kind switch
        {
            "signal.received" => Member(entry, "name"),
            "approval.answered" or "approval.ignored" => Member(entry, "choice"),
            _ => "",
        };
        Found(new(entry.Kind, entry.Run, detail, ""));
        if (entry.Step.Length > 0)
        {
            Found(new(entry.Kind, entry.Run, detail, entry.Step));
        }
    }

    public void End(Keys keys)
    {
        foreach (var (request, group) in _groups)
        {
            var (least, most) = (group.Ok, group.Ok + group.Unknown);
            if (group.Found < least || group.Found > most)
            {
                var what = request.Kind + (request.Detail.Length > 0 ? $" '{request.Detail}'" : "") + (request.Step.Length > 0 ? $" of '{request.Step}'" : "");
                var range = least == most ? $"{least}" : $"{least} to {most}";
                findings.Add("I11", request.Run, null, $"{range} {what} (ok {group.Ok}, unknown {group.Unknown}, refused {group.Refused}; last {options.AcknowledgementsName}:{group.Line})", $"{group.Found}");
            }
        }

        foreach (var (workflow, key, run, line) in _keys)
        {
            var holder = keys.Find(workflow, key);
            if (holder != run)
            {
                findings.Add("I11", run, null, $"run '{run}' of '{workflow}' under the key '{key}' ({options.AcknowledgementsName}:{line})", holder is null ? "none" : $"'{holder}'");
            }
        }
    }

    private void Take(JsonElement line, long number, string kind, string reply)
    {
        var name = options.AcknowledgementsName;
        var run = line.Text("run", name, number);
        var code = line.Text("code", name, number);
        if (kind == "run.started" && line.Text("workflow", name, number) is { } workflow && line.Text("key", name, number) is { } key && run is not null && (reply == "ok" || code == "key_taken"))
        {
            _keys.Add((workflow, key, run, number));
        }

        if (run is null || code == "key_taken")
        {
            // No run was made for the one; of the other only its key can tell, see I12.
            return;
        }

        var detail = kind switch
        {
            "signal.received" => line.RequiredText("name", name, number),
            "approval.answered" => line.RequiredText("choice", name, number),
            _ => "",
        };
        Group(new(kind, run, detail, "")).Add(reply, number);
        if (kind != "approval.answered")
        {
            return;
        }

        var step = line.Text("name", name, number);
        if (step is not null)
        {
            Group(new(kind, run, detail, step)).Add(reply, number);
        }

        // A refused answer is recorded, too, unless there was nothing to record it on.
        var ignored = (reply, code) switch
        {
            ("refused", "approval_not_open" or "approval_expired" or "choice_unknown") => "ok",
            ("ok", _) => "refused",
            _ => "unknown",
        };
        Group(new("approval.ignored", run, detail, "")).Add(ignored, number);
    }

    private Group Group(Request request)
    {
        if (!_groups.TryGetValue(request, out var group))
        {
            _groups.Add(request, group = new Group());
        }

        return group;
    }

    private void Found(Request request)
    {
        if (_groups.TryGetValue(request, out var group))
        {
            group.Found++;
        }
    }

    private static string Member(Entry entry, string member)
    {
        try
        {
            using var document = Body.Parse(entry);
            return new Body(document.RootElement).OptionalText(member) ?? "";
        }
        catch (BodyFaultException)
        {
            return ""; // the fold says what is wrong with the body
        }
    }

    private readonly record struct Request(string Kind, string Run, string Detail, string Step);
}

/// <summary>Equal requests: how they were answered, and how often the journal has them.</summary>
internal sealed class Group
{
    public int Ok { get; private set; }

    public int Unknown { get; private set; }

    public int Refused { get; private set; }

    public int Found { get; set; }

    public long Line { get; private set; }

    public void Add(string reply, long line)
    {
        Line = line;
        _ = reply switch
        {
            "ok" => ++Ok,
            "unknown" => ++Unknown,
            _ => ++Refused,
        };
    }
}
