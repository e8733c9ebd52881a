using System.Net;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>Resources are compared as addresses where they are addresses, so that two spellings of one are one.</summary>
internal static class TargetResource
{
    public static string Normal(string text) => IPAddress.TryParse(text, out var address) ? address.ToString() : text;
}
