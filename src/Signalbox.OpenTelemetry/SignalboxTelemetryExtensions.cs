namespace Signalbox.OpenTelemetry;

/// <summary>The names under which Signalbox speaks to OpenTelemetry.</summary>
public static class SignalboxTelemetry
{
    /// <summary>The source of spans and the meter.</summary>
    public const string Name = "Signalbox";
}
