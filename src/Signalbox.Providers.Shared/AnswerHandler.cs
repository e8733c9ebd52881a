using System.Text;

namespace Signalbox.Providers;

/// <summary>
/// Sees every answer before a provider's client library does: an answer that is no success becomes a <see cref="ModelException"/> here, while its headers are at hand
/// (the libraries' own exceptions do not carry them), and a good answer's body is watched while it is read.
/// </summary>
internal sealed class AnswerHandler(Provider provider) : DelegatingHandler
{
    /// <summary>Who wants to know, in this flow of calls, that an answer has come. The libraries between have no place for it.</summary>
    public static readonly AsyncLocal<IAnswered?> Answered = new();

    private const int ErrorBytesMax = 64 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var answer = await base.SendAsync(request, cancellationToken);
        Answered.Value?.HasAnswer();
        if (answer.IsSuccessStatusCode)
        {
            await WatchAsync(answer, cancellationToken);
            return answer;
        }

        using (answer)
        {
            throw ErrorAnswer.Translate(provider, answer, await BodyAsync(answer, cancellationToken));
        }
    }

    private async Task WatchAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var content = answer.Content;
        var watched = new StreamContent(new WatchedStream(await content.ReadAsStreamAsync(cancellationToken), provider));
        foreach (var (name, values) in content.Headers)
        {
            watched.Headers.TryAddWithoutValidation(name, values);
        }

        answer.Content = watched;
    }

    /// <summary>The body as far as it comes: the status alone says enough.</summary>
    private async Task<string> BodyAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var bytes = new byte[ErrorBytesMax];
        var count = 0;
        try
        {
            await using var stream = new WatchedStream(await answer.Content.ReadAsStreamAsync(cancellationToken), provider);
            count = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or ModelException)
        {
            return "";
        }

        return Encoding.UTF8.GetString(bytes, 0, count);
    }
}

/// <summary>Learns that an answer has come.</summary>
internal interface IAnswered
{
    void HasAnswer();
}
