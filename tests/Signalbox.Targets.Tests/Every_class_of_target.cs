using Signalbox.Testing;

namespace Signalbox.Targets.Tests;

/// <summary>The target for tests keeps the contract of each class that it can stand for.</summary>
public sealed class Every_class_of_target
{
    private const TargetFeatures Features = TargetFeatures.Undo | TargetFeatures.EffectLog | TargetFeatures.Failures | TargetFeatures.LostAnswers;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static TheoryData<TargetClass, string> Facts
    {
        get
        {
            var all = new TheoryData<TargetClass, string>();
            foreach (var targetClass in new[] { TargetClass.T1, TargetClass.T2, TargetClass.T3, TargetClass.T4 })
            {
                foreach (var fact in TargetContract.Facts(targetClass, Features))
                {
                    all.Add(targetClass, fact.Name);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Facts))]
    public async Task Is_kept_by_the_target_for_tests(TargetClass targetClass, string fact)
    {
        await using var harness = new Harness(targetClass);
        await TargetContract.Facts(targetClass, Features).Single(f => f.Name == fact).CheckAsync(harness).WaitAsync(s_limit);
    }

    [Fact]
    public void Has_facts_of_its_own_and_names_them_once()
    {
        foreach (var targetClass in new[] { TargetClass.T1, TargetClass.T2, TargetClass.T3, TargetClass.T4 })
        {
            var names = TargetContract.Facts(targetClass, Features).Select(f => f.Name).ToArray();
            Assert.True(names.Length > 10, $"{targetClass} has {names.Length} facts.");
            Assert.Equal(names.Length, names.Distinct().Count());
        }

        Assert.True(TargetContract.Facts(TargetClass.T3, TargetFeatures.None).Count < TargetContract.Facts(TargetClass.T3, Features).Count);
    }

    [Theory]
    [InlineData(TargetClass.T1)]
    [InlineData(TargetClass.T2)]
    public void That_promises_one_effect_needs_somebody_to_count_them(TargetClass targetClass)
    {
        var e = Assert.Throws<ArgumentException>(() => TargetContract.Facts(targetClass, TargetFeatures.Undo));
        Assert.Equal($"{targetClass} promises one effect. Expected EffectLog, got Undo: count effects in the target's own log. (Parameter 'features')", e.Message);
    }

    [Fact]
    public void T0_is_no_handlers_to_declare() => Assert.Throws<NotSupportedException>(() => TargetContract.Facts(TargetClass.T0, Features));

    public sealed record Put(string Name)
    {
        public override string ToString() => Name;
    }

    private sealed class Harness(TargetClass targetClass) : TargetHarness<Put>
    {
        private readonly FaultyTarget _target = new(targetClass);
        private int _actions;

        protected override Put NewAction() => new($"resource-{++_actions}");

        protected override ActionHandler<Put> NewHandler() => new FaultyHandler<Put>(_target);

        protected override ValueTask<bool> StandsAsync(Put action) => ValueTask.FromResult(_target.Resources.Contains(action.Name));

        protected override ValueTask PutAsync(Put action)
        {
            _target.Put(action.Name);
            return ValueTask.CompletedTask;
        }

        protected override ValueTask TakeAsync(Put action)
        {
            _target.Take(action.Name);
            return ValueTask.CompletedTask;
        }

        protected override ValueTask<int> CountEffectsAsync(Put action) => ValueTask.FromResult(_target.Effects.Count(e => e.Resource == action.Name));

        protected override ValueTask PlantAsync(Put action, TargetFault fault)
        {
            _target.Faults.Enqueue(fault);
            return ValueTask.CompletedTask;
        }
    }
}
