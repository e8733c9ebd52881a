using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Signalbox.Bench;

internal sealed partial class Bench
{
    private const string Actions = "kind LIKE 'action.%'";

    /// <summary>
    /// Actions, each with its four entries in three transactions (looked at and intended; executed; verified), against a bare loop that writes the same entries in the same transactions: one run, with claims
    /// of others and without, with one claim an action and with many; and many runs at once.
    /// </summary>
    public async Task<IReadOnlyList<Figure>> ActionsAsync(int actions = 1000, int runs = 1000, int few = 5, int claims = 11, int standing = 100_000)
    {
        var (empty, among, wide, many) = (new Series(), new Series(), new Series(), new Series());
        var full = await WithClaimsAsync(standing);
        for (var round = 0; round < rounds + WarmUps; round++)
        {
            // In turn, so that what the machine does besides falls on all alike.
            var isWarm = round >= WarmUps;
            empty.Add(await BlocksAsync(null, 1, actions), isWarm);
            among.Add(await BlocksAsync(full, 1, actions), isWarm);
            wide.Add(await BlocksAsync(null, 1, actions / 5, claims), isWarm);
            many.Add(await BlocksAsync(null, runs, few), isWarm);
        }

        var perClaim = Median([.. wide.Cpu.Zip(empty.Cpu, (a, b) => (a - b) * 1000 / (claims - 1))]);
        return
        [
            empty.Figure($"one run, {actions:N0} sequential actions of one claim"),
            among.Figure($"the same among {standing:N0} standing claims"),
            Times($"{standing:N0} standing claims: CPU an action beside none", among.Cpu, empty.Cpu, "ms"),
            wide.Figure($"one run, {actions / 5:N0} sequential actions of {claims} claims ({perClaim:N0} µs CPU for each more)"),
            many.Figure($"{runs:N0} runs × {few} actions side by side (batches of {Median(many.Batches):N0} entries)"),
        ];
    }

    /// <summary>
    /// Runs that queue for overlapping resources: a network that every fourth action wants, and its addresses. How many hand-overs a second (a hold ends, and the one that waited for it has its intent on
    /// disk), against a bare loop that writes the same entries in the same transactions; and how long one takes, against the two commits that it cannot do without: the lease and the intent.
    /// </summary>
    public async Task<IReadOnlyList<Figure>> HandOversAsync()
    {
        // One action each: what a hand-over costs grows with the queue and with what stands there, and more would measure that alone.
        var figures = new List<Figure>();
        foreach (var runs in new[] { 50, 200 })
        {
            var (ours, bare, took, twoCommits, cpu, handOvers) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round < rounds + WarmUps; round++)
            {
                var db = Fresh("queue");
                Use used;
                await using (var world = await World.OpenAsync(db, concurrency: runs))
                {
                    await StartAllAsync(runs, i => world.Client.StartAsync("blocks", new BlocksCase(1, i, Crowd: true)));
                    var before = Use.Now();
                    await world.StartAsync();
                    await world.UntilNoneIsOpenAsync();
                    used = Use.Now() - before;
                    await ThrowUnlessAllCompletedAsync(world, runs);
                }

                var waits = HandOvers(db);
                var sizes = BareLoop.BatchSizes(db, Work);
                using var loop = BareLoop.From(db, Db("bare"), Work);
                var raw = loop.Run(i => i < sizes.Length ? sizes[i] : 1).TotalSeconds;
                var single = loop.Run(_ => 1).TotalMilliseconds / loop.Rows;
                if (round >= WarmUps)
                {
                    ours.Add(waits.Count / Seconds(db, Work));
                    bare.Add(waits.Count / raw);
                    took.Add(Median(waits));
                    twoCommits.Add(2 * single);
                    cpu.Add(used.Cpu.TotalMilliseconds / runs);
                    handOvers.Add(waits.Count);
                }
            }

            var what = $"{runs:N0} runs that queue for a network and its addresses";
            figures.Add(Compare($"{what} ({Median(handOvers):N0} hand-overs, {Median(cpu):N3} ms CPU an action)", "hand-overs/s", ours, bare, 0, "—") with { Met = null });
            figures.Add(Times($"{what}: a hand-over beside two commits", took, twoCommits, "ms"));
        }

        return figures;
    }

    /// <summary>So many runs with so many actions each, on a store of its own or on a copy of one; and the bare loop.</summary>
    private async Task<Sample> BlocksAsync(string? copyOf, int runs, int actions, int claims = 1)
    {
        var db = Fresh("actions");
        if (copyOf is not null)
        {
            File.Copy(copyOf, db);
        }

        Use used;
        await using (var world = await World.OpenAsync(db, concurrency: Math.Max(64, runs)))
        {
            await StartAllAsync(runs, i => world.Client.StartAsync("blocks", new BlocksCase(actions, i * actions, claims)));
            var before = Use.Now();
            await world.StartAsync();
            await world.UntilNoneIsOpenAsync();
            used = Use.Now() - before;
            await ThrowUnlessAllCompletedAsync(world, runs);
        }

        // Of many runs leases, transitions and ends are part of the work, on both sides.
        var where = runs == 1 ? Actions : Work;
        var seconds = Seconds(db, where);
        var sizes = BareLoop.BatchSizes(db, where);
        using var loop = BareLoop.From(db, Db("bare"), where);
        var beforeLoop = Use.Now();
        var raw = loop.Run(i => i < sizes.Length ? sizes[i] : 1).TotalSeconds;
        var flushing = Use.Now() - beforeLoop;
        var all = runs * actions;
        return new Sample(all / seconds, all / raw, used.Cpu.TotalMilliseconds / all, flushing.Cpu.TotalMilliseconds / all, sizes.Average());
    }

    /// <summary>A store in which so many claims stand, between the addresses that are acted on. They are put in by hand: no entries lie behind them.</summary>
    private async Task<string> WithClaimsAsync(int count)
    {
        var db = Fresh("claims");
        await (await World.OpenAsync(db)).DisposeAsync();
        using (var connection = new SqliteConnection($"Data Source={db};Pooling=False"))
        {
            connection.Open();
            using var transaction = connection.BeginTransaction();
            using var insert = connection.CreateCommand();
            insert.CommandText = """
                INSERT INTO claims(path, action_id, resource, intent, against, phase, action, run, scope, step, position, at, priority, made, undo, told)
                VALUES(@path, @id, @name, 'block', '["allow"]', 'Standing', 'block', @run, '', @step, 0, 0, 0, 1, 0, 0)
                """;
            string[] names = ["@path", "@id", "@name", "@run", "@step"];
            foreach (var name in names)
            {
                insert.Parameters.AddWithValue(name, "");
            }

            for (var i = 0; i < count; i++)
            {
                var resource = Resource.AddressOrNetwork(Places.Neighbour(i));
                var id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(i)).AsSpan(0, 16));
                object[] values = [resource.Path, id, resource.Name, $"another-run-{i / 5}", string.Create(CultureInfo.InvariantCulture, $"block#{i % 5}")];
                for (var j = 0; j < values.Length; j++)
                {
                    insert.Parameters[j].Value = values[j];
                }

                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        }

        Checkpoint(db);
        return db;
    }

    /// <summary>How long each hand-over took, in milliseconds by the store's own clock: from the transaction that gave a queued action its turn to that of its intent.</summary>
    private static List<double> HandOvers(string db)
    {
        using var connection = new SqliteConnection($"Data Source={db};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT (min(intended.at) - freed.at) / 1e3 FROM entries AS freed JOIN entries AS intended
              ON intended.run = freed.run AND intended.scope = freed.scope AND intended.step = freed.step AND intended.seq > freed.seq AND intended.kind = 'action.intended'
            WHERE freed.kind = 'claim.freed' GROUP BY freed.position
            """;
        using var reader = command.ExecuteReader();
        var waits = new List<double>();
        while (reader.Read())
        {
            waits.Add(reader.GetDouble(0));
        }

        return waits;
    }

    private static Figure Times(string what, List<double> ours, List<double> beside, string unit) =>
        new(what, $"{Median(ours):N3} {unit}", $"{Median(beside):N3} {unit}", $"{Median([.. ours.Zip(beside, (a, b) => a / b)]):N2} ×", "—", null);

    /// <summary>One measurement of actions: how many a second, ours and the bare loop's, and the CPU of each.</summary>
    private readonly record struct Sample(double Ours, double Bare, double Cpu, double CpuBare, double Batch);

    private sealed class Series
    {
        private readonly List<Sample> _samples = [];

        public List<double> Cpu => [.. _samples.Select(s => s.Cpu)];

        public List<double> Batches => [.. _samples.Select(s => s.Batch)];

        public void Add(Sample sample, bool counts)
        {
            if (counts)
            {
                _samples.Add(sample);
            }
        }

        public Figure Figure(string what)
        {
            var commits = Median([.. _samples.Select(s => s.CpuBare)]);
            return Compare($"{what}: {Median(Cpu):N3} ms CPU an action, {commits:N3} ms of it commits", "actions/s", [.. _samples.Select(s => s.Ours)], [.. _samples.Select(s => s.Bare)], 0, "—") with { Met = null };
        }
    }
}
