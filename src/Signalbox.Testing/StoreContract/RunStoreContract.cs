using System.Reflection;

namespace Signalbox.Testing;

/// <summary>
/// What every <see cref="Storage.IRunStore"/> does, as facts that any test framework can run. A store passes if each of <see cref="Facts"/> holds of
/// a new store of its own; a test project should also assert that it omits none.
/// </summary>
public static class RunStoreContract
{
    private static readonly Type[] Chapters =
    [
        typeof(Starting), typeof(Conditions), typeof(Leasing), typeof(Waiting), typeof(Claiming), typeof(Approving), typeof(Payloads), typeof(Listing), typeof(Reading), typeof(Telling), typeof(Mixing), typeof(Erasing), typeof(Reopening),
    ];

    /// <summary>All facts, in a fixed order.</summary>
    public static IReadOnlyList<StoreFact> Facts { get; } = [.. Chapters.SelectMany(FactsOf)];

    private static IEnumerable<StoreFact> FactsOf(Type chapter) => chapter
        .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .OrderBy(method => method.MetadataToken)
        .Select(method => new StoreFact(
            $"{chapter.Name}: {method.Name.Replace('_', ' ')}",
            harness => CheckAsync(method.CreateDelegate<Func<StoreHarness, Task>>(), harness),
            method.GetCustomAttribute<NeedsDurabilityAttribute>() is not null));

    private static async Task CheckAsync(Func<StoreHarness, Task> fact, StoreHarness harness)
    {
        await harness.OpenAsync();
        await fact(harness);
        await WholeJournal.CheckAsync(harness.Store);
    }
}
