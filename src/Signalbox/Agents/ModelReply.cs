using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>A model's reply on its way into the journal and out of it: what is no complete reply goes no further.</summary>
internal static class ModelReply
{
    private const int NameCharactersMax = 200;

    /// <summary>How messages are written: as Microsoft.Extensions.AI does, so that reasoning blocks keep their signatures.</summary>
    public static JsonSerializerOptions MessageOptions { get; } = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    public static Payload Stored(ChatMessage message) => Payload.Of(JsonSerializer.SerializeToUtf8Bytes(message, MessageOptions));

    /// <summary>Asks, and gives a reply only if it is complete.</summary>
    /// <exception cref="ModelException">There is none.</exception>
    /// <exception cref="StepFaultException">It streams on and on.</exception>
    public static async Task<ChatResponse> AskAsync(Engine engine, IChatClient client, IEnumerable<ChatMessage> messages, ChatOptions options, TimeSpan? silentMax, CancellationToken cancellationToken)
    {
        try
        {
            var response = silentMax is { } silent
                ? await StreamAsync(engine, client.GetStreamingResponseAsync(messages, options, cancellationToken), silent, cancellationToken)
                : await client.GetResponseAsync(messages, options, cancellationToken);
            Check(response);
            return response;
        }
        catch (Exception e) when (e is not StepFaultException && !cancellationToken.IsCancellationRequested)
        {
            throw ModelTroubles.Of(e);
        }
    }

    /// <summary>The reply as it is recorded, with the payloads that carry it.</summary>
    /// <exception cref="ModelException">It cannot be written as JSON.</exception>
    public static (ModelCall Call, IReadOnlyList<Payload> Payloads) Record(ChatResponse response, string model, IReadOnlyList<Payload> messages, int bytesMax)
    {
        byte[] bytes;
        try
        {
            bytes = JsonSerializer.SerializeToUtf8Bytes(response.Messages, MessageOptions);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new ModelException(ModelTrouble.Unreadable, $"the reply cannot be recorded: {e.Message}", inner: e);
        }

        if (bytes.Length > bytesMax)
        {
            throw TooLarge($"{bytes.Length:N0} bytes", bytesMax);
        }

        var (reply, more) = Bodies.Place(new RawJson(bytes));
        var usage = response.Usage;
        var call = new ModelCall(
            Texts.Cut(response.ModelId ?? model, NameCharactersMax), [.. messages.Select(p => p.Hash)], reply, Texts.Cut(response.FinishReason?.Value ?? "", NameCharactersMax),
            NotNegative(usage?.InputTokenCount), NotNegative(usage?.OutputTokenCount), NotNegative(usage?.CachedInputTokenCount), CacheWrites(usage));
        return (call, [.. messages, .. more]);
    }

    /// <summary>The messages of a recorded reply.</summary>
    public static IReadOnlyList<ChatMessage> Read(ReadOnlyMemory<byte> recorded) => JsonSerializer.Deserialize<List<ChatMessage>>(recorded.Span, MessageOptions) ?? [];

    /// <summary>A recorded message.</summary>
    public static ChatMessage ReadMessage(ReadOnlyMemory<byte> recorded) => JsonSerializer.Deserialize<ChatMessage>(recorded.Span, MessageOptions)!;

    /// <summary>The typed answer that a reply's text holds.</summary>
    /// <exception cref="JsonException">It holds none.</exception>
    public static T Answer<T>(string text) => JsonSerializer.Deserialize<T>(Unfenced(text), SignalboxJson.Options) ?? throw new JsonException("It is null.");

    private static StepFaultException TooLarge(string what, int bytesMax) => new("too_large", $"the model's reply has {what}; the limit is {bytesMax:N0} (ResultBytesMax)");

    private static async Task<ChatResponse> StreamAsync(Engine engine, IAsyncEnumerable<ChatResponseUpdate> stream, TimeSpan silentMax, CancellationToken cancellationToken)
    {
        var updates = new List<ChatResponseUpdate>();
        var reader = stream.GetAsyncEnumerator(cancellationToken);
        var left = false;
        long characters = 0;
        try
        {
            while (true)
            {
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var next = reader.MoveNextAsync().AsTask();
                try
                {
                    if (!await engine.WithinAsync(_ => next, silentMax, silence))
                    {
                        return updates.ToChatResponse();
                    }
                }
                catch (Exception) when (!next.IsCompleted)
                {
                    left = true; // a stream that is still being read cannot be disposed of
                    throw;
                }

                // What always has more at hand never lets the clock or a cancellation in.
                cancellationToken.ThrowIfCancellationRequested();
                characters += reader.Current.Contents.Sum(CharactersOf);
                if (characters > engine.Limits.ResultBytesMax)
                {
                    throw TooLarge($"more than {characters:N0} characters, and it streams on", engine.Limits.ResultBytesMax);
                }

                updates.Add(reader.Current);
            }
        }
        catch (TimeoutException)
        {
            throw new ModelException(ModelTrouble.TimedOut, $"the stream was silent for {Durations.Text(silentMax)}, after {updates.Count} parts");
        }
        finally
        {
            if (!left)
            {
                await reader.DisposeAsync();
            }
        }
    }

    private static long CharactersOf(AIContent content) => content switch
    {
        TextContent text => text.Text.Length,
        TextReasoningContent reasoning => reasoning.Text.Length + (reasoning.ProtectedData?.Length ?? 0),
        _ => 100,
    };

    private static void Check(ChatResponse response)
    {
        var finish = response.FinishReason;
        if (finish is null)
        {
            throw new ModelException(ModelTrouble.Cut, "the model's reply was cut: it has no finish reason");
        }

        if (finish == ChatFinishReason.Length)
        {
            throw new ModelException(ModelTrouble.Truncated, "the model's reply reached its length limit");
        }

        var contents = response.Messages.SelectMany(m => m.Contents);
        if (finish == ChatFinishReason.ContentFilter || contents.OfType<ErrorContent>().Any())
        {
            throw new ModelException(ModelTrouble.Refused, "the model or its provider refused to answer");
        }

        if (!contents.Any(c => c is FunctionCallContent || (c is TextContent text && !string.IsNullOrWhiteSpace(text.Text))))
        {
            throw new ModelException(ModelTrouble.Empty, "the model's reply is empty");
        }
    }

    private static long? NotNegative(long? count) => count is null ? null : Math.Max(0, Math.Min(count.Value, 1_000_000_000));

    /// <summary>Providers count what they write to their cache under names of their own.</summary>
    private static long? CacheWrites(UsageDetails? usage) =>
        usage?.AdditionalCounts?.Where(c => c.Key.Contains("CacheCreation", StringComparison.OrdinalIgnoreCase) || c.Key.Contains("cache_creation", StringComparison.OrdinalIgnoreCase))
            .Select(c => NotNegative(c.Value)).FirstOrDefault();

    /// <summary>Models often wrap JSON into a Markdown fence; the fence is no part of the answer.</summary>
    private static string Unfenced(string text)
    {
        var trimmed = text.Trim();
        if (!trimmed.StartsWith("```", StringComparison.Ordinal) || !trimmed.EndsWith("```", StringComparison.Ordinal) || trimmed.Length < 6)
        {
            return trimmed;
        }

        var firstLine = trimmed.IndexOf('\n', StringComparison.Ordinal);
        return firstLine < 0 ? trimmed : trimmed[(firstLine + 1)..^3].Trim();
    }
}
