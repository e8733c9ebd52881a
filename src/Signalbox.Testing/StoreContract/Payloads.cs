using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Payloads
{
    public static async Task A_payload_comes_back_byte_for_byte(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        foreach (var payload in Samples(harness))
        {
            Expect.Committed(await harness.CommitAsync(run, With(payload)));
            await ExpectAsync(harness, payload);
        }
    }

    public static async Task A_payload_that_nobody_stored_is_null(StoreHarness harness) =>
        Expect.That(await harness.Store.FindPayloadAsync(PayloadHash.Of("nobody stored this"u8), default) is null, "A payload that was never stored was found.");

    public static async Task Equal_payloads_of_many_runs_at_once_do_no_harm(StoreHarness harness)
    {
        var payload = Samples(harness)[^1];
        var runs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => harness.StartAsync()));
        await Task.WhenAll(runs.Select(run => Task.Run(async () => Expect.Committed(await harness.CommitAsync(run, With(payload), With(payload), Step() with { Payloads = [payload, payload] })))));
        await ExpectAsync(harness, payload);
    }

    public static async Task Payloads_of_what_comes_along_are_stored_too(StoreHarness harness)
    {
        var payload = Samples(harness)[2];
        var (run, other) = (await harness.StartAsync(), await harness.StartAsync());
        await harness.Store.CommitAsync(new Commit { Run = run, Entries = [Step()], Also = [new Commit { Run = other, Entries = [With(payload)] }] }, default);
        await ExpectAsync(harness, payload);
    }

    [NeedsDurability]
    public static async Task Payloads_are_there_after_opening_again(StoreHarness harness)
    {
        var samples = Samples(harness);
        await harness.CommitAsync(await harness.StartAsync(), [.. samples.Select(With)]);
        await harness.ReopenAsync();
        foreach (var payload in samples)
        {
            await ExpectAsync(harness, payload);
        }

        Expect.Committed(await harness.CommitAsync(await harness.StartAsync(), With(samples[^1])));
    }

    /// <summary>Nothing, little, text that shrinks, and bytes that do not.</summary>
    private static Payload[] Samples(StoreHarness harness)
    {
        var noise = new byte[300_000];
        harness.Entropy.Fill(noise);
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 9_000).Select(i => $"line {i}: 192.0.2.7 refused; ")));
        return [Payload.Of(ReadOnlyMemory<byte>.Empty), Payload.Of("little"u8.ToArray()), Payload.Of(text), Payload.Of(noise.AsMemory(0, 5_000)), Payload.Of(noise)];
    }

    private static EntryDraft With(Payload payload) => Step() with { Payloads = [payload] };

    private static async Task ExpectAsync(StoreHarness harness, Payload payload)
    {
        var found = await harness.Store.FindPayloadAsync(payload.Hash, default);
        Expect.That(found is { } bytes && bytes.Span.SequenceEqual(payload.Bytes.Span), $"A payload of {payload.Bytes.Length} bytes came back as {found?.Length.Number() ?? "nothing"}.");
    }
}
