using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Showing_an_unverified_action : IDisposable
{
    private const string Proof = "the target answered '250 queued'; nobody can look whether it is so";

    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Tells_that_it_is_done_by_the_targets_word_alone()
    {
        await WriteAsync();
        var shown = (await _store.RunAsync("show", "r-mail")).Output;
        Assert.Contains("action mail: UNVERIFIED, done by the target's word alone", shown, StringComparison.Ordinal);
        Assert.Contains("proof: the target answered '250 queued'", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_it_as_unverified_and_says_of_nobody_that_they_made_it()
    {
        await WriteAsync();
        var listed = (await _store.RunAsync("actions", "r-mail")).Output;
        Assert.StartsWith("mail unverified  run r-mail", listed, StringComparison.Ordinal);
        Assert.Contains(Proof, listed, StringComparison.Ordinal);
        Assert.DoesNotContain("effect ", listed, StringComparison.Ordinal);
    }

    private Task<TestStore> WriteAsync() => _store.WriteAsync(async journals =>
    {
        var run = await journals.StartAsync("r-mail");
        await journals.AppendAsync(run, EntryKinds.ActionIntended, new ActionIntended("a1", "mail", Journals.Json("{}"), new string('1', 64), "T4"), step: "mail/-/1", cause: "to be done");
        await journals.AppendAsync(run, EntryKinds.ActionExecuted, new ActionExecuted("a1", Journals.Json("\"250 queued\""), null, 1500), step: "mail/-/1", actor: "engine");
        await journals.AppendAsync(run, EntryKinds.ActionUnverified, new ActionObserved("a1", "mail", "unverified: the target answered, and cannot be asked whether it is so", Proof), step: "mail/-/1", actor: "engine");
    });
}
