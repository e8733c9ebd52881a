using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Signalbox.Sqlite;

/// <summary>The process that writes to a store.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Program">The name of its program.</param>
/// <param name="StartedAt">When it was started, by its machine's clock.</param>
/// <param name="Stays">False for a command that writes only in passing, because nobody owns the store.</param>
public sealed record OwnerInfo(int Pid, string Program, DateTimeOffset StartedAt, bool Stays = true)
{
    internal static OwnerInfo Self { get; } = OfThisProcess();

    /// <inheritdoc />
    public override string ToString() => $"process {Pid} ({Program}, since {StartedAt:u})";

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, OwnerJson.Default.OwnerInfo);

    internal static OwnerInfo? FromJson(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, OwnerJson.Default.OwnerInfo);
        }
        catch (JsonException)
        {
            return null; // a lock file in the moment between its making and its filling
        }
    }

    private static OwnerInfo OfThisProcess()
    {
        using var process = Process.GetCurrentProcess();
        return new OwnerInfo(process.Id, AppDomain.CurrentDomain.FriendlyName, process.StartTime.ToUniversalTime());
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OwnerInfo))]
internal sealed partial class OwnerJson : JsonSerializerContext;
