using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class A_never_list
{
    private static readonly Never<Fence> s_list = new("never", "it is ours")
    {
        Resources = [Resource.Address(IPAddress.Parse("192.0.2.7")), Resource.Network(IPNetwork.Parse("198.51.100.0/24")), Resource.Network(IPNetwork.Parse("2001:db8::/48")), Resource.Of("host", "web-01")],
    };

    [Theory]
    [InlineData("192.0.2.7", "ip/192.0.2.7 is on the list: it is ours")]
    [InlineData("::ffff:192.0.2.7", "ip/192.0.2.7 is on the list: it is ours")]
    [InlineData("::FFFF:c000:0207", "ip/192.0.2.7 is on the list: it is ours")]
    [InlineData("192.0.2.7/32", "ip/192.0.2.7 is on the list: it is ours")]
    [InlineData("::ffff:192.0.2.7/128", "ip/192.0.2.7 is on the list: it is ours")]
    [InlineData("192.0.2.0/24", "ip/192.0.2.0/24 contains ip/192.0.2.7 of the list: it is ours")]
    [InlineData("::ffff:192.0.2.0/120", "ip/192.0.2.0/24 contains ip/192.0.2.7 of the list: it is ours")]
    [InlineData("0.0.0.0/0", "ip/0.0.0.0/0 contains ip/192.0.2.7 of the list, ip/0.0.0.0/0 contains ip/198.51.100.0/24 of the list: it is ours")]
    [InlineData("198.51.100.200", "ip/198.51.100.200 lies within ip/198.51.100.0/24 of the list: it is ours")]
    [InlineData("2001:db8:0:ffff::1", "ip/2001:db8:0:ffff::1 lies within ip/2001:db8::/48 of the list: it is ours")]
    [InlineData("2000::/3", "ip/2000::/3 contains ip/2001:db8::/48 of the list: it is ours")]
    [InlineData("::ffff:0:0/95", "ip/::fffe:0:0/95 contains ip/192.0.2.7 of the list, ip/::fffe:0:0/95 contains ip/198.51.100.0/24 of the list: it is ours")]
    public void Refuses_what_is_on_it_what_lies_within_and_what_contains_it(string network, string reason)
    {
        // .NET takes ::ffff:0:0/95 for what it is: a network with a bit beyond its prefix.
        var proposed = network == "::ffff:0:0/95" ? Fences.Proposed("::fffe:0:0/95") : Fences.Proposed(network);
        Assert.Equal(PolicyVerdict.Refuse(reason), s_list.Judge(proposed));
    }

    [Theory]
    [InlineData("192.0.2.6")]
    [InlineData("192.0.2.8/29")]
    [InlineData("198.51.101.0/24")]
    [InlineData("2001:db8:1::/48")]
    [InlineData("::192.0.2.7")] // an IPv6 address of its own
    public void Lets_pass_what_lies_beside_it(string network) => Assert.Equal(PolicyVerdict.Allow("nothing that it touches is on the list"), s_list.Judge(Fences.Proposed(network)));

    [Fact]
    public void Knows_hosts_in_upper_case_and_what_lies_within_them()
    {
        Assert.Equal(PolicyVerdictKind.Refuse, Verdict(Resource.Of("host", "WEB-01")));
        Assert.Equal(PolicyVerdictKind.Refuse, Verdict(Resource.Of("host", "web-01", "root")));
        Assert.Equal(PolicyVerdictKind.Allow, Verdict(Resource.Of("host", "web-011")));

        static PolicyVerdictKind Verdict(Resource resource) => s_list.Judge(Fences.Proposed(new Fence("x"), [resource]))!.Kind;
    }

    [Fact]
    public void Refuses_an_action_that_does_not_say_what_it_touches() => Assert.Equal(
        PolicyVerdict.Refuse("'fence' does not say what it touches (it has no claims), so that the list cannot be held against it"), s_list.Judge(Fences.Proposed(new Fence("192.0.2.6"), [])));

    [Fact]
    public void Sees_what_an_action_touches_beside_its_claims()
    {
        var list = new Never<Fence>("never", "ours") { Networks = ["192.0.2.7"], Touches = fence => [Resource.AddressOrNetwork(fence.Note)] };
        Assert.Equal(PolicyVerdictKind.Refuse, list.Judge(Fences.Proposed(new Fence("203.0.113.1", "192.0.2.7"), [Resource.AddressOrNetwork("203.0.113.1")]))!.Kind);
    }

    [Fact]
    public void Does_not_keep_anybody_from_an_undo() => Assert.Null(s_list.Judge(Fences.Proposed("192.0.2.7", undo: true)));

    [Fact]
    public void Does_not_concern_actions_of_another_type() => Assert.Null(s_list.Judge(Fences.Proposed(new Blind("192.0.2.7"), [])));

    [Fact]
    public void Names_each_line_of_it_that_is_no_address_and_no_network() => Assert.Equal(
        [
            "'192.0.2' is no IP address and no network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48.",
            "'192.0.2.7/24' has bits beyond its prefix; the network is 192.0.2.0/24.",
            "'2001:db8::/129' has no prefix length from 0 to 128.",
        ],
        new Never<Fence>("never", "ours") { Networks = ["192.0.2", "192.0.2.7/24", "192.0.2.0/24", "2001:db8::/129"] }.Faults());

    /// <summary>However an address of a listed network is written, and whatever network around it is meant.</summary>
    [Fact]
    public void Is_passed_by_no_form_of_an_address_and_by_no_network_around_it() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var isIPv4 = random.Next(2) == 0;
            var bytes = new byte[isIPv4 ? 4 : 16];
            random.NextBytes(bytes);
            var listed = Network(bytes, random.Next((bytes.Length * 8) + 1));
            var list = new Never<Fence>("never", "ours") { Networks = [listed] };

            // An address within, or a network that meets it: both begin with the shorter prefix.
            var length = int.Parse(listed.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture);
            var within = (byte[])bytes.Clone();
            for (var bit = length; bit < within.Length * 8; bit++)
            {
                within[bit / 8] ^= (byte)(random.Next(2) << (7 - (bit % 8)));
            }

            var touched = Form(random, within, random.Next((within.Length * 8) + 1));
            return list.Judge(Fences.Proposed(touched))?.Kind == PolicyVerdictKind.Refuse ? true : throw new InvalidOperationException($"{touched} passes {listed}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Fact]
    public void Refuses_nothing_that_has_no_address_in_common_with_it() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(2) == 0 ? 4 : 16];
            random.NextBytes(bytes);
            var length = 1 + random.Next(bytes.Length * 8);
            var other = (byte[])bytes.Clone();
            var differs = random.Next(length);
            other[differs / 8] ^= (byte)(0x80 >> (differs % 8));
            var list = new Never<Fence>("never", "ours") { Networks = [Network(bytes, length)] };
            var touched = Form(random, other, length + random.Next((bytes.Length * 8) - length + 1));
            return HoldsIPv4(bytes, length) || list.Judge(Fences.Proposed(touched))?.Kind == PolicyVerdictKind.Allow ? true : throw new InvalidOperationException($"{touched} does not pass {Network(bytes, length)}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Fact]
    public async Task Refuses_at_the_gate_and_nothing_reaches_the_target()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(s_list));
        await bench.DriveAsync(Fences.Of("192.0.2.0/24", "203.0.113.9"));

        Assert.Equal(["Refused: never: ip/192.0.2.0/24 contains ip/192.0.2.7 of the list: it is ours", "Verified"], (await bench.NoteAsync()).Lines!);
        Assert.Equal(["203.0.113.9"], bench.Target.Log.Select(c => c.Resource));
        Assert.Equal(["refuse", "allow"], (await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(e => Body.Read<PolicyJudged>(e).Verdict));
    }

    [Fact]
    public async Task Keeps_a_claim_from_standing_on_what_somebody_else_has_done()
    {
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(s_list));
        bench.Target.Put("192.0.2.7");
        await bench.DriveAsync(Fences.Of("192.0.2.7"));

        Assert.Equal(["Refused: never: ip/192.0.2.7 is on the list: it is ours"], (await bench.NoteAsync()).Lines!);
        Assert.Empty(await bench.Harness.Store.ClaimsAsync(new ClaimQuery(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task That_grew_while_a_person_was_thinking_refuses_what_was_approved()
    {
        var ask = ActionPolicies.For<Fence>("ask", (_, _) => PolicyVerdict.Ask("a person looks at each"));
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(ask).AddPolicy(new Never<Fence>("never", "ours")));
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync(Fences.Of("192.0.2.7"))).Status);

        await bench.Harness.CrashAndRestartAsync(Bench.Configured(Fences.With(box => box.AddPolicy(ask).AddPolicy(new Never<Fence>("never", "ours") { Networks = ["192.0.2.0/24"] })), bench.Target));
        Assert.True((await bench.AnswerAsync("approve")).IsAccepted);
        await bench.DriveAsync();

        Assert.Equal(["Refused: never: ip/192.0.2.7 lies within ip/192.0.2.0/24 of the list: ours"], (await bench.NoteAsync()).Lines!);
        Assert.Empty(bench.Target.Log);
        Assert.Equal(["ask ask", "never allow", "never refuse"], (await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(e => Body.Read<PolicyJudged>(e)).Select(j => $"{j.Policy} {j.Verdict}"));
    }

    [Fact]
    public async Task That_changes_while_the_program_runs_is_read_each_time()
    {
        var live = new List<Resource>();
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new Never<Fence>("never", "ours") { Live = () => live }));
        await bench.DriveAsync(Fences.Of("192.0.2.7"));
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);

        live.Add(Resource.AddressOrNetwork("203.0.113.0/24"));
        await bench.DriveAsync(Fences.Of("203.0.113.1"));
        Assert.StartsWith("Refused: never: ip/203.0.113.1 lies within", Assert.Single((await bench.NoteAsync()).Lines!), StringComparison.Ordinal);
    }

    private static string Network(byte[] bytes, int length)
    {
        var masked = (byte[])bytes.Clone();
        for (var bit = length; bit < masked.Length * 8; bit++)
        {
            masked[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return $"{new IPAddress(masked)}/{length}";
    }

    /// <summary>An address or the network of so many bits around it, in one of the forms that it may be written in.</summary>
    private static string Form(Random random, byte[] bytes, int length)
    {
        var network = random.Next(3) == 0 ? new IPAddress(bytes).ToString() : Network(bytes, length);
        if (bytes.Length == 16)
        {
            return random.Next(2) == 0 ? network.ToUpperInvariant() : network;
        }

        var parts = network.Split('/');
        return random.Next(2) == 0 ? network : parts.Length == 1 ? $"::ffff:{network}" : $"::ffff:{parts[0]}/{96 + int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)}";
    }

    private static bool HoldsIPv4(byte[] bytes, int length) => bytes.Length == 16 && length < 96 && Network(bytes, length) == Network(IPAddress.Parse("::ffff:0:0").GetAddressBytes(), length);
}
