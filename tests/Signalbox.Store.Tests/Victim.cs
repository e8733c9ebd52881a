using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests;

/// <summary>The other side of tests that need a second process: this program, told to own a store until it is killed.</summary>
internal static class Victim
{
    public const string Argument = "--victim";

    /// <summary>Owns the store and does nothing else.</summary>
    public const string Owns = "owns";

    /// <summary>Owns the store and appends for several runs at once, acknowledging each commit on standard output.</summary>
    public const string Appends = "appends";

    /// <summary>The same, and feeds its search index.</summary>
    public const string Feeds = "feeds";

    /// <summary>Owns the store, fills it with runs that have ended and erases them, saying so before and after each.</summary>
    public const string Erases = "erases";

    private const int Appenders = 6;

    public static async Task<int> RunAsync(string part, string path)
    {
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        await using var output = Console.OpenStandardOutput();
        var says = new StreamWriter(output) { AutoFlush = true };
        await says.WriteLineAsync("ready");
        await using var index = new SqliteIndex(path, store);
        await using var tail = new Signalbox.Queries.LogTail(store, TimeProvider.System);
        if (part == Feeds)
        {
            _ = index.FeedAsync(tail, CancellationToken.None);
        }

        if (part is Appends or Feeds)
        {
            await Task.WhenAll(Enumerable.Range(0, Appenders).Select(i => Task.Run(() => AppendAsync(store, says, i))));
        }

        if (part == Erases)
        {
            while (true)
            {
                var run = await An_erased_run.EndedAsync(store, "canary-7f3a9c51 " + Guid.NewGuid(), Random.Shared.Next());
                await says.WriteLineAsync($"erasing {run}");
                await RunCommands.ExecuteAsync(store, new EraseRun(run, "asked for"), new Caller("person:anna", ["admin"]), default);
                await says.WriteLineAsync($"erased {run}");
            }
        }

        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    private static async Task AppendAsync(SqliteRunStore store, StreamWriter says, int appender)
    {
        var run = RunId.New(Entropy.System);
        await CommitAsync(Moves.Started(), Moves.Entered());
        var large = new byte[48_000];
        for (var i = 0; ; i++)
        {
            Entropy.System.Fill(large);
            var payload = Signalbox.Journal.Payload.Of(large.ToArray());
            await ((i + appender) % 9 == 0 ? CommitAsync(Moves.Step(), Moves.Step() with { Payloads = [payload] }) : CommitAsync(Moves.Step(), Moves.Step()));
        }

        async Task CommitAsync(params Signalbox.Journal.EntryDraft[] entries)
        {
            var result = await store.CommitAsync(new Commit { Run = run, Entries = entries }, default);
            var lines = string.Concat(result.Entries.Select((e, i) =>
                $"ack {e.Run} {e.Seq} {Convert.ToHexString(e.Hash.Span)} {string.Join(' ', entries[i].Payloads.Select(p => p.Hash.Value))}\n"));
            lock (says)
            {
                says.Write(lines);
            }
        }
    }
}
