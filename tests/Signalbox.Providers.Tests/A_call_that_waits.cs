using Signalbox.Testing;

namespace Signalbox.Providers.Tests;

public sealed class A_call_that_waits
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    [Theory, EachKind]
    public async Task For_an_answer_ends_at_its_time_limit(Kind kind, bool streamed)
    {
        var clock = new ManualClock();
        await using var world = await World.OfAsync(kind, s_long, s_long, clock, WireReply.Never());
        var call = world.TroubleAsync(streamed);
        var request = await world.Server.RequestAsync(0).WaitAsync(s_long);
        clock.Advance(s_long);
        var trouble = await call.WaitAsync(s_long);

        Assert.Equal((ModelTrouble.TimedOut, true, false), (trouble.Trouble, trouble.IsWorthRetrying, trouble.CostNothing));
        Assert.EndsWith(" gave no answer within 60 s.", trouble.Message, StringComparison.Ordinal);
        await request.Gone.WaitAsync(s_long); // the server is let go, too
    }

    [Theory, EachKind]
    public async Task For_the_rest_of_an_answer_ends_when_the_server_is_silent_for_too_long(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, s_long, s_short, TimeProvider.System, WireReply.Text("It is slow.").SilentAt(150));
        var trouble = await world.TroubleAsync(streamed);

        Assert.Equal((ModelTrouble.TimedOut, false), (trouble.Trouble, trouble.CostNothing));
        Assert.EndsWith(" went silent in the middle of its answer, for 0.15 s.", trouble.Message, StringComparison.Ordinal);
        await world.Server.Requests[0].Gone.WaitAsync(s_long);
    }

    [Theory, EachKind]
    public async Task For_the_rest_of_an_answer_ends_at_its_time_limit_too(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, s_short, s_long, TimeProvider.System, WireReply.Text("It is slow.").SilentAt(150));
        Assert.Equal(ModelTrouble.TimedOut, (await world.TroubleAsync(streamed)).Trouble);
    }

    [Theory, EachKind]
    public async Task For_the_text_of_an_error_keeps_what_the_status_says(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, s_long, s_short, TimeProvider.System, WireReply.Failure(529, "overloaded_error").SilentAt(5));
        Assert.Equal(ModelTrouble.Overloaded, (await world.TroubleAsync(streamed)).Trouble);
    }

    [Theory, EachKind]
    public async Task Ends_when_its_caller_cancels(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Never());
        using var cancel = new CancellationTokenSource();
        var call = streamed ? world.StreamAsync(cancellationToken: cancel.Token) : (Task)world.AskAsync(cancellationToken: cancel.Token);
        var request = await world.Server.RequestAsync(0).WaitAsync(s_long);
        await cancel.CancelAsync();

        var cancelled = await Assert.ThrowsAsync<OperationCanceledException>(() => call.WaitAsync(s_long));
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        await request.Gone.WaitAsync(s_long);
    }

    [Theory]
    [InlineData(Kind.Anthropic)]
    [InlineData(Kind.OpenAI)]
    public async Task For_the_rest_of_a_silent_stream_ends_when_its_caller_cancels(Kind kind)
    {
        var reply = WireReply.Text("It is slow.");
        await using var world = await World.OfAsync(kind, reply.SilentAt(World.LengthOf(kind, reply) * 2 / 3));
        using var cancel = new CancellationTokenSource();
        var updates = new List<ChatResponseUpdate>();
        var call = world.StreamIntoAsync(updates, cancellationToken: cancel.Token);
        await (await world.Server.RequestAsync(0).WaitAsync(s_long)).Answered.WaitAsync(s_long);
        await cancel.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => call.WaitAsync(s_long));
        Assert.All(updates, u => Assert.Null(u.FinishReason));
        await world.Server.Requests[0].Gone.WaitAsync(s_long);
    }

    [Theory]
    [InlineData(Kind.Anthropic)]
    [InlineData(Kind.OpenAI)]
    public async Task Lets_the_server_go_when_its_caller_reads_no_further(Kind kind)
    {
        var reply = WireReply.Text("It is slow.");
        await using var world = await World.OfAsync(kind, reply.SilentAt(World.LengthOf(kind, reply) * 2 / 3));
        await foreach (var update in world.Client.GetStreamingResponseAsync("Is web-1 slow?"))
        {
            Assert.Null(update.FinishReason);
            break;
        }

        await world.Server.Requests[0].Gone.WaitAsync(s_long);
    }

    [Theory, EachKind]
    public async Task Does_not_ask_when_it_is_cancelled_already(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAsync<OperationCanceledException>(() => streamed ? world.StreamAsync(cancellationToken: cancelled) : world.AskAsync(cancellationToken: cancelled));

        Assert.Empty(world.Server.Requests);
    }
}
