using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Journal;
using Signalbox.Sqlite;

namespace Signalbox.Store.Tests;

/// <summary>Two hundred runs at once on one real worker, each of which wants one to three of a few places, some of them within others, all for itself.</summary>
public sealed class A_crowd_at_few_places(ITestOutputHelper output) : IDisposable
{
    private const int Runs = 200;

    private static readonly string[][] s_places = [["web"], ["web", "root"], ["web", "anna"], ["db"], ["db", "root"], ["mail"]];

    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-crowd-").FullName;

    [Theory]
    [InlineData("memory")]
    [InlineData("SQLite")]
    public async Task Gets_there_one_after_the_other_in_the_order_in_which_they_came(string store)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<Rooms>();
        builder.Services.AddSignalbox(box =>
        {
            box.Worker.Concurrency = Runs;
            box.AddWorkflow<Visitor>().AddAction<Enter, EnterHandler>("enter");
            if (store == "SQLite")
            {
                box.UseSqlite(Path.Combine(_folder, "signalbox.db"));
            }
        });
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var client = host.Services.GetRequiredService<RunClient>();
        var runs = new List<RunId>();
        for (var i = 0; i < Runs; i++)
        {
            runs.Add((await client.StartAsync("visitor", new Enter(i, [.. Enumerable.Range(0, 1 + (i % 3)).Select(k => (i + (k * 2)) % s_places.Length)]))).Run);
        }

        foreach (var run in runs)
        {
            var end = await client.WaitForEndAsync(run).WaitAsync(TimeSpan.FromMinutes(3));
            Assert.True(end.Status == RunStatus.Completed, end.Reason);
        }

        var log = await client.Store.ReadLogAsync(0, 100_000, CancellationToken.None);
        Assert.DoesNotContain(await client.Store.ClaimsAsync(new ClaimQuery { Limit = 10_000 }, CancellationToken.None), r => r.Phase != ClaimPhase.Standing);
        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.Empty(host.Services.GetRequiredService<Rooms>().Clashes);
        CheckOrder(log, store);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Nobody takes a place before somebody who has waited longer for one that it overlaps, and each waits once.</summary>
    private void CheckOrder(IReadOnlyList<Entry> log, string store)
    {
        var waiting = new Dictionary<string, (Entry Entry, ClaimQueued Body)>();
        var waits = new List<TimeSpan>();
        foreach (var entry in log)
        {
            if (entry.Kind == EntryKinds.ClaimQueued)
            {
                var queued = Body.Read<ClaimQueued>(entry);
                Assert.True(waiting.TryAdd(queued.ActionId, (entry, queued)), $"{queued.ActionId} waits twice");
            }
            else if (entry.Kind == EntryKinds.ActionIntended)
            {
                var intended = Body.Read<ActionIntended>(entry);
                if (waiting.Remove(intended.ActionId, out var own))
                {
                    waits.Add(TimeSpan.FromMicroseconds(entry.At - own.Entry.At));
                }

                var since = own.Entry?.Position ?? entry.Position;
                Assert.DoesNotContain(waiting.Values, w => w.Entry.Position < since && w.Body.Claims.Any(c => intended.Claims!.Any(i => i.Resource.Overlaps(c.Resource))));
            }
        }

        Assert.Empty(waiting);
        waits.Sort();
        output.WriteLine($"{store}: {waits.Count} of {Runs} waited; half of them at most {At(0.5)}, nine in ten {At(0.9)}, all {At(1)}.");

        string At(double share) => waits.Count == 0 ? "0 ms" : $"{waits[(int)((waits.Count - 1) * share)].TotalMilliseconds:N0} ms";
    }

    public enum Stage { Enter, Done }

    public sealed record Enter(int Who, IReadOnlyList<int> Places);

    /// <summary>Who has been in and who is, by place.</summary>
    private sealed class Rooms
    {
        private readonly ConcurrentDictionary<int, Enter> _inside = [];
        private readonly ConcurrentDictionary<int, bool> _been = [];

        public ConcurrentQueue<string> Clashes { get; } = [];

        public bool HasBeen(Enter enter) => _been.ContainsKey(enter.Who);

        public async Task PassAsync(Enter enter)
        {
            _inside[enter.Who] = enter;
            for (var i = 0; i < 5; i++)
            {
                await Task.Yield();
                foreach (var other in _inside.Values.Where(o => o.Who != enter.Who && o.Places.Any(p => enter.Places.Any(e => Of(e).Overlaps(Of(p))))))
                {
                    Clashes.Enqueue($"{enter.Who} met {other.Who}");
                }
            }

            _inside.TryRemove(enter.Who, out _);
            _been[enter.Who] = true;
        }

        public static Resource Of(int place) => Resource.Of("host", s_places[place]);
    }

    private sealed class EnterHandler(Rooms rooms) : ActionHandler<Enter>
    {
        public override TargetClass TargetClass => TargetClass.T3;

        public override Reversibility Reversibility => Reversibility.Reversible;

        public override IReadOnlyList<Claim> Claims(Enter action) => [.. action.Places.Select(p => new Claim(Rooms.Of(p), "enter"))];

        public override Task<Observation> ProbeAsync(Enter action, ActionContext context, CancellationToken cancellationToken) =>
            Task.FromResult(rooms.HasBeen(action) ? Observation.So("was there") : Observation.NotSo("was not there"));

        public override async Task<string?> ExecuteAsync(Enter action, ActionContext context, CancellationToken cancellationToken)
        {
            await rooms.PassAsync(action);
            return null;
        }
    }

    private sealed class Visitor() : Workflow<Stage, Enter>("visitor", version: 1)
    {
        protected override void Define(StateMachine<Stage, Enter> states)
        {
            states.Start(Stage.Enter, async visit =>
            {
                var outcome = await visit.Act(visit.Case);
                return outcome.IsVerified ? visit.GoTo(Stage.Done) : throw new IOException(outcome.Reason);
            }).To(Stage.Done);
            states.End(Stage.Done);
        }
    }
}
