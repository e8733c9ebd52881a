using System.ComponentModel;
using System.Text.Json;

namespace Signalbox.Providers.Tests;

public sealed class A_request
{
    public sealed record Verdict(string Decision, double Confidence);

    private static readonly AIFunction s_tool = AIFunctionFactory.Create(
        ([Description("The host.")] string host, int depth) => $"{host} {depth}", "check_disk", "Looks at a disk.");

    [Theory, EachKind]
    public async Task Carries_the_key_and_nothing_of_the_environment(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Text("Yes."));
        await A_reply.ReplyAsync(world, streamed);

        var request = Assert.Single(world.Server.Requests);
        var sent = string.Join('\n', request.Headers.Select(h => $"{h.Key}: {h.Value}"));
        Assert.Contains(World.Key, sent, StringComparison.Ordinal);
        Assert.DoesNotContain("environment", sent, StringComparison.Ordinal);
        Assert.Equal(kind == Kind.Anthropic ? "/v1/messages" : "/v1/chat/completions", request.Path);
    }

    [Fact]
    public async Task Carries_no_key_where_none_is_given()
    {
        await using var server = await ModelWireServer.StartAsync(WireReply.Text("Yes."));
        using var client = OpenAIModels.Create("llama", new OpenAIModelOptions { BaseUrl = new Uri(server.Url, "/v1") });
        await client.GetResponseAsync("Is it slow?");

        Assert.DoesNotContain("Authorization", Assert.Single(server.Requests).Headers.Keys, StringComparer.OrdinalIgnoreCase);
    }

    [Theory, EachKind]
    public async Task May_name_another_model(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Text("Yes."));
        var reply = await A_reply.ReplyAsync(world, streamed, new ChatOptions { ModelId = "model-2" });

        Assert.Equal(("model-2", "model-2"), (BodyOf(world).GetProperty("model").GetString(), reply.ModelId));
        Assert.Equal(World.Model, world.Client.GetService<ChatClientMetadata>()!.DefaultModelId);
    }

    [Fact]
    public async Task Of_Anthropics_asks_for_an_answer_by_schema()
    {
        await using var world = await World.OfAsync(Kind.Anthropic, WireReply.Text("{}"));
        await world.AskAsync(options: new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema<Verdict>() });

        var format = BodyOf(world).GetProperty("output_config").GetProperty("format");
        Assert.Equal("json_schema", format.GetProperty("type").GetString());
        Assert.Equal("number", format.GetProperty("schema").GetProperty("properties").GetProperty("confidence").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Of_OpenAIs_asks_for_an_answer_by_schema()
    {
        await using var world = await World.OfAsync(Kind.OpenAI, WireReply.Text("{}"));
        await world.AskAsync(options: new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema<Verdict>(),
            AdditionalProperties = new() { ["strict"] = true },
        });

        var format = BodyOf(world).GetProperty("response_format");
        Assert.Equal("json_schema", format.GetProperty("type").GetString());
        var schema = format.GetProperty("json_schema");
        Assert.Equal(("Verdict", true), (schema.GetProperty("name").GetString(), schema.GetProperty("strict").GetBoolean()));
        Assert.Equal("number", schema.GetProperty("schema").GetProperty("properties").GetProperty("confidence").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Of_Anthropics_limits_the_reply_even_if_nobody_says_so()
    {
        await using var world = await World.OfAsync(Kind.Anthropic, WireReply.Text("Yes."), WireReply.Text("Yes."));
        await world.AskAsync();
        await world.AskAsync(options: new ChatOptions { MaxOutputTokens = 64_000 });

        Assert.Equal([16_384, 64_000], world.Server.Requests.Select(r => r.Body.GetProperty("max_tokens").GetInt32()));
    }

    [Theory]
    [InlineData(null, "max_tokens", "max_completion_tokens")]
    [InlineData(false, "max_completion_tokens", "max_tokens")]
    public async Task Of_OpenAIs_limits_the_reply_in_the_servers_word(bool? usesMaxTokens, string word, string otherWord)
    {
        await using var server = await ModelWireServer.StartAsync(WireReply.Text("Yes."));
        using var client = OpenAIModels.Create("llama", new OpenAIModelOptions { BaseUrl = new Uri(server.Url, "/v1"), UsesMaxTokens = usesMaxTokens });
        await client.GetResponseAsync("Is it slow?", new ChatOptions { MaxOutputTokens = 77 });

        var body = Assert.Single(server.Requests).Body;
        Assert.Equal(77, body.GetProperty(word).GetInt32());
        Assert.False(body.TryGetProperty(otherWord, out _));
    }

    [Fact]
    public async Task Of_OpenAIs_carries_every_setting()
    {
        await using var world = await World.OfAsync(Kind.OpenAI, WireReply.Text("Yes."));
        await world.AskAsync(options: new ChatOptions
        {
            Instructions = "You judge.",
            Temperature = 0.5f,
            TopP = 0.25f,
            FrequencyPenalty = 0.75f,
            PresencePenalty = 1.5f,
            Seed = 7,
            StopSequences = ["END"],
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.ExtraHigh },
        });

        var body = BodyOf(world);
        Assert.Equal(
            """["You judge.",0.5,0.25,0.75,1.5,7,["END"],"xhigh"]""",
            JsonSerializer.Serialize(new[]
            {
                body.GetProperty("messages")[0].GetProperty("content"), body.GetProperty("temperature"), body.GetProperty("top_p"), body.GetProperty("frequency_penalty"),
                body.GetProperty("presence_penalty"), body.GetProperty("seed"), body.GetProperty("stop"), body.GetProperty("reasoning_effort"),
            }));
    }

    [Theory]
    [InlineData("none", "none")]
    [InlineData("auto", "auto")]
    [InlineData("any", "required")]
    [InlineData("one", """{"type":"function","function":{"name":"check_disk"}}""")]
    public async Task Of_OpenAIs_says_which_tool_may_be_called(string mode, string expected)
    {
        await using var world = await World.OfAsync(Kind.OpenAI, WireReply.Text("Yes."));
        await world.AskAsync(options: new ChatOptions { Tools = [s_tool], ToolMode = Mode(mode), AllowMultipleToolCalls = false });

        var body = BodyOf(world);
        var choice = body.GetProperty("tool_choice");
        Assert.Equal(expected, choice.ValueKind == JsonValueKind.String ? choice.GetString() : choice.GetRawText());
        Assert.False(body.GetProperty("parallel_tool_calls").GetBoolean());
        var function = body.GetProperty("tools")[0].GetProperty("function");
        Assert.Equal(("check_disk", "Looks at a disk."), (function.GetProperty("name").GetString(), function.GetProperty("description").GetString()));
        Assert.Equal("The host.", function.GetProperty("parameters").GetProperty("properties").GetProperty("host").GetProperty("description").GetString());
    }

    [Theory]
    [InlineData("none", """{"type":"none"}""")]
    [InlineData("any", """{"type":"any","disable_parallel_tool_use":true}""")]
    [InlineData("one", """{"name":"check_disk","type":"tool","disable_parallel_tool_use":true}""")]
    public async Task Of_Anthropics_says_which_tool_may_be_called(string mode, string expected)
    {
        await using var world = await World.OfAsync(Kind.Anthropic, WireReply.Text("Yes."));
        await world.AskAsync(options: new ChatOptions { Tools = [s_tool], ToolMode = Mode(mode), AllowMultipleToolCalls = false });

        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, BodyOf(world).GetProperty("tool_choice")), BodyOf(world).GetProperty("tool_choice").GetRawText());
        Assert.Equal("The host.", BodyOf(world).GetProperty("tools")[0].GetProperty("input_schema").GetProperty("properties").GetProperty("host").GetProperty("description").GetString());
    }

    [Fact]
    public async Task Of_OpenAIs_carries_images()
    {
        await using var world = await World.OfAsync(Kind.OpenAI, WireReply.Text("Yes."));
        await world.Client.GetResponseAsync([new ChatMessage(ChatRole.User,
        [
            new TextContent("What is this?"),
            new DataContent(new byte[] { 1, 2, 3 }, "image/png"),
            new UriContent("https://example.com/a.png", "image/png"),
        ])]);

        var parts = BodyOf(world).GetProperty("messages")[0].GetProperty("content");
        Assert.Equal(
            ["What is this?", "data:image/png;base64,AQID", "https://example.com/a.png"],
            parts.EnumerateArray().Select(p => p.GetProperty("type").GetString() == "text" ? p.GetProperty("text").GetString() : p.GetProperty("image_url").GetProperty("url").GetString()));
    }

    [Fact]
    public async Task Of_OpenAIs_that_cannot_be_said_is_refused_before_it_is_sent()
    {
        await using var world = await World.OfAsync(Kind.OpenAI);
        var sound = await Assert.ThrowsAsync<ModelException>(() => world.Client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "audio/wav")])]));
        var tool = await Assert.ThrowsAsync<ModelException>(() => world.AskAsync(options: new ChatOptions { Tools = [new HostedWebSearchTool()] }));
        var nothing = await Assert.ThrowsAsync<ModelException>(() => world.Client.GetResponseAsync([]));

        Assert.All([sound, tool, nothing], e => Assert.Equal((ModelTrouble.InvalidRequest, false), (e.Trouble, e.IsWorthRetrying)));
        Assert.EndsWith("cannot be asked this: a user's message may hold texts and images; got DataContent.", sound.Message, StringComparison.Ordinal);
        Assert.EndsWith("cannot be asked this: a tool must be a function; got 'web_search', a HostedWebSearchTool.", tool.Message, StringComparison.Ordinal);
        Assert.Empty(world.Server.Requests);
    }

    private static JsonElement BodyOf(World world) => world.Server.Requests[^1].Body;

    private static ChatToolMode Mode(string name) => name switch
    {
        "none" => ChatToolMode.None,
        "auto" => ChatToolMode.Auto,
        "any" => ChatToolMode.RequireAny,
        _ => ChatToolMode.RequireSpecific("check_disk"),
    };
}
