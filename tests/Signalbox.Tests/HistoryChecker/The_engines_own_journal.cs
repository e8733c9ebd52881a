using System.Globalization;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>The engine and the checker know one format though they share no code.</summary>
public sealed class The_engines_own_journal
{
    [Fact]
    public async Task Has_no_violations()
    {
        await using var store = new InMemoryRunStore();
        var run = new RunId("r-engine");
        var definition = new RawJson(Encoding.UTF8.GetBytes(GoodHistory.Definition));
        await Send(store, new StartRun(run, "alert", 1, definition, "Triage", new RawJson("{\"text\":\"Grüße\"}"u8.ToArray()), "k", null));
        await Send(store, new SendSignal(run, "go", new RawJson("1"u8.ToArray())));
        await store.LeaseAsync(new LeaseRequest("w-1", [new WorkflowVersion("alert", 1)], 1, true), CancellationToken.None);
        await Send(store, new AnswerApproval(run, "yes"));
        await Send(store, new CancelRun(run, "enough"));

        var lines = new List<string> { """{"signalbox":1}""", $$"""{"payload":"{{JournalWriter.Sha256(GoodHistory.Definition)}}","json":{{GoodHistory.Definition}}}""" };
        lines.AddRange((await store.ReadLogAsync(0, 100, CancellationToken.None)).Select(Line));
        Assert.Equal(8, lines.Count);
        Assert.Empty(lines.Check());
    }

    [Fact]
    public void Has_the_same_canonical_arguments()
    {
        var random = new Random(7);
        for (var i = 0; i < 500; i++)
        {
            var arguments = Arguments(random);
            var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(CanonicalJson.Of(Encoding.UTF8.GetBytes(arguments))));
            var journal = GoodHistory.Write().Change("r-a", 9, e => e with
            {
                Body = $$"""{"actionId":"a-1","action":"block","arguments":{{arguments}},"argumentsHash":"{{hash}}","targetClass":"T1"}""",
            });
            Assert.True(!journal.Check().Any(), $"the canonical form of {arguments} differs: {Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(arguments)))}");
        }
    }

    /// <summary>
    /// Numbers as a serializer writes them. In longer spellings the engine may differ in the last digit: .NET's <c>JsonElement.GetDouble</c> reads
    /// 1952260000000000000000.0 as 1.9522600000000001E+21, <c>double.Parse</c>, which the checker uses, as 1.95226E+21.
    /// </summary>
    private static string Arguments(Random random)
    {
        var number = BitConverter.Int64BitsToDouble(random.NextInt64());
        number = double.IsFinite(number) ? number : 0.1;
        var near = Math.Round(random.NextDouble() * 1000, random.Next(6)) * Math.Pow(10, random.Next(-12, 26));
        var text = new string([.. Enumerable.Range(0, 5).Select(_ => (char)random.Next(1, 0x250))]);
        return string.Create(CultureInfo.InvariantCulture, $"{{\"{(char)random.Next('a', 'z')}\":{number:E16},\"é{random.Next(9)}\":[{near:R},{-near:R},{random.NextInt64()}],\"B\":{JsonSerializer.Serialize(text)},\"\":null}}");
    }

    private static async Task Send(InMemoryRunStore store, RunCommand command) => await RunCommands.ExecuteAsync(store, command, new Caller("person:anna", [Caller.AnyRole]), CancellationToken.None);

    private static string Line(Entry e)
    {
        var body = e.Body.IsEmpty ? "" : $",\"body\":{Encoding.UTF8.GetString(e.Body.Span)},\"salt\":\"{Convert.ToHexStringLower(e.Salt.Span)}\"";
        return $"{{\"position\":{e.Position},\"run\":\"{e.Run}\",\"seq\":{e.Seq},\"epoch\":{e.Epoch},\"at\":{e.At},\"kind\":\"{e.Kind}\",\"state\":\"{e.State}\",\"visit\":{e.Visit},"
            + $"\"scope\":\"{e.Scope}\",\"step\":\"{e.Step}\",\"actor\":\"{e.Actor}\",\"cause\":{JsonSerializer.Serialize(e.Cause)}{body},\"hash\":\"{Convert.ToHexStringLower(e.Hash.Span)}\"}}";
    }
}
