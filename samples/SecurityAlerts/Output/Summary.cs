using System.Globalization;
using System.Text;
using Signalbox;

namespace SecurityAlerts;

/// <summary>A command that the reader may want to run next, and what it does.</summary>
internal sealed record NextCommand(string Command, string What);

/// <summary>
/// What the command says at its end: plain text for a person, at most 100 columns wide, the same on a terminal and in
/// a file. Text that came from outside is escaped.
/// </summary>
internal static class Summary
{
    private const int Columns = 100;
    private const int WaitingMax = 10;
    private const int WishesMax = 10;
    private const int ReasonCharsMax = 180;
    private const string Indent = "      ";
    public const int FaultsPerFileMax = 5;

    public static string Format(
        IReadOnlyList<DecidedAlert> alerts, AgentFigures figures, IReadOnlyList<Fault> faults, TimeSpan took, IReadOnlyList<NextCommand> next, int left = 0, CareSummary? care = null)
    {
        var text = new StringBuilder();
        care ??= CareSummary.None;
        Heading(text, alerts, took, left);
        Requests(text, care);
        Decisions(text, alerts);
        Deciders(text, alerts);
        Agents(text, figures);
        Opposite(text, care.Opposite);
        Waiting(text, [.. alerts.Where(alert => alert.WaitsFor is not null).Select(Asking.Of), .. care.Requests.Where(request => request.WaitsFor is not null).Select(Asking.Of)]);
        Faults(text, faults);
        Next(text, next);
        return text.ToString();
    }

    private static void Heading(StringBuilder text, IReadOnlyList<DecidedAlert> alerts, TimeSpan took, int left)
    {
        var decided = alerts.Count(alert => alert.WaitsFor is null);
        var person = alerts.Count(alert => alert.WaitsFor == DecidedAlert.APerson);
        var others = alerts.Count - decided - person;
        Line(text, $"{Count(alerts.Count + left, "alert")} in {Took(took)}: {decided} decided, {person} waiting for a person"
            + $"{(others == 0 ? "" : $", {others} stopped and waiting for an operator")}{(left == 0 ? "" : $", {left} not finished")}.");
    }

    private static void Requests(StringBuilder text, CareSummary care)
    {
        var requests = care.Requests;
        if (requests.Count + care.Left == 0)
        {
            return;
        }
        var (person, others) = (requests.Count(request => request.WaitsFor == DecidedAlert.APerson), requests.Count(request => request.WaitsFor == DecidedAlert.AnOperator));
        var letIn = requests.Where(request => request.IsLetIn).Select(request => request.Id).ToList();
        var overruled = letIn.Count(id => care.Opposite.Any(wish => wish.Earlier == id && wish.Ruling?.Outcome == "overrules"));
        Line(text, $"{Count(requests.Count + care.Left, "customer's request", "customers' requests")}: {letIn.Count} let in{(overruled == 0 ? "" : $" ({overruled} overruled since)")}, {requests.Count - letIn.Count - person - others} left, {person} waiting for a person"
            + $"{(others == 0 ? "" : $", {others} stopped and waiting for an operator")}{(care.Left == 0 ? "" : $", {care.Left} not finished")}.");
    }

    private static void Decisions(StringBuilder text, IReadOnlyList<DecidedAlert> alerts)
    {
        if (alerts.Count == 0)
        {
            return;
        }
        Line(text, "");
        foreach (var decision in Enum.GetValues<Decision>())
        {
            var such = alerts.Where(alert => Written(alert) == decision).ToList();
            var (already, unverified) = (such.Count(alert => alert.WasSoAlready), such.Count(alert => alert.IsUnverified));
            Line(text, $"  {decision.InText(),-16}{such.Count,6}{(already == 0 ? "" : $"   ({already} of them found done already, and verified)")}{(unverified == 0 ? "" : $"   ({unverified} of them unverified, seen by the second look)")}");
        }
    }

    private static void Deciders(StringBuilder text, IReadOnlyList<DecidedAlert> alerts)
    {
        var deciders = alerts.Where(alert => alert.WaitsFor is null).CountBy(alert => alert.DecidedBy)
            .OrderByDescending(decider => decider.Value).ThenBy(decider => decider.Key, StringComparer.Ordinal).ToList();
        if (deciders.Count == 0)
        {
            return;
        }
        Line(text, "");
        Line(text, "Decided by");
        foreach (var (decider, count) in deciders)
        {
            Line(text, $"  {TerminalText.Escape(decider, 36),-40}{count,6}");
        }
    }

    private static void Agents(StringBuilder text, AgentFigures figures)
    {
        if (figures.Climbs.Count > 0)
        {
            Line(text, "");
            Line(text, "Climbed");
            foreach (var climb in figures.Climbs)
            {
                Line(text, $"  {TerminalText.Escape($"{climb.From} to {climb.To}", 20),-20}{TerminalText.Escape(climb.Reason.Replace('_', ' '), 18),-20}{climb.Count,6}");
            }
        }

        if (figures.Rejected.Count > 0)
        {
            Line(text, "");
            Line(text, "Rejected calls and answers");
            foreach (var (why, count) in figures.Rejected)
            {
                Line(text, $"  {TerminalText.Escape(why.Replace('_', ' '), 36),-40}{count,6}");
            }
        }

        if (figures.ByTier.Count > 0)
        {
            Line(text, "");
            Line(text, $"{"Spent",-22}{"calls",10}{"tokens",14}{"cost",12}");
            foreach (var (tier, spent) in figures.ByTier.Append(new("in all", figures.ByTier.Values.Aggregate(Spending.None, (all, one) => all + one))))
            {
                Line(text, string.Create(CultureInfo.InvariantCulture, $"  {TerminalText.Escape(tier, 20),-20}{spent.Calls,10:N0}{spent.InputTokens + spent.OutputTokens,14:N0}{spent.Money,12:0.00##}"));
            }
        }
    }

    private static void Opposite(StringBuilder text, IReadOnlyList<OppositeWish> wishes)
    {
        if (wishes.Count == 0)
        {
            return;
        }
        Line(text, "");
        Line(text, "Opposite wishes");
        foreach (var wish in wishes.Take(WishesMax))
        {
            Wrapped(text, TerminalText.Escape(wish.ToString()), "  ");
        }
        More(text, wishes.Count - WishesMax);
    }

    private static void Waiting(StringBuilder text, IReadOnlyList<Asking> asking)
    {
        foreach (var group in asking.GroupBy(one => one.WaitsFor))
        {
            Line(text, "");
            Line(text, $"Waiting for {TerminalText.Escape(group.Key, 60)}");
            foreach (var alert in group.Take(WaitingMax))
            {
                var asked = alert.Choices.Count == 0 ? "" : string.Join(", ", alert.Choices.Select(choice => TerminalText.Escape(choice, 60))) + "?";
                var run = $"  {TerminalText.Escape(alert.Id, 22),-24}{TerminalText.Escape(alert.Run, 18),-17}";
                var fits = run.Length + asked.Length <= Columns;
                Line(text, fits ? run + asked : run);
                if (!fits)
                {
                    Wrapped(text, asked, Indent);
                }
                Wrapped(text, TerminalText.Escape(alert.Reasons is [var first, ..] ? first : "no reason was given", ReasonCharsMax), Indent);
            }
            More(text, group.Count() - WaitingMax);
        }
    }

    private static void Faults(StringBuilder text, IReadOnlyList<Fault> faults)
    {
        foreach (var file in faults.GroupBy(fault => fault.File))
        {
            Line(text, "");
            Line(text, $"{Count(file.Count(), "fault")} in {file.Key}");
            foreach (var fault in file.Take(FaultsPerFileMax))
            {
                Wrapped(text, fault.ToString(), "  ");
            }
            More(text, file.Count() - FaultsPerFileMax);
        }
    }

    private static void Next(StringBuilder text, IReadOnlyList<NextCommand> next)
    {
        if (next.Count == 0)
        {
            return;
        }
        Line(text, "");
        Line(text, "Next");
        var width = next.Max(command => command.Command.Length) + 2;
        foreach (var (command, what) in next)
        {
            // A command that was cut is of no use to anybody: its explanation moves to the line below.
            if (2 + width + what.Length <= Columns)
            {
                Line(text, $"  {command.PadRight(width)}{what}");
            }
            else
            {
                text.Append("  ").Append(command).Append('\n');
                Line(text, Indent + what);
            }
        }
    }

    private static Decision Written(DecidedAlert alert) => alert.WaitsFor is null ? alert.Decision : Decision.Escalate;

    private static void More(StringBuilder text, int left)
    {
        if (left > 0)
        {
            Line(text, $"  and {left} more");
        }
    }

    private static void Line(StringBuilder text, string line) =>
        text.Append((line.Length <= Columns ? line : TerminalText.Cut(line, Columns - 3) + "...").TrimEnd()).Append('\n');

    /// <summary>What is read to do something about it is wrapped and not cut.</summary>
    private static void Wrapped(StringBuilder text, string line, string first)
    {
        var current = new StringBuilder(first);
        foreach (var word in line.Split(' '))
        {
            if (current.Length + word.Length > Columns && current.ToString().Trim().Length > 0)
            {
                Line(text, current.ToString());
                current.Clear().Append(Indent);
            }
            current.Append(word).Append(' ');
        }
        Line(text, current.ToString());
    }

    private static string Count(int n, string noun, string? several = null) => n == 1 ? $"1 {noun}" : $"{n.ToString(CultureInfo.InvariantCulture)} {several ?? noun + "s"}";

    private static string Took(TimeSpan took) =>
        took < TimeSpan.FromSeconds(10) ? string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:0.0} s")
        : took < TimeSpan.FromMinutes(2) ? string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)took.TotalMinutes} min {took.Seconds} s");

    /// <summary>An alert or a request that goes no further without somebody.</summary>
    private sealed record Asking(string Id, string Run, string WaitsFor, IReadOnlyList<string> Choices, IReadOnlyList<string> Reasons)
    {
        public static Asking Of(DecidedAlert alert) => new(alert.Id, alert.Run, alert.WaitsFor!, alert.Choices, alert.Reasons);

        public static Asking Of(HandledRequest request) => new(request.Id, request.Run, request.WaitsFor!, request.Choices, request.Reasons);
    }
}
