using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class Every_store
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static TheoryData<string> InMemory => Names(durable: false);

    public static TheoryData<string> Sqlite => Names(durable: true);

    [Theory]
    [MemberData(nameof(InMemory))]
    public async Task Keeps_the_contract_in_memory(string fact)
    {
        await using var harness = new InMemoryHarness();
        await Fact(fact).CheckAsync(harness).WaitAsync(Limit);
    }

    [Theory]
    [MemberData(nameof(Sqlite))]
    public async Task Keeps_the_contract_in_SQLite(string fact)
    {
        await using var harness = new SqliteHarness();
        await Fact(fact).CheckAsync(harness).WaitAsync(Limit);
    }

    [Fact]
    public void Omits_no_fact()
    {
        var all = RunStoreContract.Facts.Select(f => f.Name).ToArray();
        Assert.True(all.Length > 60, $"The contract has {all.Length} facts.");
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(all, Sqlite.Select(row => row.Data));
        Assert.Equal(RunStoreContract.Facts.Where(f => !f.NeedsDurability).Select(f => f.Name), InMemory.Select(row => row.Data));
    }

    private static StoreFact Fact(string name) => RunStoreContract.Facts.Single(f => f.Name == name);

    private static TheoryData<string> Names(bool durable) => new(RunStoreContract.Facts.Where(f => durable || !f.NeedsDurability).Select(f => f.Name));
}
