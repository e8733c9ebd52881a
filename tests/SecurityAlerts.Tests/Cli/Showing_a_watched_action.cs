using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Showing_a_watched_action : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Tells_what_agreed_and_what_each_look_showed()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-door1", "front", ("floor", "1"));
            await journals.AppendAsync(
                run, EntryKinds.ActionVerified,
                new ActionObserved("a1", "lock", null, "the bolt is out", MadeByUs: true, Probes: 5, Agreement: new Agreement(4, 30_000_000, 3, 30_000_000)), step: "lock/-/1", actor: "engine", cause: "the bolt is out");
            await LookAsync("""{"kind":"So","proof":"the bolt is out","looks":1}""");
            await LookAsync("""{"kind":"NotSo","proof":"the bolt is in","looks":1}""");
            await LookAsync("""{"kind":"Unclear","proof":"nobody answers","looks":4}""");

            Task LookAsync(string result) =>
                journals.AppendAsync(run, EntryKinds.StepCompleted, new StepCompleted(Journals.Json("""{"action":"lock","id":"a1"}"""), Journals.Json(result), 500, 1, Type: "look"), step: "look/-/1");
        });

        var shown = (await _store.RunAsync("show", "r-door1")).Output;

        Assert.Contains("agreed: 4 looks in a row over 30.0 s; wanted: 3 over 30.0 s", shown, StringComparison.Ordinal);
        Assert.Contains("look at lock: it is so", shown, StringComparison.Ordinal);
        Assert.Contains("look at lock: it is not so", shown, StringComparison.Ordinal);
        Assert.Contains("proof: the bolt is in", shown, StringComparison.Ordinal);
        Assert.Contains("look at lock: the target cannot say", shown, StringComparison.Ordinal);
    }
}
