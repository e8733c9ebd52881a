using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_system_page
{
    [Fact]
    public async Task Says_plainly_how_every_part_is()
    {
        var index = new FakeIndex { Status = new(7, 10, TimeSpan.FromSeconds(4), true, 2000) };
        await using var world = await AskingWorld.StartAsync(index);
        await world.AskAsync(new Errand("root"));
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/system");

        foreach (var said in new[]
        {
            "All is well.", "1 worker is alive; 0 runs are driven just now.", "Nothing waits for a worker for long, and no run is held.", "The search index is 3 entries behind the log, and follows it.",
            "1 definition has runs; the open ones of each version go by one definition.", "7 of 10", "2,000 bytes", "desk v1", "in this process's memory",
        })
        {
            Assert.Contains(said, page.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Shows_nothing_of_a_run_that_must_not_be_shown()
    {
        await using var world = await AskingWorld.StartAsync();
        await world.Harness.Worker.CrashAsync();
        await world.Harness.Client("person:carl").StartAsync("desk", new Errand("root"), "for canary", new Dictionary<string, string> { ["who"] = "canary" });
        Assert.Single((await world.Harness.Store.LeaseAsync(new LeaseRequest("w-2", [new WorkflowVersion("desk", 1)], 1, Idle: true), default)).Runs);

        var system = await new RunQueries(world.Harness.Store, world.Harness.Clock, redactor: Redactor.Create(new([], ["canary"]))).SystemAsync(default);

        var row = Assert.Single(system.Workers.Single(w => w.Name == "w-2").Runs);
        Assert.Equal(("for [redacted]", "[redacted]"), (row.Key, row.Labels["who"]));
    }

    [Fact]
    public async Task Says_what_is_wrong()
    {
        var index = new FakeIndex { Status = new(7, 10, TimeSpan.FromHours(4), false, 2000) };
        await using var world = await AskingWorld.StartAsync(index);
        await world.Harness.Worker.CrashAsync();
        await world.Harness.Client("person:carl").StartAsync("desk", new Errand("root"));
        world.Harness.Clock.Advance(TimeSpan.FromMinutes(5));
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/system");

        foreach (var said in new[]
        {
            "Something does not work.", "No worker is alive: nothing is driven. Start the program that runs the workflows.", "A run that could go on has waited for 5 min and no worker takes it", "Nobody feeds the search index; it lacks 3 entries.",
        })
        {
            Assert.Contains(said, page.Text, StringComparison.Ordinal);
        }
    }
}
