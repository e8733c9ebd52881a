using System.Text.Json;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I21: what is verified was looked at as often and as long as was asked for, by what the verdict says of it and, where the target kept one, by the target's log of looks. Only an operator may take something
/// as done that nobody looked at.
/// </summary>
internal sealed class Verification(Findings findings, HistoryOptions options)
{
    private readonly List<Verdict> _verdicts = [];
    private readonly Dictionary<string, List<Look>> _looks = new(StringComparer.Ordinal);
    private bool _anyAgreement, _anyLook;

    public void Take(Entry entry, Body body)
    {
        var probes = body.OptionalNumber("probes") ?? 0;
        if (body.Object("agreement") is not { } agreement)
        {
            if (probes > 0)
            {
                _verdicts.Add(new(entry.Run, entry.Seq, entry.At, body.Text("actionId"), !body.Flag("undo"), null));
            }

            return;
        }

        var counts = new Agreement(Of("looks"), Of("over"), Math.Max(1, Of("looksWanted")), Of("overWanted"));
        if (counts.Looks < counts.LooksWanted || counts.Over < counts.OverWanted)
        {
            findings.Add("I21", entry, $"{counts.LooksWanted} looks that agree over {counts.OverWanted} µs before '{body.Text("actionId")}' is verified", $"{counts.Looks} over {counts.Over} µs");
        }

        _anyAgreement = true;
        if (options.TargetLog is not null || options.TargetLooks is not null)
        {
            _verdicts.Add(new(entry.Run, entry.Seq, entry.At, body.Text("actionId"), !body.Flag("undo"), counts));
        }

        long Of(string member) => agreement.OptionalNumber(member) ?? 0;
    }

    /// <summary>Takes a look as a target logged it; one that says neither true nor false counts for nothing.</summary>
    public void TakeLook(JsonElement line, string name, long number)
    {
        var id = line.RequiredText("actionId", name, number);
        if (!_looks.TryGetValue(id, out var looks))
        {
            _looks.Add(id, looks = []);
        }

        _anyLook = true;
        var at = line.Number("at", name, number) ?? throw new BadInputException(name, number, "the member 'at' is missing");
        if (line.TryGetProperty("so", out var so) && so.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            looks.Add(new(so.GetBoolean(), at));
        }
    }

    public void End()
    {
        if (options.TargetLooks is { } lines)
        {
            _anyLook = true;
            foreach (var (number, line) in JsonLines.Read(lines, options.TargetLooksName))
            {
                TakeLook(line, options.TargetLooksName, number);
            }
        }

        foreach (var verdict in _verdicts)
        {
            if (verdict.Agreement is null && (options.AgreementRequired ?? _anyAgreement))
            {
                findings.Add("I21", verdict.Run, verdict.Seq, $"the agreement of the looks at '{verdict.Action}', which is verified", "none");
            }
            else if (verdict.Agreement is { } agreement && _anyLook)
            {
                CheckLooks(verdict, agreement);
            }
        }
    }

    private void CheckLooks(Verdict verdict, Agreement agreement)
    {
        var before = _looks.GetValueOrDefault(verdict.Action)?.TakeWhile(l => l.At <= verdict.At).ToArray() ?? [];
        var agreeing = before.Reverse().TakeWhile(l => l.So == verdict.So).ToArray();
        var over = agreeing.Length == 0 ? 0 : agreeing[0].At - agreeing[^1].At;
        var looks = Math.Max(agreement.Looks, agreement.LooksWanted);
        if (agreeing.Length < looks || over < agreement.OverWanted)
        {
            findings.Add(
                "I21", verdict.Run, verdict.Seq, $"{looks} looks in a row over {agreement.OverWanted} µs in the target's log before '{verdict.Action}' is verified", $"{agreeing.Length} over {over} µs");
        }
    }

    private readonly record struct Look(bool So, long At);

    private readonly record struct Agreement(long Looks, long Over, long LooksWanted, long OverWanted);

    private readonly record struct Verdict(string Run, long Seq, long At, string Action, bool So, Agreement? Agreement);
}
