using System.Reflection;

namespace Signalbox.Testing;

/// <summary>
/// What an <see cref="ActionHandler{TAction}"/> and its real target do, by the class that the handler declares, as facts that any test framework can run. A handler may declare a class
/// if each of <see cref="Facts"/> holds; a test project should also assert that it omits none.
/// </summary>
public static class TargetContract
{
    private static readonly Type[] s_askable = [typeof(EveryTarget), typeof(AskedTargets)];

    /// <summary>All facts of a class, in a fixed order, but those about features that are lacking.</summary>
    /// <exception cref="ArgumentException">T1 and T2 promise one effect; without <see cref="TargetFeatures.EffectLog"/> nobody could tell.</exception>
    /// <exception cref="NotSupportedException">T0 is the store's own database, and is no handler's to declare.</exception>
    public static IReadOnlyList<TargetFact> Facts(TargetClass targetClass, TargetFeatures features)
    {
        if (targetClass is TargetClass.T1 or TargetClass.T2 && !features.HasFlag(TargetFeatures.EffectLog))
        {
            throw new ArgumentException($"{targetClass} promises one effect. Expected {nameof(TargetFeatures.EffectLog)}, got {features}: count effects in the target's own log.", nameof(features));
        }

        Type[] chapters = targetClass switch
        {
            TargetClass.T1 => [.. s_askable, typeof(KeyedTargets)],
            TargetClass.T2 => [.. s_askable, typeof(StateLikeTargets), typeof(ConditionalTargets)],
            TargetClass.T3 => [.. s_askable, typeof(StateLikeTargets)],
            TargetClass.T4 => [typeof(EveryTarget), typeof(BlindTargets)],
            _ => throw new NotSupportedException($"There is no contract of {targetClass}."),
        };
        return [.. chapters.SelectMany(chapter => FactsOf(chapter, targetClass, features))];
    }

    private static IEnumerable<TargetFact> FactsOf(Type chapter, TargetClass targetClass, TargetFeatures features) => chapter
        .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .OrderBy(method => method.MetadataToken)
        .Where(method => (method.GetCustomAttribute<NeedsFeatureAttribute>()?.Features ?? TargetFeatures.None) is var needed && (features & needed) == needed)
        .Where(method => (method.GetCustomAttribute<WithoutFeatureAttribute>()?.Features ?? TargetFeatures.None) is var lacked && (features & lacked) == TargetFeatures.None)
        .Select(method =>
        {
            var name = $"{chapter.Name}: {method.Name.Replace('_', ' ')}";
            return new TargetFact(targetClass, name, harness => CheckAsync(method.CreateDelegate<Func<TargetBench, Task>>(), new TargetBench(harness, targetClass, features), name));
        });

    private static async Task CheckAsync(Func<TargetBench, Task> fact, TargetBench bench, string name)
    {
        try
        {
            var declared = bench.NewSubject().TargetClass;
            Expect.That(declared == bench.TargetClass, $"The handler declares {declared}.");
            await fact(bench);
        }
        catch (ContractViolationException e)
        {
            throw new ContractViolationException($"{bench.TargetClass} ({Promise(bench.TargetClass)}) is not kept. {name}. {e.Message}", e.InnerException);
        }
    }

    private static string Promise(TargetClass targetClass) => targetClass switch
    {
        TargetClass.T1 => "keyed: it remembers action ids and refuses a second effect",
        TargetClass.T2 => "conditional: it compares or fences before it sets",
        TargetClass.T3 => "state-like: it can be asked, and doing it twice changes nothing more",
        _ => "blind: it cannot be asked, and is called once",
    };
}
