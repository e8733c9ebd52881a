using System.Text;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Redaction;

public sealed class Rules_of_redaction
{
    [Fact]
    public void Are_the_same_after_they_were_written_and_read()
    {
        var rules = RedactionRules.Parse(Encoding.UTF8.GetBytes(new RedactionRules(["iban", "naïve"], [@"\bX\d+"], Defaults: false).ToJson()));
        Assert.Equal((false, "iban naïve", @"\bX\d+"), (rules.Defaults, string.Join(' ', rules.Members), Assert.Single(rules.Patterns)));
        Assert.True(RedactionRules.Parse("{}"u8.ToArray()).Defaults);
    }

    [Fact]
    public void Tell_all_their_faults_at_once()
    {
        var told = Assert.Throws<FormatException>(() => RedactionRules.Parse("""{"members":["ok",""],"patterns":["(", "a*"],"defaults":1,"pattern":[]}"""u8.ToArray())).Message;
        Assert.Equal(
            "'defaults' is true or false. 'pattern' is none of members, patterns and defaults. A member has a name of 1 to 100 characters, of which one at least is a letter or a digit; got ''. "
            + "The pattern '(' is no regular expression: Invalid pattern '(' at offset 1. Not enough )'s. The pattern 'a*' matches nothing at all, and so would match everywhere.",
            told);
        Assert.Throws<FormatException>(() => RedactionRules.Parse("[]"u8.ToArray()));
        Assert.Throws<FormatException>(() => RedactionRules.Parse("{"u8.ToArray()));
    }

    [Fact]
    public void Are_found_at_what_authors_have_marked() =>
        Assert.Equal(["accountNumber", "birthday", "pin"], SensitiveMembers.Of([typeof(Customer)]));

    [Fact]
    public async Task Of_the_code_reach_the_logs_and_the_queries()
    {
        await using var bench = await Bench.StartAsync(
            signalbox => signalbox.Redact(["iban"]).Redact<Customer>().Add(new Flow(_ => throw new InvalidOperationException("the key sbk_abcdefghijkl0123 is refused"))),
            options: new HarnessOptions());
        var row = await bench.RunAsync(new Note("hello"));
        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.Contains("sbk_abcdefghijkl0123", row.Reason, StringComparison.Ordinal); // the journal keeps what it has
        Assert.DoesNotContain(bench.Harness.Log, line => line.Contains("sbk_abcdefghijkl0123", StringComparison.Ordinal));
    }

    private sealed record Customer(string Name, [property: Sensitive] DateOnly Birthday, IReadOnlyList<Account> Accounts, [Sensitive] string? Pin = null);

    private sealed record Account
    {
        [Sensitive]
        public string AccountNumber { get; init; } = "";
    }
}
