using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class A_name_that_nearly_exists
{
    private static readonly string[] s_tools = ["whois", "find_logins", "login_history", "asset-owner", "threatReports", "read_file", "write_file", "ip_lookup", "HTTPLogs"];

    private static readonly Arbitrary<int> s_seeds = Gen.Choose(0, int.MaxValue).ToArbitrary(); // the usual integers are few: they grow with the size of the test

    [Theory]
    [InlineData("whois", "whois")]
    [InlineData("WHOIS", "whois")]
    [InlineData("whosi", "whois")]
    [InlineData("whois_lookup", "ip_lookup,whois")]
    [InlineData("functions.whois", "whois")]
    [InlineData("mcp__files__read_file", "read_file")]
    [InlineData("findLogins", "find_logins")]
    [InlineData("find_login", "find_logins")]
    [InlineData("logins_find", "find_logins")]
    [InlineData("lookup_ip", "ip_lookup")]
    [InlineData("threat_report", "threatReports")]
    [InlineData("owner_of_asset", "asset-owner")]
    [InlineData("http_log", "HTTPLogs")]
    [InlineData("raed_file", "read_file,write_file")]
    [InlineData("delete_everything", "")]
    [InlineData("x", "")]
    [InlineData("", "")]
    [InlineData("___", "")]
    public void Is_told_what_exists_the_most_similar_first(string name, string nearest) => Assert.Equal(nearest, string.Join(',', NearestNames.Of(name, s_tools)));

    [Fact]
    public void Is_told_equally_similar_ones_in_ordinal_order_and_each_once_and_no_more_than_asked_for() =>
        Assert.Equal(["log_a", "log_b"], NearestNames.Of("log_x", ["log_c", "log_b", "log_a", "log_b"], 2));

    [Fact]
    public void Puts_an_exchange_of_two_letters_before_two_replacements() => Assert.Equal(["abcedf", "abcaaf"], NearestNames.Of("abcdef", ["abcaaf", "abcedf"]));

    [Fact]
    public void Of_a_megabyte_is_similar_only_to_what_is_as_long()
    {
        var name = string.Concat(Enumerable.Repeat("whois_", 170_000));
        Assert.Equal([name + "a"], NearestNames.Of(name, ["whois", "whois_whois_whois_whois_whois_whois_whois_whois_whois_whois_whoi", name + "a"]));
    }

    [Fact]
    public void Is_always_found_after_one_slip() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var random = new Random(seed);
            var names = Enumerable.Range(0, 20).Select(_ => new string([.. Enumerable.Range(0, random.Next(6, 20)).Select(_ => (char)random.Next('a', 'z' + 1))])).Distinct().ToArray();
            var wanted = names[0];
            var at = random.Next(wanted.Length - 1);
            var slip = random.Next(4) switch
            {
                0 => wanted.Remove(at, 1),
                1 => wanted.Insert(at, "_"),
                2 => wanted[..at] + "0" + wanted[(at + 1)..],
                _ => wanted[..at] + wanted[at + 1] + wanted[at] + wanted[(at + 2)..],
            };
            return NearestNames.Of(slip, names)[0] == wanted;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Is_answered_from_the_candidates_whatever_it_and_they_are() =>
        Prop.ForAll<string, string[], int>((name, candidates, max) =>
        {
            candidates = [.. candidates.Select(c => c ?? "")];
            var nearest = NearestNames.Of(name ?? "", candidates, max);
            return nearest.Count <= Math.Max(0, max) && nearest.All(candidates.Contains) && nearest.Distinct().Count() == nearest.Count;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
