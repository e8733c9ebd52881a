using System.ComponentModel;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Agents;

/// <summary>What Microsoft.Extensions.AI makes of C#, and what is then bound to it.</summary>
public sealed class A_schema_of_a_method
{
    public enum Level
    {
        Low,
        High,
    }

    public sealed record Port(int Number, string? Name = null);

    public sealed record Filter(Port[] Ports, Level Level, DateTimeOffset Since, IPAddress? Source, Filter? Else = null);

    private static readonly AIFunction s_search = AIFunctionFactory.Create(Search, new AIFunctionFactoryOptions { Name = "search", SerializerOptions = SignalboxJson.Options });

    private static string Search(
        string host,
        [Description("how deep")] int depth,
        Level? level,
        Filter? filter = null,
        string[]? tags = null,
        double share = 0.5,
        Guid? id = null,
        Uri? link = null,
        Dictionary<string, int>? counts = null,
        TimeSpan? span = null,
        DateOnly? day = null,
        CancellationToken cancellationToken = default) => $"{host} {depth} {level} {filter?.Ports.Length} {filter?.Else?.Level} {tags?.Length} {share} {counts?.Count} {span} {day} {cancellationToken.IsCancellationRequested}";

    private static IReadOnlyList<string> Faults(string arguments) => JsonSchemaCheck.Faults(s_search.JsonSchema, JsonElement.Parse(arguments));

    [Theory]
    [InlineData("""{"host":"db-1","depth":2,"level":"High"}""")]
    [InlineData("""{"host":"db-1","depth":2,"level":null,"filter":null,"tags":null,"id":null}""")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","tags":["a"],"share":1,"counts":{"a":1},"id":"01234567-89ab-cdef-0123-456789abcdef","link":"https://example.com/a","span":"1.02:03:04.5","day":"2026-01-31"}""")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","filter":{"ports":[{"number":22},{"number":443,"name":"https"}],"level":"Low","since":"2026-01-31T09:30:00Z","source":"192.0.2.7"}}""")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","filter":{"ports":[],"level":"Low","since":"2026-01-31T09:30:00.5+01:00","source":"::1","else":{"ports":[],"level":"High","since":"2026-01-31T09:30:00Z","source":"::1"}}}""")]
    public async Task Takes_what_can_be_bound(string arguments)
    {
        Assert.Empty(Faults(arguments));
        Assert.NotNull(await s_search.InvokeAsync(Arguments(arguments)));
    }

    [Theory]
    [InlineData("""{"depth":2,"level":null}""", "missing the required property 'host' (string)")]
    [InlineData("""{"host":"db-1","depth":"2","level":"Low"}""", "depth: expected an integer, got the string \"2\"")]
    [InlineData("""{"host":"db-1","depth":2}""", "missing the required property 'level' (one of \"Low\", \"High\", null)")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Hihg"}""", "level: expected one of \"Low\", \"High\", null, got the string \"Hihg\"; did you mean \"High\"?")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","tags":"a"}""", "tags: expected an array or null, got the string \"a\"")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","day":"31.1.2026"}""", "day: expected a date such as 2026-01-31, got the string \"31.1.2026\"")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","counts":{"a":"b"}}""", "counts.a: expected an integer, got the string \"b\"")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","filter":{"ports":[{"number":22},{"name":"a"}],"level":"Low","since":"2026-01-31T09:30:00Z","source":null}}""",
        "filter.ports[1]: missing the required property 'number' (integer)")]
    [InlineData("""{"host":"db-1","depth":2,"level":"Low","filter":{"ports":[],"level":"Low","since":"2026-01-31T09:30:00Z","source":null,"else":{"ports":[7],"level":"High","since":"2026-01-31T09:30:00Z","source":null}}}""",
        "filter.else.ports[0]: expected an object or null, got the number 7")]
    public void Refuses_what_cannot(string arguments, string fault) => Assert.Equal([fault], Faults(arguments));

    [Fact]
    public async Task Takes_an_integer_with_a_point_which_can_be_bound_in_its_canonical_form()
    {
        const string Arguments = """{"host":"db-1","depth":2.0,"level":null}""";
        Assert.Empty(Faults(Arguments));
        await Assert.ThrowsAnyAsync<Exception>(async () => await s_search.InvokeAsync(A_schema_of_a_method.Arguments(Arguments)));
        Assert.StartsWith("db-1 2 ", (await s_search.InvokeAsync(A_schema_of_a_method.Arguments(System.Text.Encoding.UTF8.GetString(CanonicalJson.Of(System.Text.Encoding.UTF8.GetBytes(Arguments))))))!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Says_nothing_of_names_that_it_does_not_know_unless_it_is_closed()
    {
        const string Arguments = """{"host":"db-1","depth":2,"level":null,"counts":{"a":1},"shaer":1,"filter":{"ports":[{"number":1,"nmae":"a"}],"level":"Low","since":"2026-01-31T09:30:00Z","source":null}}""";
        Assert.Empty(Faults(Arguments));

        var closed = AIJsonUtilities.TransformSchema(s_search.JsonSchema, new AIJsonSchemaTransformOptions { DisallowAdditionalProperties = true });
        Assert.Equal(
            [
                "filter.ports[0]: unknown property 'nmae'; did you mean 'name'? It takes: number, name",
                "unknown property 'shaer'; did you mean 'share'? It takes: host, depth, level, filter, tags, share, id, link, counts, span, day",
            ],
            JsonSchemaCheck.Faults(closed, JsonElement.Parse(Arguments)));
    }

    private static AIFunctionArguments Arguments(string json) => new(JsonElement.Parse(json).EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value));
}
