using System.Globalization;
using ModelContextProtocol.Client;

namespace Signalbox.Mcp.Connections;

internal sealed class HttpTransport(Uri endpoint, Func<CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? headers) : McpTransport
{
    internal override Link Open(McpServerOptions options) => new HttpLink(endpoint, headers, options);

    private sealed class HttpLink : Link
    {
        private readonly Requests _requests;
        private readonly HttpClient _client;
        private readonly HttpClientTransport _transport;
        private bool _isEstablished;

        public HttpLink(Uri endpoint, Func<CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? headers, McpServerOptions options)
        {
            _requests = new Requests(headers, options.AnswerBytesMax, () => Heard());
            _client = new HttpClient(_requests) { Timeout = Timeout.InfiniteTimeSpan }; // each request has a limit of its own, streams have none
            _transport = new HttpClientTransport(
                new HttpClientTransportOptions { Endpoint = endpoint, TransportMode = HttpTransportMode.StreamableHttp, ConnectionTimeout = options.ConnectWithin },
                _client,
                ownsHttpClient: false);
        }

        public override IClientTransport Transport => _transport;

        public override Task Ended { get; } = new TaskCompletionSource().Task;

        public override bool IsBroken => _requests.Fault is not null;

        public override string Epitaph(bool byItself) => _isEstablished && _requests.Fault is { } fault ? $" with {fault}" : ""; // before that the exception says the same

        public override void Established()
        {
            _requests.Fault = null;
            _isEstablished = true;
        }

        public override async ValueTask DisposeAsync()
        {
            await _transport.DisposeAsync();
            _client.Dispose();
        }
    }

    private sealed class Requests(Func<CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? headers, int bytesMax, Action heard) : DelegatingHandler(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        private volatile string? _fault;

        /// <summary>What ended the session: a server that refuses a request may have forgotten it, or wants other headers.</summary>
        public string? Fault
        {
            get => _fault;
            set => _fault = value;
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (headers is not null)
            {
                await AddAsync(headers, request, cancellationToken);
            }

            HttpResponseMessage response;
            try
            {
                response = await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException e) when (request.Method == HttpMethod.Post)
            {
                Fault = e.HttpRequestError.ToString();
                throw;
            }

            if (!response.IsSuccessStatusCode && request.Method == HttpMethod.Post)
            {
                Fault = string.Create(CultureInfo.InvariantCulture, $"HTTP status {(int)response.StatusCode}");
            }

            var framing = response.Content.Headers.ContentType?.MediaType == "text/event-stream" ? MessageFraming.Events : MessageFraming.Whole;
            var bounded = new StreamContent(new BoundedMessages(await response.Content.ReadAsStreamAsync(cancellationToken), framing, bytesMax, heard));
            foreach (var (name, values) in response.Content.Headers.Where(h => !h.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)))
            {
                bounded.Headers.TryAddWithoutValidation(name, values);
            }

            response.Content = bounded;
            return response;
        }

        private async Task AddAsync(Func<CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>> ask, HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                foreach (var (name, value) in await ask(cancellationToken))
                {
                    request.Headers.Remove(name);
                    request.Headers.TryAddWithoutValidation(name, value);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // Not with the exception's own words: they may quote what they were made of.
                Fault = $"no headers ({e.GetType().Name})";
                throw new HttpRequestException($"its headers cannot be had ({e.GetType().Name})", e);
            }
        }
    }
}
