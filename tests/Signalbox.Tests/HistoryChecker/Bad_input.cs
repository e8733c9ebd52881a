using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class Bad_input
{
    private const string Entry = """{"position":1,"run":"r-a","seq":0,"epoch":0,"at":1,"kind":"run.started","state":"","visit":0,"scope":"","step":"","actor":"a","cause":"c","hash":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}""";

    [Theory]
    [InlineData("{\"signalbox\":1", "j.jsonl:1: the line is no whole JSON object (it breaks at byte 14); was the file cut?")]
    [InlineData("{\"other\":1}", "j.jsonl:1: expected {\"signalbox\":1}; this is no exported journal")]
    [InlineData("{\"signalbox\":2}", "j.jsonl:1: expected format version 1; got 2")]
    [InlineData("[]", "j.jsonl:1: expected a JSON object")]
    public void Is_named_in_the_first_line(string line, string fault)
    {
        Assert.Equal(fault, Assert.Throws<BadInputException>(() => HistoryCheck.Run([line], new HistoryOptions { JournalName = "j.jsonl" })).Message);
    }

    [Theory]
    [InlineData("\"seq\":0,", "", "the member 'seq' is missing")]
    [InlineData("\"seq\":0", "\"seq\":0.5", "the member 'seq' is no whole number")]
    [InlineData("\"r-a\"", "7", "the member 'run' is no text")]
    [InlineData("0123456789abcdef0123", "ABC", "the member 'hash' is not 64 lower-case hexadecimal digits")]
    [InlineData("\"seq\":0,\"epoch\":0,\"at\":1", "\"se", "the line is no whole JSON object (it breaks at byte 31); was the file cut?")]
    public void Is_named_in_an_entry(string old, string cut, string fault)
    {
        string[] lines = ["{\"signalbox\":1}", "", Entry.Replace(old, cut, StringComparison.Ordinal)];
        var e = Assert.Throws<BadInputException>(() => HistoryCheck.Run(lines));
        Assert.Equal($"journal:3: {fault}", e.Message);
        Assert.Equal(("journal", 3), (e.File, e.Line));
    }

    [Theory]
    [InlineData("""{"payload":"12","json":1}""", "the member 'payload' is not 64 lower-case hexadecimal digits")]
    [InlineData("""[1]""", "expected a JSON object")]
    [InlineData("""{"a":1} {""", "the line is no whole JSON object (it breaks at byte 8); was the file cut?")]
    public void Is_named_in_another_line(string line, string fault)
    {
        Assert.Equal($"journal:2: {fault}", Assert.Throws<BadInputException>(() => HistoryCheck.Run(["{\"signalbox\":1}", line])).Message);
    }

    [Fact]
    public void Is_an_empty_journal()
    {
        Assert.Equal("journal:1: expected {\"signalbox\":1}; the input is empty", Assert.Throws<BadInputException>(() => HistoryCheck.Run([])).Message);
    }

    [Theory]
    [InlineData("""{"request":"stop","reply":"ok"}""", "expected a request (start, signal, answer, cancel, retry, release); got 'stop'")]
    [InlineData("""{"request":"start","reply":"yes"}""", "expected a reply (ok, refused, unknown); got 'yes'")]
    [InlineData("""{"request":"signal","run":"r-a","reply":"ok"}""", "the member 'name' is missing")]
    public void Is_named_in_the_acknowledgements(string line, string fault)
    {
        var options = new HistoryOptions { Acknowledgements = [line] };
        Assert.Equal($"acknowledgements:1: {fault}", Assert.Throws<BadInputException>(() => HistoryCheck.Run(["{\"signalbox\":1}"], options)).Message);
    }

    [Theory]
    [InlineData("""{"actionId":"a","op":"o"}""", "the member 'applied' is not true or false")]
    [InlineData("""{"op":"o","applied":true}""", "the member 'actionId' is missing")]
    public void Is_named_in_the_targets_log(string line, string fault)
    {
        var options = new HistoryOptions { TargetLog = [line] };
        Assert.Equal($"target log:1: {fault}", Assert.Throws<BadInputException>(() => HistoryCheck.Run(["{\"signalbox\":1}"], options)).Message);
    }

    [Fact]
    public void Is_named_in_the_targets_state()
    {
        var options = new HistoryOptions { TargetState = ["192.0.2.7 192.0.2.8"], Action = "block", Resource = "address" };
        Assert.Equal("target state:1: expected one resource; got '192.0.2.7 192.0.2.8'", Assert.Throws<BadInputException>(() => HistoryCheck.Run(["{\"signalbox\":1}"], options)).Message);
    }
}
