using Signalbox.Testing;

namespace Signalbox.Providers.Tests;

public sealed class A_call_that_fails
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(429, "rate_limit_error", ModelTrouble.RateLimited)]
    [InlineData(529, "overloaded_error", ModelTrouble.Overloaded)]
    [InlineData(503, "overloaded_error", ModelTrouble.Overloaded)]
    [InlineData(500, "api_error", ModelTrouble.ServerError)]
    [InlineData(502, "api_error", ModelTrouble.ServerError)]
    [InlineData(504, "timeout_error", ModelTrouble.TimedOut)]
    [InlineData(408, "timeout_error", ModelTrouble.TimedOut)]
    [InlineData(409, "conflict_error", ModelTrouble.Failed)]
    [InlineData(400, "invalid_request_error", ModelTrouble.InvalidRequest)]
    [InlineData(404, "not_found_error", ModelTrouble.InvalidRequest)]
    [InlineData(413, "request_too_large", ModelTrouble.InvalidRequest)]
    [InlineData(422, "invalid_request_error", ModelTrouble.InvalidRequest)]
    [InlineData(401, "authentication_error", ModelTrouble.Unauthorized)]
    [InlineData(403, "permission_error", ModelTrouble.Unauthorized)]
    [InlineData(402, "billing_error", ModelTrouble.QuotaExhausted)]
    public async Task Says_what_kind_of_trouble_it_is_and_is_asked_once(int status, string type, ModelTrouble expected)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            foreach (var streamed in (bool[])[false, true])
            {
                await using var world = await World.OfAsync(kind, WireReply.Failure(status, type, "Something went wrong."));
                var trouble = await world.TroubleAsync(streamed);

                Assert.Equal((expected, (TimeSpan?)null, false), (trouble.Trouble, trouble.RetryAfter, trouble.HadBegun));
                Assert.Equal($"{world.Server.Url.GetLeftPart(UriPartial.Authority)} answered {status} ({type}): Something went wrong.", trouble.Message);
                Assert.Single(world.Server.Requests);
            }
        }
    }

    [Theory]
    [InlineData("retry-after", "7", 7.0)]
    [InlineData("retry-after", "0", 0.0)]
    [InlineData("retry-after", "1.5", 1.5)]
    [InlineData("retry-after", "Thu, 01 Jan 2026 00:01:30 GMT", 90.0)]
    [InlineData("retry-after", "Wed, 31 Dec 2025 23:59:00 GMT", 0.0)]
    [InlineData("retry-after-ms", "250", 0.25)]
    [InlineData("retry-after", "soon", null)]
    [InlineData("retry-after", "-7", null)]
    [InlineData("retry-after", "1e400", null)]
    [InlineData("retry-after", "99999999999999999999", 365.0 * 24 * 60 * 60)]
    public async Task Says_how_long_the_provider_asks_to_wait(string header, string value, double? seconds)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            foreach (var status in (int[])[429, 529])
            {
                await using var server = await ModelWireServer.StartAsync(WireReply.Failure(status, "rate_limit_error").With(header, value));
                using var client = World.ClientOf(kind, server.Url, clock: new ManualClock(s_now));
                var trouble = await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync("Is web-1 slow?"));

                Assert.Equal(seconds, trouble.RetryAfter?.TotalSeconds);
            }
        }
    }

    [Fact]
    public async Task Prefers_the_finer_of_two_waits()
    {
        await using var world = await World.OfAsync(Kind.Anthropic, WireReply.Failure(429, "rate_limit_error").With("retry-after", "2").With("retry-after-ms", "1200"));
        Assert.Equal(TimeSpan.FromMilliseconds(1200), (await world.TroubleAsync()).RetryAfter);
    }

    [Theory]
    [InlineData(429, """{"error":{"message":"You exceeded your current quota, please check your plan.","type":"insufficient_quota","code":"insufficient_quota"}}""")]
    [InlineData(429, """{"error":{"message":"Hard limit.","type":"requests","code":"billing_hard_limit_reached"}}""")]
    [InlineData(429, """{"type":"error","error":{"type":"rate_limit_error","message":"No.","details":{"error_code":"enforced_spend_limit_reached"}}}""")]
    [InlineData(429, """{"type":"error","error":{"type":"rate_limit_error","message":"The workspace has reached its spend limit."}}""")]
    [InlineData(400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}""")]
    [InlineData(400, """{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-02-01."}}""")]
    [InlineData(402, "Payment required")]
    public async Task For_want_of_money_is_not_worth_another_try(int status, string body)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            await using var world = await World.OfAsync(kind, WireReply.Raw(body, status: status).With("retry-after", "1"));
            var trouble = await world.TroubleAsync();

            Assert.Equal((ModelTrouble.QuotaExhausted, false, true), (trouble.Trouble, trouble.IsWorthRetrying, trouble.CostNothing));
        }
    }

    [Theory]
    [InlineData("""{"type":"error","error":{"type":"rate_limit_error","message":"This would exceed your organization's usage limit of 50,000 input tokens per minute."}}""")]
    [InlineData("""{"error":{"message":"Rate limit reached for requests","type":"requests","code":"rate_limit_exceeded"}}""")]
    [InlineData("""{"error":{"message":null,"type":null,"code":429}}""")]
    [InlineData("""{"error":"slow down"}""")]
    [InlineData("<html>Too many requests</html>")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task Because_of_its_rate_is_worth_another_try_whatever_the_body(string body)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            await using var world = await World.OfAsync(kind, WireReply.Raw(body, status: 429));
            var trouble = await world.TroubleAsync();

            Assert.Equal((ModelTrouble.RateLimited, true, true), (trouble.Trouble, trouble.IsWorthRetrying, trouble.CostNothing));
        }
    }

    [Theory, EachKind]
    public async Task Because_the_connection_breaks_is_a_cut(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.HangUp());
        var trouble = await world.TroubleAsync(streamed);

        Assert.Equal((ModelTrouble.Cut, true, false), (trouble.Trouble, trouble.IsWorthRetrying, trouble.CostNothing));
        Assert.Single(world.Server.Requests);
    }

    [Theory, EachKind]
    public async Task Because_nobody_listens_is_a_cut(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind);
        await world.Server.DisposeAsync();
        var trouble = await world.TroubleAsync(streamed);

        Assert.Equal(ModelTrouble.Cut, trouble.Trouble);
        Assert.EndsWith(" cannot be reached, or hung up (ConnectionError).", trouble.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"id\":")]
    [InlineData("")]
    [InlineData("<html>Welcome</html>")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"banana"}]}""")]
    [InlineData("""{"id":"x","choices":[{"index":0,"finish_reason":"stop"}]}""")]
    [InlineData("""{"id":7,"content":"x","stop_reason":[]}""")]
    public async Task Because_the_answer_makes_no_sense_is_unreadable(string body)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            await using var world = await World.OfAsync(kind, WireReply.Raw(body));
            var trouble = await world.TroubleAsync();

            Assert.True(trouble.Trouble is ModelTrouble.Unreadable, $"{kind}: {trouble}");
            Assert.False(trouble.CostNothing);
        }
    }

    [Theory]
    [InlineData("overloaded_error", ModelTrouble.Overloaded)]
    [InlineData("rate_limit_error", ModelTrouble.RateLimited)]
    [InlineData("api_error", ModelTrouble.ServerError)]
    [InlineData("invalid_request_error", ModelTrouble.InvalidRequest)]
    [InlineData("insufficient_quota", ModelTrouble.QuotaExhausted)]
    [InlineData("something_new", ModelTrouble.ServerError)]
    public async Task In_the_middle_of_a_stream_says_what_kind_of_trouble_it_is_and_that_it_cost_something(string type, ModelTrouble expected)
    {
        foreach (var kind in Enum.GetValues<Kind>())
        {
            var whole = WireReply.Text("It is slow.");
            var events = kind == Kind.Anthropic ? AnthropicWire.Events(whole, World.Model) : OpenAIWire.Events(whole, World.Model);
            var begun = events[..(events.IndexOf("\n\n", events.Length / 2, StringComparison.Ordinal) + 2)];
            var error = kind == Kind.Anthropic ? AnthropicWire.ErrorEvent(type, "Something went wrong.") : OpenAIWire.ErrorEvent(type, "Something went wrong.");
            await using var world = await World.OfAsync(kind, WireReply.Events(begun + error));
            var trouble = await world.TroubleAsync(streamed: true);

            Assert.Equal((expected, true, false), (trouble.Trouble, trouble.HadBegun, trouble.CostNothing));
            Assert.EndsWith($" broke its answer off ({type}): Something went wrong.", trouble.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task With_a_good_status_says_what_kind_of_trouble_it_is()
    {
        await using var world = await World.OfAsync(Kind.OpenAI, WireReply.Raw(OpenAIWire.Error("rate_limit_error", "Upstream is busy.")));
        var trouble = await world.TroubleAsync();

        Assert.Equal(ModelTrouble.RateLimited, trouble.Trouble);
        Assert.EndsWith(" broke its answer off (rate_limit_error): Upstream is busy.", trouble.Message, StringComparison.Ordinal);
    }

    [Theory, EachKind]
    public async Task Beside_many_others_keeps_its_trouble_to_itself(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind);
        world.Server.Enqueue(Enumerable.Range(0, 64).Select(i => i % 2 == 0
            ? WireReply.Failure(429, "rate_limit_error", $"{i}.").With("retry-after", $"{i}")
            : WireReply.Raw("{", streamed ? "text/event-stream" : "application/json")));
        var troubles = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => world.TroubleAsync(streamed)));

        var limited = troubles.Where(t => t.Trouble == ModelTrouble.RateLimited).ToArray();
        Assert.All(limited, t => Assert.EndsWith($": {t.RetryAfter!.Value.TotalSeconds}.", t.Message, StringComparison.Ordinal));
        Assert.Equal(32, limited.Select(t => t.RetryAfter).Distinct().Count());
        Assert.Equal(32, troubles.Count(t => t.Trouble == (streamed ? ModelTrouble.Cut : ModelTrouble.Unreadable)));
    }

    [Theory, EachKind]
    public async Task Because_it_is_sent_elsewhere_does_not_go_there(Kind kind, bool streamed)
    {
        await using var elsewhere = await ModelWireServer.StartAsync(WireReply.Text("Yes."));
        await using var world = await World.OfAsync(kind, WireReply.Raw("", status: 307).With("Location", new Uri(elsewhere.Url, "/v1/messages").AbsoluteUri));
        var trouble = await world.TroubleAsync(streamed);

        Assert.Equal(ModelTrouble.InvalidRequest, trouble.Trouble);
        Assert.Empty(elsewhere.Requests);
    }

    [Theory, EachKind]
    public async Task Because_the_answer_does_not_end_stops_reading(Kind kind, bool streamed)
    {
        var piece = new string(streamed ? 'x' : ' ', 1024 * 1024); // a line that never ends, or a value that never comes
        await using var world = await World.OfAsync(kind, WireReply.Raw(string.Concat(Enumerable.Repeat(piece, 65)), streamed ? "text/event-stream" : "application/json"));
        var trouble = await world.TroubleAsync(streamed);

        Assert.Equal(ModelTrouble.Unreadable, trouble.Trouble);
        Assert.EndsWith(" sent an answer of more than 64 MiB.", trouble.Message, StringComparison.Ordinal);
    }

    [Theory, EachKind]
    public async Task Leaves_the_client_usable(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Failure(500, "api_error"), WireReply.HangUp(), WireReply.Text("Yes."));
        await world.TroubleAsync(streamed);
        await world.TroubleAsync(streamed);

        Assert.Equal("Yes.", (await A_reply.ReplyAsync(world, streamed)).Text);
    }
}
