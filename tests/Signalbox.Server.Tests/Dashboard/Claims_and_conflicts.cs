using System.Net;
using Signalbox.Journal;
using Signalbox.Queries;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class Claims_and_conflicts
{
    private static async Task<(AskingWorld World, RunId Stands, RunId Asks)> ConflictAsync()
    {
        var world = await AskingWorld.StartAsync();
        var first = await world.AskAsync(new Errand("root", Opposite: true));
        await world.Harness.RunUntilIdleAsync();
        return (world, first, await world.AskAsync(new Errand("root")));
    }

    [Fact]
    public async Task Are_listed_with_who_claims_what_and_what_became_of_it()
    {
        var (world, stands, asks) = await ConflictAsync();
        await using var _ = world;
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/claims");

        foreach (var said in new[]
        {
            "2 claims", "account/web-01/root enable, against disable stands enable_account", "account/web-01/root disable, against enable proposed disable_account",
            $"'disable' on account/web-01/root by disable_account of {asks}", $"'enable' on account/web-01/root by enable_account of {stands} (stands)", "open",
        })
        {
            Assert.Contains(said, page.Text, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("Release", page.Text, StringComparison.Ordinal);
        var only = await Asked.OfAsync(vera, "/claims?resource=WEB-01%2Froot&phase=Standing");
        Assert.Contains("One claim", only.Text, StringComparison.Ordinal);
        Assert.Contains("No claim matches.", (await Asked.OfAsync(vera, "/claims?resource=elsewhere")).Text, StringComparison.Ordinal);
        Assert.Contains("2 claims", (await Asked.OfAsync(vera, "/claims?phase=nonsense")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Are_told_once_with_their_ruling()
    {
        var (world, _, asks) = await ConflictAsync();
        await using var __ = world;
        using var anna = await world.LogInAsync("anna", "approver");
        using var berta = await world.LogInAsync("berta", "approver");
        await (await world.OpenAsync(anna, asks)).AnswerAsync("approve");
        await (await world.OpenAsync(berta, asks)).AnswerAsync("approve");
        await world.Harness.RunUntilIdleAsync();

        var page = await Asked.OfAsync(anna, "/claims");

        Assert.Contains("overrules by person", page.Text, StringComparison.Ordinal);
        Assert.Contains("approved by person:berta", page.Text, StringComparison.Ordinal);
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(page.Page, "data-label=\"Ruling\""));
    }

    [Fact]
    public async Task Are_told_without_what_must_not_be_shown()
    {
        var (world, _, asks) = await ConflictAsync();
        await using var __ = world;
        using var anna = await world.LogInAsync("anna", "approver");
        using var berta = await world.LogInAsync("berta", "approver");
        await (await world.OpenAsync(anna, asks)).AnswerAsync("approve");
        await (await world.OpenAsync(berta, asks)).AnswerAsync("approve");
        await world.Harness.RunUntilIdleAsync();

        var told = await new RunQueries(world.Harness.Store, world.Harness.Clock, redactor: Redactor.Create(new([], ["berta"]))).ConflictsAsync(10, default);

        Assert.Equal("approved by person:[redacted]", Assert.Single(told).Conflict.Ruled!.Why);
    }

    [Fact]
    public async Task Are_released_by_an_operator_with_a_reason()
    {
        var (world, stands, _) = await ConflictAsync();
        await using var __ = world;
        using var otto = await world.LogInAsync("otto", "operator");
        using var anna = await world.LogInAsync("anna", "approver");
        var action = Assert.Single(await world.Harness.Store.ClaimsAsync(new ClaimQuery { Phases = [ClaimPhase.Standing] }, default)).ActionId;

        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(anna, "no longer wanted")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(otto, " ")).StatusCode);
        Assert.NotEmpty(await world.Harness.Store.ClaimsAsync(new ClaimQuery { Phases = [ClaimPhase.Standing] }, default));
        using var forged = await otto.PostAsync("/claims/release", ("run", stands.Value), ("action", action), ("reason", "x"));
        Assert.Equal(HttpStatusCode.BadRequest, forged.StatusCode);
        Assert.Contains("Release…", (await Asked.OfAsync(otto, "/claims")).Text, StringComparison.Ordinal);

        using var released = await PostAsync(otto, "no longer wanted");
        Assert.Contains("Released. Its claims are released; the effect stays as it is.", Asked.TextOf(await released.TextAsync()), StringComparison.Ordinal);
        Assert.Empty(await world.Harness.Store.ClaimsAsync(new ClaimQuery { Phases = [ClaimPhase.Standing] }, default));
        var entry = (await world.Harness.JournalAsync(stands)).Single(e => e.Kind == EntryKinds.ClaimReleased);
        Assert.Equal(("person:otto", "no longer wanted"), (entry.Actor, entry.Cause));
        using var again = await PostAsync(otto, "no longer wanted");
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);

        async Task<HttpResponseMessage> PostAsync(Browser browser, string reason) =>
            await browser.PostAsync("/claims/release", ("__RequestVerificationToken", await browser.TokenOfAsync("/claims")), ("run", stands.Value), ("action", action), ("reason", reason));
    }
}
