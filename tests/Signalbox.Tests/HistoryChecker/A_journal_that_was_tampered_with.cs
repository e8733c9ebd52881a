using Xunit;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>The lines of a good export are altered afterwards, as by somebody who cannot or does not hash anew.</summary>
public sealed class A_journal_that_was_tampered_with
{
    private const int FirstOfA = 5; // a header and four payloads stand before it

    private readonly List<string> _lines = GoodHistory.Write().Seal();

    [Theory]
    [InlineData(0, "person:anna", "person:eve!")]
    [InlineData(5, "step.completed", "step.failed")]
    [InlineData(5, "\"seen\":1", "\"seen\":2")]
    [InlineData(5, "\"seen\":1", "\"seen\": 1")]
    [InlineData(5, "because", "Because")]
    [InlineData(5, "\"salt\":\"", "\"salt\":\"00")]
    public void Shows_an_edit_at_its_entry(int seq, string old, string altered)
    {
        _lines[FirstOfA + seq] = _lines[FirstOfA + seq].Replace(old, altered, StringComparison.Ordinal);
        if (old.StartsWith("\"salt", StringComparison.Ordinal))
        {
            var at = _lines[FirstOfA + seq].IndexOf(altered, StringComparison.Ordinal) + altered.Length;
            _lines[FirstOfA + seq] = _lines[FirstOfA + seq].Remove(at, 2); // the same length
        }

        var hashes = _lines.Check().Where(v => v.StartsWith("I19", StringComparison.Ordinal)).ToArray();
        Assert.StartsWith($"I19 r-a seq {seq}: expected hash ", Assert.Single(hashes), StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_a_hash_that_was_replaced_at_its_entry_and_at_the_next()
    {
        var line = _lines[FirstOfA + 5];
        _lines[FirstOfA + 5] = line[..^66] + new string('a', 64) + "\"}";
        var found = _lines.Check().ToArray();
        Assert.Equal(2, found.Length);
        Assert.Equal($"I19 r-a seq 5: expected hash {line[^66..^2]}; got {new string('a', 64)}", found[0]);
        Assert.StartsWith("I19 r-a seq 6: expected hash ", found[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_an_entry_that_was_deleted()
    {
        _lines.RemoveAt(FirstOfA + 5);
        var found = _lines.Check().ToArray();
        Assert.Equal(2, found.Length);
        Assert.Equal("I1 r-a seq 6: expected seq 5; got 6", found[0]);
        Assert.StartsWith("I19 r-a seq 6: expected hash ", found[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_that_the_first_entry_was_deleted()
    {
        _lines.RemoveAt(FirstOfA);
        Assert.Equal("I1 r-a seq 1: expected seq 0; got 1", _lines.Check().First());
    }

    [Fact]
    public void Shows_an_intent_that_was_deleted_also_as_an_effect_without_one()
    {
        _lines.RemoveAt(FirstOfA + 9);
        Assert.Contains("I4 r-a seq 10: expected an action.intended of 'a-1' before it; got 'action.executed' without one", _lines.Check());
    }

    [Fact]
    public void Shows_entries_that_were_swapped()
    {
        (_lines[FirstOfA + 5], _lines[FirstOfA + 6]) = (_lines[FirstOfA + 6], _lines[FirstOfA + 5]);
        var found = _lines.Check().ToArray();
        Assert.Contains("I1 r-a seq 6: expected seq 5; got 6", found);
        Assert.Contains("I1 r-a seq 5: expected seq 7; got 5", found);
        Assert.Contains("I1 r-a seq 5: expected a position after 7; got 6", found);
    }

    [Fact]
    public void Shows_an_entry_that_stands_twice()
    {
        _lines.Insert(FirstOfA + 6, _lines[FirstOfA + 5]);
        var found = _lines.Check().ToArray();
        Assert.Contains("I1 r-a seq 5: expected a position after 6; got 6", found);
        Assert.Contains("I1 r-a seq 5: expected seq 6; got 5", found);
    }

    [Fact]
    public void Shows_a_payload_that_was_altered()
    {
        _lines[2] = _lines[2].Replace("ssh-1", "ssh-2", StringComparison.Ordinal);
        var (was, now) = (JournalWriter.Sha256("""{"alert":"ssh-1","text":"Grüße, 火"}"""), JournalWriter.Sha256("""{"alert":"ssh-2","text":"Grüße, 火"}"""));
        Assert.Equal($"I19 -: expected payload {was} to have the content of its address; got content whose SHA-256 is {now}", Assert.Single(_lines.Check()));
    }

    [Fact]
    public void Shows_a_payload_that_is_missing()
    {
        _lines.RemoveAt(2);
        Assert.Equal($"I19 r-a seq 1: expected payload {JournalWriter.Sha256("""{"alert":"ssh-1","text":"Grüße, 火"}""")} in the export; got none", Assert.Single(_lines.Check()));
    }

    [Fact]
    public void Finds_no_reference_in_what_others_say()
    {
        var words = $$"""{"$payload":"{{new string('a', 64)}}"}""";
        var journal = GoodHistory.Write().Change("r-a", 5, e => e with { Body = $$"""{"result":{"said":[{{words}}]},"microseconds":5}""" });
        Assert.Empty(journal.Check());
        journal.Change("r-a", 5, e => e with { Body = $$"""{"result":{{words}},"microseconds":5}""" });
        Assert.Equal([$"I19 r-a seq 5: expected payload {new string('a', 64)} in the export; got none"], journal.Check());
    }

    [Fact]
    public void Shows_a_definition_that_is_missing()
    {
        _lines.RemoveAt(1);
        var address = JournalWriter.Sha256(GoodHistory.Definition);
        Assert.Equal(
            [
                $"I3 r-a seq 0: expected the definition {address} in the export; got none",
                $"I3 r-b seq 0: expected the definition {address} in the export; got none",
                $"I3 r-j seq 0: expected the definition {address} in the export; got none",
                $"I19 r-a seq 0: expected payload {address} in the export; got none",
            ],
            _lines.Check());
    }

    [Fact]
    public void Shows_a_body_without_a_salt()
    {
        var at = _lines[FirstOfA].IndexOf(",\"salt\"", StringComparison.Ordinal);
        _lines[FirstOfA] = _lines[FirstOfA].Remove(at, 42);
        Assert.Equal("I19 r-a seq 0: expected a salt with a body and none without; got a body without a salt", _lines.Check().First());
    }

    [Fact]
    public void Shows_a_message_of_a_model_call_that_is_missing()
    {
        var call = $$$"""{"result":1,"microseconds":5,"model":{"model":"m","messages":["{{{new string('b', 64)}}}"],"reply":1,"finishReason":"stop"}}""";
        var journal = GoodHistory.Write().Change("r-a", 5, e => e with { Body = call });
        Assert.Equal([$"I19 r-a seq 5: expected payload {new string('b', 64)} in the export; got none"], journal.Check());
    }
}
