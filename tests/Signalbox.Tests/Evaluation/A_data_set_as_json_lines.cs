using Xunit;

namespace Signalbox.Tests.Evaluation;

public sealed class A_data_set_as_json_lines
{
    private static Task<DataSet<EvaluationCase<Note>>> ReadAsync(string text) => EvaluationData.ReadCasesAsync<Note>(new StringReader(text), "cases.jsonl");

    [Fact]
    public async Task Gives_cases_with_their_truth()
    {
        var set = await ReadAsync("""
            {"id":"a","case":{"text":"one","number":7},"right":"block","harmful":["allow","close"]}

            {"id":"b","case":{"text":"two"},"right":["block","watch"]}
            {"id":"c","case":{"text":"three"}}
            """);

        Assert.Empty(set.Faults);
        Assert.Equal([("a", new Note("one", 7)), ("b", new Note("two")), ("c", new Note("three"))], set.Items.Select(c => (c.Id, c.Start)));
        Assert.Equal(["block"], set.Items[0].Truth!.Right);
        Assert.Equal(["allow", "close"], set.Items[0].Truth!.Harmful);
        Assert.Equal(["block", "watch"], set.Items[1].Truth!.Right);
        Assert.Null(set.Items[2].Truth);
    }

    [Fact]
    public async Task Names_every_fault_with_file_and_line_and_uses_the_good_lines()
    {
        var set = await ReadAsync("""
            {"id":"a","case":{"text":"one"},"right":"block"}
            {"id":"b","case":{"text":
            ["b"]
            {"case":{"text":"x"},"right":"block"}
            {"id":"","case":{"text":"x"},"right":"block"}
            {"id":"c","right":"block"}
            {"id":"d","case":{"text":7},"right":"block"}
            {"id":"e","case":{"text":"x"},"right":[]}
            {"id":"f","case":{"text":"x"},"right":"block","harmfull":"allow"}
            {"id":"g","case":{"text":"x"},"right":"block","harmful":"block"}
            {"id":"a","case":{"text":"again"},"right":"block"}
            {"id":"h","case":{"text":"x"},"harmful":"block"}
            {"id":"i","id":"j","case":{"text":"x"}}
            {"id":"z","case":{"text":"last"},"right":"block"}
            """);

        Assert.Equal(["a", "z"], set.Items.Select(c => c.Id));
        Assert.Equal(
            [
                "cases.jsonl:2: it is no JSON: expected an object; it breaks off or goes wrong at byte 26",
                "cases.jsonl:3: expected an object, got an array",
                "cases.jsonl:4: it has no 'id'",
                "cases.jsonl:5: 'id' must be a string that is not empty, got an empty one",
                "cases.jsonl:6: it has no 'case'",
                "cases.jsonl:7: 'case' is no Note: \"The JSON value could not be converted to Signalbox.Tests.Note.\" at \"$.text\"",
                "cases.jsonl:8: 'right' must be a string that is not empty, or an array of such",
                "cases.jsonl:9: it has a member \"harmfull\"; there may be: id, case, right, harmful",
                "cases.jsonl:10: \"block\" is both right and harmful",
                "cases.jsonl:11: the id \"a\" has a case already: line 1",
                "cases.jsonl:12: it has no 'right'",
                "cases.jsonl:13: it has a member twice",
            ],
            set.Faults.Select(f => f.ToString()));
    }

    [Fact]
    public async Task May_have_its_truth_in_a_file_of_its_own_with_names_of_its_own()
    {
        const string Text = "{\"id\":\"m-1\",\"label\":\"card_lost\",\"by\":\"anna\"}\r\n{\"id\":\"m-2\"}\n";
        var set = await EvaluationData.ReadTruthAsync(new StringReader(Text), "truth.jsonl", new TruthForm { Right = "label", IgnoresOthers = true });

        Assert.Equal(("m-1", "card_lost"), (Assert.Single(set.Items).Key, Assert.Single(set.Items[0].Value.Right)));
        Assert.Equal("truth.jsonl:2: it has no 'label'", Assert.Single(set.Faults).ToString());
    }

    [Fact]
    public async Task Has_a_fault_where_a_truth_is_about_no_case_or_of_no_kind_that_there_is()
    {
        const string Text = "{\"id\":\"a\",\"right\":\"block\",\"harmful\":\"close\"}\n{\"id\":\"b\",\"right\":\"blok\"}\n{\"id\":\"c\",\"right\":\"block\"}\n{\"id\":\"b\",\"right\":\"block\",\"harmful\":\"colse\"}";
        var set = await EvaluationData.ReadTruthAsync(new StringReader(Text), "truth.jsonl", new TruthForm { Ids = ["a", "b"], Kinds = ["block", "close"] });

        Assert.Equal("a", Assert.Single(set.Items).Key);
        Assert.Equal(
            [
                "truth.jsonl:2: \"blok\" is no kind of decision; there are: block, close",
                "truth.jsonl:3: \"c\" is the id of no case",
                "truth.jsonl:4: \"colse\" is no kind of decision; there are: block, close",
            ],
            set.Faults.Select(f => f.ToString()));
    }

    [Fact]
    public async Task May_hold_objects_of_a_programs_own()
    {
        var set = await EvaluationData.ReadObjectsAsync<Note>(new StringReader("{\"text\":\"a\",\"more\":1}\n{\"text\":[]}\n{\"text\":\"a\"}"), "notes.jsonl", note => note.Text);
        Assert.Equal([new Note("a")], set.Items);
        Assert.Equal(
            ["notes.jsonl:2: it is no Note: \"The JSON value could not be converted to Signalbox.Tests.Note.\" at \"$.text\"", "notes.jsonl:3: the id \"a\" has a line already: line 1"],
            set.Faults.Select(f => f.ToString()));
    }

    [Fact]
    public async Task May_have_a_line_without_end()
    {
        var set = await EvaluationData.ReadCasesAsync<Note>(new Endless(EvaluationData.LineCharactersMax * 3L, "\n{\"id\":\"a\",\"case\":{}}"), "big.jsonl");
        Assert.Equal("a", Assert.Single(set.Items).Id);
        Assert.Equal("big.jsonl:1: the line has more than 1,000,000 characters", Assert.Single(set.Faults).ToString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Of_random_bytes_is_named_line_by_line(int seed)
    {
        var random = new Random(seed);
        var lines = Enumerable.Range(0, 300).Select(i => random.Next(3) == 0 ? $"{{\"id\":\"c-{i}\",\"case\":{{\"text\":\"x\"}},\"right\":\"block\"}}" : Mutate(random)).ToList();
        var set = await ReadAsync(string.Join('\n', lines));

        Assert.Equal(lines.Count(l => l.StartsWith("{\"id\":\"c-", StringComparison.Ordinal)), set.Items.Count(c => c.Id.StartsWith("c-", StringComparison.Ordinal)));
        Assert.All(set.Faults, f => Assert.InRange(f.Line, 1, lines.Count));
        Assert.All(set.Faults, f => Assert.DoesNotContain(f.ToString(), c => char.IsControl(c)));
        Assert.Equal(lines.Count(l => !string.IsNullOrWhiteSpace(l)), set.Items.Count + set.Faults.Count);
    }

    private static string Mutate(Random random)
    {
        var line = "{\"id\":\"m\",\"case\":{\"text\":\"x\"},\"right\":[\"a\"],\"harmful\":null}".ToCharArray();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            line[random.Next(line.Length)] = (char)random.Next(32, 0x2100);
        }

        return new string(line).Replace('\u0085', ' ').Replace("\"c-", "\"d-", StringComparison.Ordinal);
    }

    private sealed class Endless(long characters, string end) : TextReader
    {
        private long _left = characters;
        private bool _ended;

        public override ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            if (_left == 0)
            {
                var rest = _ended ? "" : end;
                _ended = true;
                rest.AsSpan().CopyTo(buffer.Span);
                return new(rest.Length);
            }

            var some = (int)Math.Min(_left, buffer.Length);
            buffer.Span[..some].Fill('x');
            _left -= some;
            return new(some);
        }
    }
}
