using Signalbox.Queries;
using Xunit;

namespace Signalbox.Tests.Queries;

public sealed class The_inbox
{
    private static Task<Bench> StartAsync() => Bench.OfAsync(new Flow(async visit =>
    {
        var question = new Question(visit.Case.Text, "yes", "no") { Within = visit.Case.Number == 0 ? null : TimeSpan.FromHours(visit.Case.Number), Safe = visit.Case.Number == 0 ? null : "no" };
        return visit.GoTo(Step.Done, because: (await visit.Approve(question)).Choice);
    }));

    private static async Task AskAsync(Bench bench, string title, int hours = 0)
    {
        await bench.StartRunAsync(new Note(title, hours));
        await bench.Harness.SettleAsync();
        bench.Harness.Clock.Advance(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Has_what_is_due_first_then_what_was_asked_first()
    {
        await using var bench = await StartAsync();
        await AskAsync(bench, "first");
        await AskAsync(bench, "in three hours", 3);
        await AskAsync(bench, "second");
        await AskAsync(bench, "in two hours", 2);

        Assert.Equal(["in two hours", "in three hours", "first", "second"], (await bench.Queries().InboxAsync(10, default)).Select(c => c.Asked.Title));
        Assert.Equal(["in two hours", "in three hours", "first"], (await bench.Queries().InboxAsync(3, default)).Select(c => c.Asked.Title));
    }

    [Fact]
    public async Task Is_empty_when_all_is_answered()
    {
        await using var bench = await StartAsync();
        await AskAsync(bench, "first");
        await bench.AnswerAsync("yes");
        await bench.IdleAsync();

        Assert.Empty(await bench.Queries().InboxAsync(10, default));
    }

    [Fact]
    public async Task Has_a_question_that_cannot_be_read_and_says_so()
    {
        await using var bench = await StartAsync();
        await AskAsync(bench, "first");
        var head = await bench.Harness.HeadAsync(bench.Run);
        var wait = Assert.Single(head.Waits);
        var damaged = new RunQueries(new TamperedStore(bench.Harness.Store, erased: wait.Seq), bench.Harness.Clock);

        var card = Assert.Single(await damaged.InboxAsync(10, default));

        Assert.True(card.IsUnreadable);
        Assert.Equal(bench.Run, card.Row.Run);
        Assert.Contains("(the question cannot be read; entry ", card.Asked.Title, StringComparison.Ordinal);
        Assert.Contains("! The question is missing, altered or erased in the store; nobody can say what is asked. Do not answer it.", card.ToText(bench.Harness.Clock.GetUtcNow()), StringComparison.Ordinal);
    }
}
