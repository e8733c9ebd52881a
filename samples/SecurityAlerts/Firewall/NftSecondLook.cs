namespace SecurityAlerts;

/// <summary>
/// Looks at the kernel's firewall with other eyes than <see cref="NftFirewall"/>: lets the kernel itself look the address up, and reads the rules as people do, in their
/// own language instead of JSON.
/// </summary>
internal sealed class NftSecondLook(NftCommand nft)
{
    public async Task<Sighting> AtAsync(BlockAddress block, CancellationToken cancellationToken)
    {
        var address = AddressText.Of(block.Address);
        var (set, header) = AddressText.Normalize(block.Address).GetAddressBytes().Length == 4 ? ("blocked4", "ip") : ("blocked6", "ip6");
        var element = await nft.RunAsync(["get", "element", "inet", "signalbox", set, $"{{ {address} }}"], null, cancellationToken);
        var table = await nft.RunAsync(["--terse", "list", "table", "inet", "signalbox"], null, cancellationToken);
        var lines = table.Output.Split('\n', StringSplitOptions.TrimEntries);
        var hook = Array.FindIndex(lines, line => line.StartsWith("type filter hook prerouting ", StringComparison.Ordinal));
        var rule = Array.FindIndex(lines, line => line.StartsWith($"{header} saddr @{set} ", StringComparison.Ordinal) && line.EndsWith(" drop", StringComparison.Ordinal));
        return !element.IsOk ? new(false, $"the kernel does not find {address} in {set}: {NftCommand.FirstLine(element.Errors)}")
            : hook < 0 || rule < hook || lines.Contains("flags dormant", StringComparer.Ordinal) ? new(false, $"the kernel finds {address} in {set}, but no rule drops what is in it")
            : new(true, $"the kernel finds {address} in {set}, and \"{TerminalText.Escape(lines[rule], 100)}\"");
    }
}
