using System.Net;
using Signalbox;

namespace SecurityAlerts;

/// <summary>
/// Blocks in the kernel's firewall, which remembers the action's id: class T1, for <see cref="NftFirewall.RemembersFor"/>. Only a table that is whole answers: where somebody has taken
/// its rule out or switched it off, an address in it is neither surely blocked (nothing drops) nor surely not (put back, the rule would block again), and to repair it unasked might
/// undo what a person did in an emergency. So that is unclear, and says what to do.
/// </summary>
internal sealed class NftBlockAddressHandler(NftFirewall firewall) : BlockAddressFirewall
{
    public override TargetClass TargetClass => TargetClass.T1;

    /// <summary>Looks before anything can have happened: where there is no table yet, or none any more, one is made.</summary>
    public override async Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
        context.Attempt > 1 ? await VerifyAsync(action, context, cancellationToken)
        : NftLook.At(action.Address, context, await firewall.SetUpAsync(cancellationToken));

    public override async Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
        NftLook.Receipt(await firewall.BlockAsync(action.Address, context.ActionId, context.IntendedAt, cancellationToken));

    /// <summary>Looks when it may have happened: lists sets and chain anew, and answers only if the firewall's memory reaches back to the intent.</summary>
    public override async Task<Observation> VerifyAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken)
    {
        var table = await firewall.LookAsync(cancellationToken);
        return firewall.WhyMemoryIsLost(table, context.IntendedAt) is { } why ? Observation.Unclear(why) : NftLook.At(action.Address, context, table);
    }

    public override async Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) =>
        NftLook.Receipt(await firewall.UnblockAsync(action.Address, context.ActionId, context.IntendedAt, cancellationToken));
}

/// <summary>How the kernel's firewall is looked at, and what its replies mean, for blocks and for what lets through again.</summary>
internal static class NftLook
{
    /// <summary>Whether the table blocks an address. Only one that is whole answers.</summary>
    public static Observation At(IPAddress blocked, ActionContext context, NftTable table)
    {
        var address = AddressText.Of(blocked);
        var set = NftTable.SetOf(blocked);
        return table.Fault is { } fault
            ? Observation.Unclear($"table {NftFirewall.FullName} is not as it was set up: {fault}. Put it right, or delete it (nft delete table {NftFirewall.FullName}), which lets through all that it blocks")
            : table.Blocks(blocked)
            ? Observation.So($"{NftFirewall.FullName} drops what comes from {address}: it is in {set}, and the rule that drops stands")
            : Observation.NotSo($"{set} of {NftFirewall.FullName} does not hold {address}{(NftFirewall.Remembered(table, context.ActionId) is { } remembered ? $"; {remembered}" : "")}");
    }

    /// <summary>A refusal because it was done before is an answer. That somebody gave it up is not: then nothing happens, and nothing has.</summary>
    public static string Receipt(NftReply reply) => reply switch
    {
        NftReply.Done => "done",
        NftReply.DoneBefore => "refused: done before under this action's id",
        NftReply.WasNotThere => "was not there",
        _ => throw new NftException("The firewall refused: this action was given up. Nothing was done."),
    };
}
