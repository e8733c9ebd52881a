using System.Text;
using System.Text.RegularExpressions;
using Signalbox.Journal;
using Signalbox.Search;

namespace Signalbox.Store.Tests.Index;

/// <summary>Made-up entries and queries, with a seed, against an oracle that looks at every text anew and shares no code with the index.</summary>
public sealed class Random_entries_and_queries
{
    private static readonly string[] s_words = ["login", "logins", "log", "root", "Größe", "größer", "naïve", "7", "42", "a", "ab", "x", "refused", "REFUSED"];
    private static readonly string[] s_compounds = ["192.0.2.7", "192.0.2.70", "1.192.0.2.7", "tool_use_id", "tool_use", "user@host", "root@host:22", "a/b", "x/a/b/c", "a/b/c/d/e/f", "http://192.0.2.7:8080/a", "fw-01.example.com", "2001:db8::1"];
    private static readonly string[] s_between = [" ", " ", ", ", ". ", "\n", " (", ") ", " \"", "; ", " = ", " -- ", "\t", " \u202e", " \u0001", " <b>", " 'x' "];

    [Fact]
    public async Task Are_answered_as_a_naive_search_answers_them()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var world = await IndexWorld.OpenAsync();
        var runs = new List<(RunId Run, string Workflow, string Team)>();
        for (var i = 0; i < 6; i++)
        {
            var (workflow, team) = ($"flow{i % 2}", $"t {i % 3}");
            runs.Add((await world.StartAsync(workflow, ("team", team)), workflow, team));
        }

        var entries = new List<Said>();
        for (var i = 0; i < 400; i++)
        {
            var (run, workflow, team) = runs[random.Next(runs.Count)];
            var said = new Said(0, run, workflow, team, $"S{random.Next(3)}", random.Next(3) == 0 ? null : $"agent{random.Next(2)}", Text(random));
            var entry = (await world.CommitAsync(run, IndexWorld.Said(said.Text, said.Agent, "small") with { State = said.State }))[0];
            entries.Add(said with { Position = entry.Position });
            if (random.Next(40) == 0)
            {
                await world.FedAsync();
            }
        }

        await world.FedAsync();
        for (var i = 0; i < 600; i++)
        {
            var (query, fits) = Query(random, runs);
            var expected = entries.Where(fits).Select(e => e.Position).Reverse().ToArray();
            var found = await world.FindAsync(query with { Kinds = [EntryKinds.StepCompleted], Limit = 1000 });
            Assert.True(expected.SequenceEqual(found), $"seed {seed}, query {i} «{query.Text}» {query}: expected {string.Join(' ', expected)}; got {string.Join(' ', found)}");
            if (found.Length > 0)
            {
                var ranked = await world.FindAsync(query with { Kinds = [EntryKinds.StepCompleted], Limit = 1000, ByRank = true });
                Assert.Equal(expected.Order(), ranked.Order());
            }
        }
    }

    private static string Text(Random random)
    {
        var text = new StringBuilder();
        for (var i = random.Next(1, 12); i > 0; i--)
        {
            text.Append(random.Next(3) == 0 ? s_compounds[random.Next(s_compounds.Length)] : s_words[random.Next(s_words.Length)]).Append(s_between[random.Next(s_between.Length)]);
        }

        return text.ToString();
    }

    private static (SearchQuery Query, Func<Said, bool> Fits) Query(Random random, List<(RunId Run, string Workflow, string Team)> runs)
    {
        var parts = new List<string>();
        var all = new List<Func<Said, bool>>();
        for (var i = random.Next(3); i >= 0; i--)
        {
            var (text, fits) = Part(random);
            if (i > 0 && random.Next(4) == 0)
            {
                parts.Add("-" + text);
                all.Add(e => !fits(e.Whole));
            }
            else
            {
                parts.Add(text);
                all.Add(e => fits(e.Whole));
            }
        }

        var query = new SearchQuery { Text = string.Join(' ', parts) };
        var (run, workflow, team) = runs[random.Next(runs.Count)];
        switch (random.Next(8))
        {
            case 0:
                return (query with { Workflow = workflow }, e => e.Workflow == workflow && all.TrueForAll(a => a(e)));
            case 1:
                return (query with { Run = run }, e => e.Run == run && all.TrueForAll(a => a(e)));
            case 2:
                return (query with { Labels = new Dictionary<string, string> { ["team"] = team } }, e => e.Team == team && all.TrueForAll(a => a(e)));
            case 3:
                return (query with { State = "S1", Agent = "agent1" }, e => e.State == "S1" && e.Agent == "agent1" && all.TrueForAll(a => a(e)));
            default:
                return (query, e => all.TrueForAll(a => a(e)));
        }
    }

    private static (string Text, Func<string, bool> Fits) Part(Random random)
    {
        var word = s_words[random.Next(s_words.Length)];
        var compound = s_compounds[random.Next(s_compounds.Length)];
        switch (random.Next(5))
        {
            case 0:
                return (word, t => Words(t).Contains(Fold(word)));
            case 1:
                return (word + "*", t => Words(t).Any(w => w.StartsWith(Fold(word), StringComparison.Ordinal)));
            case 2:
                var other = s_words[random.Next(s_words.Length)];
                return ($"\"{word} {other}\"", t => $" {string.Join(' ', Words(t))} ".Contains($" {Fold(word)} {Fold(other)} ", StringComparison.Ordinal));
            case 3:
                return (compound, t => Holds(t, compound, isPrefix: false));
            default:
                var cut = compound[..random.Next(compound.IndexOfAny(['.', '_', '@', '/', '-', ':']) + 1, compound.Length + 1)];
                return cut.Count(c => c is '/' or '@' or ':') > 3 ? (compound, t => Holds(t, compound, isPrefix: false)) : (cut + "*", t => Holds(t, cut, isPrefix: true));
        }
    }

    /// <summary>Whether the compound stands there with nothing of it cut off: before and after it are no word, or one of the signs between which segments stand.</summary>
    private static bool Holds(string text, string compound, bool isPrefix)
    {
        // As the index says it: a token of more than four segments is found by all rows of four in it. The compounds here have no such rows in common with others.
        var before = @"(?<![\p{L}\p{N}._-])(?<![\p{L}\p{N}][._\-/@:+]{1,3}(?<![/@:+][._\-/@:+]*))";
        var after = isPrefix ? (char.IsLetterOrDigit(compound[^1]) ? "" : @"(?=[._\-/@:+]*[\p{L}\p{N}])") : @"(?![\p{L}\p{N}])(?![._\-]{1,3}[\p{L}\p{N}])";
        return Regex.IsMatch(text, before + Regex.Escape(compound) + after, RegexOptions.IgnoreCase);
    }

    private static List<string> Words(string text) => [.. Regex.Matches(text, @"[\p{L}\p{N}]+").Select(m => Fold(m.Value))];

    private static string Fold(string word) => word.ToLowerInvariant().Replace('ö', 'o').Replace('ï', 'i');

    private sealed record Said(long Position, RunId Run, string Workflow, string Team, string State, string? Agent, string Text)
    {
        /// <summary>All that is searched of it.</summary>
        public string Whole => $"look\n{Text}\n{(Agent is null ? "" : $"{Agent}\nsmall\ntoolu_1")}";
    }
}

public sealed class Hostile_text_in_an_index
{
    [Fact]
    public async Task Is_searched_and_shown_as_text()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        string[] texts =
        [
            "\" OR text : * NOT x", "a'; DROP TABLE about; --", "NUL \0 inside", "bidi \u202e evil", "\u001b[31mred", "NEAR(a b) ^c {text} : d", "\uE02E private \uE02E", "= cmd|' /C calc'!A0",
        ];
        foreach (var text in texts)
        {
            await world.SayAsync(run, text);
        }

        var half = (await world.CommitAsync(run, IndexWorld.Raw("""{"result":"half \ud800 pair","microseconds":1}""")))[0].Position;
        var broken = (await world.CommitAsync(run, IndexWorld.Raw("{\"result\":\"broken body\",\"more\":\"")))[0].Position;
        var deep = (await world.CommitAsync(run, IndexWorld.Raw("{\"result\":" + new string('[', 5000) + "\"deep\"" + new string(']', 5000) + "}")))[0].Position;
        var line = (await world.SayAsync(run, "begin " + new string('y', 1_000_000) + " finish")).Position;
        var wide = (await world.SayAsync(run, string.Concat(Enumerable.Repeat("wide/", 200_000)) + " unreachable")).Position;
        await world.FedAsync();
        Assert.Null((await world.Index.StatusAsync(default)).Trouble);
        Assert.Equal([half], await world.FindAsync("half pair"));
        Assert.Equal([broken], await world.FindAsync("broken"));
        Assert.Equal([line], await world.FindAsync("begin"));
        Assert.Empty(await world.FindAsync("finish")); // beyond what of an entry is searched
        Assert.Equal([wide], await world.FindAsync("wide/wide/wide/wide/wide"));
        Assert.Contains(deep, await world.FindAsync(new SearchQuery { Run = run }));
        foreach (var text in texts.Where(t => t.Any(char.IsLetterOrDigit)))
        {
            // Whatever somebody pastes is a query or is refused as none; never an error of the database.
            foreach (var query in new[] { text, $"\"{text.Replace("\"", "", StringComparison.Ordinal)}\"", text + "*", "-" + text })
            {
                var wrong = await Record.ExceptionAsync(() => world.FindAsync(query));
                Assert.True(wrong is null or SearchQueryException, $"«{query}»: {wrong}");
            }

            Assert.NotEmpty(await world.FindAsync($"\"{text.Replace("\"", "", StringComparison.Ordinal)}\""));
        }

        foreach (var hit in (await world.Index.SearchAsync(new SearchQuery { Text = "begin", Run = run }, default)).Hits)
        {
            Assert.True(hit.Context.Sum(c => c.Text.Length) < 1000);
            Assert.Contains(hit.Context, c => c is { IsMatch: true, Text: "begin" });
        }
    }

    [Theory]
    [InlineData("\"open", "The quotation mark at character 1 has no second one. Close the phrase, or leave the mark out.")]
    [InlineData("-only -these", "The search says only what must not occur. Add a word that must, or a filter such as the workflow.")]
    [InlineData("*", "A '*' needs the beginning of a word before it, such as tool*.")]
    [InlineData("&& ||", "The search text has no letter and no digit, so there is nothing to look for. Give a word, or only filters.")]
    public async Task What_is_no_query_is_told_in_words(string text, string told)
    {
        await using var world = await IndexWorld.OpenAsync();
        Assert.Equal(told, (await Assert.ThrowsAsync<SearchQueryException>(() => world.FindAsync(text))).Message);
        Assert.Contains("at most 1,000 characters", (await Assert.ThrowsAsync<SearchQueryException>(() => world.FindAsync(new string('x', 1001)))).Message, StringComparison.Ordinal);
    }
}
