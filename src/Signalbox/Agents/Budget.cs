using System.Globalization;
using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>What agents have used up, or may be about to.</summary>
public sealed record Spending
{
    /// <summary>Nothing.</summary>
    public static Spending None { get; } = new();

    /// <summary>One call or answer that had to be rejected.</summary>
    internal static Spending OneRejection { get; } = new() { Rejections = 1 };

    /// <summary>Model calls.</summary>
    public long Calls { get; init; }

    /// <summary>Tokens sent, those from a provider's cache included.</summary>
    public long InputTokens { get; init; }

    /// <summary>Tokens answered, reasoning included.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Money, in millionths of the price table's currency.</summary>
    public long Micros { get; init; }

    /// <summary>Time at work in model and tool calls, in microseconds; calls side by side count each.</summary>
    public long Microseconds { get; init; }

    /// <summary>Rejected tool calls and answers.</summary>
    public long Rejections { get; init; }

    /// <summary>The money, in the price table's currency.</summary>
    [JsonIgnore]
    public decimal Money => Micros / 1_000_000m;

    [JsonIgnore]
    internal bool IsNone => this == None;

    /// <summary>Both together.</summary>
    public static Spending operator +(Spending a, Spending b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return new()
        {
            Calls = a.Calls + b.Calls,
            InputTokens = a.InputTokens + b.InputTokens,
            OutputTokens = a.OutputTokens + b.OutputTokens,
            Micros = a.Micros + b.Micros,
            Microseconds = a.Microseconds + b.Microseconds,
            Rejections = a.Rejections + b.Rejections,
        };
    }

    /// <summary>The first without the second.</summary>
    public static Spending operator -(Spending a, Spending b)
    {
        ArgumentNullException.ThrowIfNull(b);
        return a + new Spending
        {
            Calls = -b.Calls,
            InputTokens = -b.InputTokens,
            OutputTokens = -b.OutputTokens,
            Micros = -b.Micros,
            Microseconds = -b.Microseconds,
            Rejections = -b.Rejections,
        };
    }

    /// <summary>Both together.</summary>
    public static Spending Add(Spending left, Spending right) => left + right;

    /// <summary>The first without the second.</summary>
    public static Spending Subtract(Spending left, Spending right) => left - right;

    /// <summary>What an entry uses up: a reservation, its settlement, a tool's time, a rejection. Most use up nothing, and a fold must not parse each of their bodies.</summary>
    public static Spending Of(Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Kind switch
        {
            EntryKinds.BudgetReserved => Body.Read<BudgetReserved>(entry).Amount,
            EntryKinds.ToolRejected or EntryKinds.AnswerRejected => OneRejection,
            EntryKinds.StepCompleted or EntryKinds.StepFailed or EntryKinds.StepAttemptFailed when MaySpend(entry) => Of(Body.Read<StepSpending>(entry)),
            _ => None,
        };
    }

    private static bool MaySpend(Entry entry) => entry.Body.Span.IndexOf("\"settlement\":"u8) >= 0 || entry.Body.Span.IndexOf("\"type\":\"tool\""u8) >= 0;

    private static Spending Of(StepSpending step) =>
        step.Settlement is { } settlement ? settlement.Spent - settlement.Reserved
        : step.Type == "tool" ? new Spending { Microseconds = step.Microseconds }
        : None;
}

/// <summary>
/// How much agents may use up. A run's budget is shared by all of its agents, in all of its states; an agent's own bounds one asking of it. Before each paid call what it may use up is
/// reserved, durably: so the overshoot is at most what calls in flight use beyond their reservation. An exhausted budget ends no run: the decision goes to a person, with all that was found.
/// </summary>
public sealed record Budget
{
    /// <summary>200 model calls, 2 million tokens, 50 rejected calls; no limit of money or time.</summary>
    public static Budget Default { get; } = new() { Calls = 200, Tokens = 2_000_000, Rejections = 50 };

    /// <summary>No limit at all.</summary>
    public static Budget Unlimited { get; } = new();

    /// <summary>Model calls.</summary>
    public int? Calls { get; init; }

    /// <summary>Tokens, sent and answered together.</summary>
    public long? Tokens { get; init; }

    /// <summary>Money, in the price table's currency.</summary>
    public decimal? Money { get; init; }

    /// <summary>Time at work in model and tool calls.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>Rejected tool calls and answers.</summary>
    public int? Rejections { get; init; }

    /// <summary>What it lacks for <paramref name="next"/> on top of <paramref name="spent"/>, in words; null if it suffices.</summary>
    internal string? Lacks(Spending spent, Spending next)
    {
        var would = spent + next;
        return would.Calls > Calls ? Text("model calls", spent.Calls, Calls.Value, "")
            : would.InputTokens + would.OutputTokens > Tokens ? Text("tokens", spent.InputTokens + spent.OutputTokens, Tokens.Value, $", and the next call may take {next.InputTokens + next.OutputTokens}")
            : Money is { } money && would.Micros > money * 1_000_000m ? string.Create(CultureInfo.InvariantCulture, $"{spent.Money:0.######} of {money:0.######} of its money is spent, and the next call may cost {next.Money:0.######}")
            : Time is { } time && spent.Microseconds >= time.TotalMicroseconds ? $"agents were at work for {Durations.Text(TimeSpan.FromMicroseconds(spent.Microseconds))} of {Durations.Text(time)}"
            : spent.Rejections >= Rejections ? Text("rejected calls", spent.Rejections, Rejections.Value, "")
            : null;

        static string Text(string what, long spent, long limit, string more) => string.Create(CultureInfo.InvariantCulture, $"{spent} of {limit} {what} are spent{more}");
    }

    internal IEnumerable<string> Faults(string whose)
    {
        foreach (var (name, value) in new (string, decimal?)[] { (nameof(Calls), Calls), (nameof(Tokens), Tokens), (nameof(Money), Money), (nameof(Time), (decimal?)Time?.TotalSeconds), (nameof(Rejections), Rejections) })
        {
            if (value < 0)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"The budget of {whose} has a negative {name}: {value}.");
            }
        }
    }
}
