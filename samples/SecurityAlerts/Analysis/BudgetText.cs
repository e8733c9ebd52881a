using System.Globalization;
using Signalbox;

namespace SecurityAlerts;

/// <summary>What may be spent on one alert, as options say it: <c>--budget calls=3 --budget money=0.01</c>.</summary>
internal static class BudgetText
{
    private const int CallsMax = 10_000;
    private const decimal MoneyMax = 1_000_000;

    /// <summary>The default budget, with what the options set. What is wrong with them is returned in <paramref name="wrong"/>.</summary>
    public static Budget Parse(IEnumerable<string> options, out IReadOnlyList<string> wrong)
    {
        var budget = Budget.Default;
        var faults = new List<string>();
        foreach (var option in options)
        {
            switch (option.Split('=', 2))
            {
                case ["calls", var text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var calls) && calls <= CallsMax:
                    budget = budget with { Calls = calls };
                    break;
                case ["money", var text] when decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var money) && money <= MoneyMax:
                    budget = budget with { Money = money };
                    break;
                default:
                    faults.Add($"--budget must be calls=NUMBER or money=AMOUNT, of 0 or more; got \"{TerminalText.Escape(option, 60)}\".");
                    break;
            }
        }

        wrong = faults;
        return budget;
    }
}
