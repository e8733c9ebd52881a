namespace Signalbox.Testing;

/// <summary>What a target and its harness have beyond the target's class. What is not named is declared as lacking, and the facts about it are left out.</summary>
[Flags]
public enum TargetFeatures
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Its effects can be taken back: <see cref="ActionHandler{TAction}.UndoAsync"/>. Without it a fact says that undoing is refused.</summary>
    Undo = 1,

    /// <summary>Effects can be counted: <see cref="TargetHarness{TAction}.CountEffectsAsync"/>. T1 and T2 promise one effect and must have it.</summary>
    EffectLog = 2,

    /// <summary><see cref="TargetHarness{TAction}.PlantAsync"/> can do <see cref="TargetFault.ThrowsBeforeEffect"/>.</summary>
    Failures = 4,

    /// <summary><see cref="TargetHarness{TAction}.PlantAsync"/> can do <see cref="TargetFault.ThrowsAfterEffect"/>.</summary>
    LostAnswers = 8,

    /// <summary><see cref="TargetHarness{TAction}.PlantAsync"/> can do <see cref="TargetFault.HangsAfterEffect"/>, and the handler heeds cancellation.</summary>
    Silence = 16,
}
