using Signalbox.Journal;
using static Signalbox.Providers.Tests.Engine.EngineWorld;

namespace Signalbox.Providers.Tests.Engine;

public sealed class An_agent_on_the_wire
{
    [Theory, EachKind]
    public async Task Hands_thoughts_and_answers_back_and_pays_what_the_server_counts(Kind kind, bool streamed)
    {
        var call = new WireBlock.ToolCall("call_1", "check_disk", """{"host":"web-1"}""");
        var first = kind == Kind.Anthropic ? WireReply.Of(WireFinish.ToolCalls, new WireBlock.Thinking("The disk.", "c2ln"), call) : WireReply.Of(WireFinish.ToolCalls, call);
        await using var world = await StartAsync(kind, streamed, null, first, Says("block") with { Usage = new WireUsage(200, 0, 100, 40) });
        var (row, text) = await world.RunAsync();

        Assert.Equal("block by fast", text);
        var second = world.Fast.Requests[1].Body.GetProperty("messages");
        if (kind == Kind.Anthropic)
        {
            var thought = second[1].GetProperty("content")[0];
            Assert.Equal(("The disk.", "c2ln"), (thought.GetProperty("thinking").GetString(), thought.GetProperty("signature").GetString()));
        }

        Assert.Contains("web-1: 91 %", second[second.GetArrayLength() - 1].GetRawText(), StringComparison.Ordinal);
        Assert.Contains("call_1", second[second.GetArrayLength() - 1].GetRawText(), StringComparison.Ordinal);
        var written = kind == Kind.Anthropic ? 30 : 0; // the other does not tell what it writes to its cache
        Assert.Equal((2, 500, 57), (row.Spent.Calls, row.Spent.InputTokens, row.Spent.OutputTokens));
        Assert.Equal(Micros(200, 50, written, 17) + Micros(300, 100, 0, 40), row.Spent.Micros);

        static long Micros(long input, long cached, long written, long output) => (long)Math.Ceiling(((input - cached - written) * 3) + (cached * 0.3m) + (written * 4) + (output * 15));
    }

    [Theory, EachKind]
    public async Task Is_told_of_a_tool_that_is_not_there_with_the_nearest_name(Kind kind, bool streamed)
    {
        await using var world = await StartAsync(kind, streamed, null, WireReply.ToolCall("check_disc", """{"host":"web-1"}"""), Says("block"));
        var (row, text) = await world.RunAsync();

        Assert.Equal(("block by fast", 1), (text, row.Spent.Rejections));
        Assert.Contains("Did you mean 'check_disk'?", System.Text.RegularExpressions.Regex.Unescape(world.Fast.Requests[1].Body.GetProperty("messages").GetRawText()), StringComparison.Ordinal);
    }

    [Theory, EachKind]
    public async Task Is_told_of_arguments_that_do_not_fit(Kind kind, bool streamed)
    {
        await using var world = await StartAsync(kind, streamed, null, WireReply.ToolCall("check_disk", """{"hosts":"web-1"}"""), Says("block"));
        var (_, text) = await world.RunAsync();

        Assert.Equal("block by fast", text);
        Assert.Contains("do not fit its schema", world.Fast.Requests[1].Body.GetProperty("messages").GetRawText(), StringComparison.Ordinal);
    }

    /// <summary>Trouble that passes, with its code; in a stream it may show otherwise.</summary>
    private static (WireReply Reply, string Code, string Streamed) Passing(Kind kind, string trouble)
    {
        var whole = Says("block");
        return trouble switch
        {
            "429 with retry-after" => (WireReply.Failure(429, "rate_limit_error").With("retry-after-ms", "50"), "rate_limited", "rate_limited"),
            "429" => (WireReply.Failure(429, "rate_limit_error"), "rate_limited", "rate_limited"),
            "500" => (WireReply.Failure(500, "api_error"), "server_error", "server_error"),
            "529" => (WireReply.Failure(529, "overloaded_error"), "overloaded", "overloaded"),
            "503" => (WireReply.Failure(503, "overloaded_error"), "overloaded", "overloaded"),
            "hang up" => (WireReply.HangUp(), "cut", "cut"),
            "cut" => (whole.CutAt(60), "unreadable", "cut"),
            "dropped" => (whole.DroppedAt(World.LengthOf(kind, whole) / 2), "cut", "cut"),
            "no reply" => (WireReply.Never(), "timed_out", "timed_out"),
            "silence" => (whole.SilentAt(60), "timed_out", "timed_out"),
            "no JSON" => (WireReply.Raw("<html>busy</html>"), "unreadable", "cut"), // a page without events is a stream that ended too early
            "length" => (WireReply.Of(WireFinish.Length, new WireBlock.Text("""{"decision":"bl""")), "truncated", "truncated"),
            "empty" => (WireReply.Text(""), "empty", "empty"),
            _ => throw new ArgumentOutOfRangeException(nameof(trouble)),
        };
    }

    [Theory]
    [EachTrouble("429 with retry-after", "429", "500", "529", "503", "hang up", "cut", "dropped", "no reply", "silence", "no JSON", "length", "empty")]
    public async Task Tries_again_what_may_pass_and_records_each_attempt(Kind kind, bool streamed, string trouble)
    {
        var (reply, code, inStream) = Passing(kind, trouble);
        var limits = new ModelOptions { Within = TimeSpan.FromSeconds(trouble is "no reply" or "silence" ? 0.5 : 20), SilentMax = TimeSpan.FromSeconds(trouble is "no reply" or "silence" ? 0.3 : 20) };
        await using var world = await StartAsync(kind, streamed, limits, reply, Says("block"));
        var (row, text) = await world.RunAsync();

        Assert.Equal(("block by fast", 2), (text, world.Fast.Requests.Count));
        var failed = Assert.Single(await world.BodiesAsync<StepFailed>(row.Run, EntryKinds.StepAttemptFailed));
        Assert.Equal(streamed ? inStream : code, failed.Code);
        Assert.Equal(2, row.Spent.Calls);
        var reserved = (await world.BodiesAsync<BudgetReserved>(row.Run, EntryKinds.BudgetReserved))[0].Amount;
        var costNothing = trouble is "429 with retry-after" or "429" or "500" or "529" or "503";
        Assert.Equal(new WireUsage().Output + (costNothing ? 0 : reserved.OutputTokens), row.Spent.OutputTokens);
        if (trouble == "429 with retry-after")
        {
            Assert.True(row.Spent.Microseconds >= 0 && (await world.BodiesAsync<StepCompleted>(row.Run, EntryKinds.StepCompleted)).Single(s => s.Model is not null).Microseconds >= 50_000);
        }
    }

    [Theory]
    [EachTrouble("401", "400", "quota", "refused")]
    public async Task Climbs_at_once_where_another_try_would_not_help(Kind kind, bool streamed, string trouble)
    {
        var (reply, code) = trouble switch
        {
            "401" => (WireReply.Failure(401, "authentication_error", "invalid x-api-key " + World.Key), "unauthorized"),
            "400" => (WireReply.Failure(400, "invalid_request_error"), "invalid_request"),
            "quota" => (WireReply.Failure(429, "insufficient_quota"), "quota_exhausted"),
            _ => (WireReply.Of(WireFinish.Refusal, new WireBlock.Text("""{"decision":"block","confidence":1}""")), "refused"),
        };
        await using var world = await StartAsync(kind, streamed, null, reply, reply, reply);
        var (row, text) = await world.RunAsync();

        Assert.Equal("allow by strong", text);
        Assert.Equal(code, Assert.Single(await world.BodiesAsync<StepFailed>(row.Run, EntryKinds.StepFailed)).Code);
        Assert.Single(world.Fast.Requests);
        var raised = Assert.Single(await world.BodiesAsync<EscalationRaised>(row.Run, EntryKinds.EscalationRaised));
        Assert.Equal(("strong", EscalationReasons.ModelFailure), (raised.To, raised.Reason));
    }

    [Theory, EachKind]
    public async Task Climbs_when_no_attempt_gave_a_reply_and_tells_the_next_what_was_found(Kind kind, bool streamed)
    {
        var down = WireReply.Failure(500, "api_error");
        await using var world = await StartAsync(kind, streamed, null, WireReply.ToolCall("check_disk", """{"host":"web-1"}"""), down, down, down);
        var (_, text) = await world.RunAsync();

        Assert.Equal(("allow by strong", 4), (text, world.Fast.Requests.Count));
        Assert.Contains("web-1: 91 %", Assert.Single(world.Strong.Requests).Body.GetProperty("messages").GetRawText(), StringComparison.Ordinal);
    }
}
