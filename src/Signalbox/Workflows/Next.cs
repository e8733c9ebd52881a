namespace Signalbox;

/// <summary>What a state's handler answers: where the run goes next, with which case, and why. Made by <c>visit.GoTo(…)</c>.</summary>
public sealed class Next
{
    internal Next(string state, object @case, string? because)
    {
        State = state;
        Case = @case;
        Because = because;
    }

    internal string State { get; }

    internal object Case { get; }

    internal string? Because { get; }
}
