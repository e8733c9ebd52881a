namespace Signalbox.Providers.Tests;

public sealed class A_key
{
    [Theory, EachKind]
    public async Task That_a_server_repeats_is_not_told(Kind kind, bool streamed)
    {
        foreach (var body in (string[])[$$$"""{"error":{"message":"Incorrect key: {{{World.Key}}}, or {{{World.Key.ToUpperInvariant()}}}.","type":"x-{{{World.Key}}}"}}""", $"<p>{World.Key}</p>"])
        {
            await using var world = await World.OfAsync(kind, WireReply.Raw(body, status: 401));
            var trouble = await world.TroubleAsync(streamed);

            Assert.Equal(ModelTrouble.Unauthorized, trouble.Trouble);
            Assert.Contains("[key]", trouble.Message, StringComparison.Ordinal);
        }
    }

    [Theory, EachKind]
    public async Task That_stands_in_an_unreadable_answer_is_not_told(Kind kind, bool streamed)
    {
        var body = $$$"""{"id":"{{{World.Key}}}","choices":[{"index":0,"delta":{},"message":{"role":"{{{World.Key}}}"},"finish_reason":"{{{World.Key}}}"}],"type":"{{{World.Key}}}"}""";
        await using var world = await World.OfAsync(kind, streamed ? WireReply.Events($"event: message_start\ndata: {body}\n\n") : WireReply.Raw(body));

        Assert.True((await world.TroubleAsync(streamed)).Trouble is ModelTrouble.Unreadable or ModelTrouble.Cut);
    }

    [Theory, EachKind]
    public async Task That_stands_in_an_error_in_a_stream_is_not_told(Kind kind, bool streamed)
    {
        var error = kind == Kind.Anthropic ? AnthropicWire.ErrorEvent("api_error", World.Key) : OpenAIWire.ErrorEvent("api_error", World.Key);
        await using var world = await World.OfAsync(kind, WireReply.Events(error));

        Assert.Equal(streamed ? ModelTrouble.ServerError : ModelTrouble.Unreadable, (await world.TroubleAsync(streamed)).Trouble);
    }

    [Theory]
    [InlineData("sk-secret\n")]
    [InlineData("sk-secret x")]
    [InlineData("sk-secreté")]
    [InlineData("")]
    public void That_cannot_be_sent_is_refused_without_being_told(string key)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            var fault = Assert.Throws<ArgumentException>(() => World.ClientOf(kind, new Uri("http://127.0.0.1:1"), key: key));

            Assert.Equal("The model's options cannot be used. ApiKey must be printable ASCII without spaces or line ends; the one given is not.", fault.Message);
        }
    }

    [Fact]
    public void Does_not_stand_in_an_address()
    {
        var fault = Assert.Throws<ArgumentException>(() => OpenAIModels.Create("m", new OpenAIModelOptions { BaseUrl = new Uri("http://user:sk-secret@127.0.0.1/v1"), Timeout = TimeSpan.Zero }));

        Assert.Equal(
            "The model's options cannot be used. BaseUrl must hold no user or password; set ApiKey. Timeout must be more than 0 and at most 1.00:00:00; got 00:00:00.", fault.Message);
    }

    [Fact]
    public void Is_not_told_by_the_options()
    {
        Assert.DoesNotContain("sk-secret", new AnthropicModelOptions { ApiKey = "sk-secret" }.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("sk-secret", new OpenAIModelOptions { ApiKey = "sk-secret" }.ToString(), StringComparison.Ordinal);
    }
}
