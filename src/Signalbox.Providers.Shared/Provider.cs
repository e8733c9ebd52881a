using System.Globalization;
using System.Net;

namespace Signalbox.Providers;

/// <summary>Where a model is asked, with which key and within which limits. The key leaves it only as a request's header.</summary>
internal sealed class Provider
{
    private const int TextMax = 400;
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    private readonly string? _apiKey;

    public Provider(Uri baseUrl, string? apiKey, TimeSpan timeout, TimeSpan silence, TimeProvider clock)
    {
        var faults = Faults(baseUrl, apiKey, timeout, silence).ToArray();
        if (faults.Length > 0)
        {
            throw new ArgumentException($"The model's options cannot be used. {string.Join(" ", faults)}");
        }

        BaseUrl = baseUrl;
        _apiKey = apiKey;
        Timeout = timeout;
        Silence = silence;
        Clock = clock;
    }

    public Uri BaseUrl { get; }

    public TimeSpan Timeout { get; }

    public TimeSpan Silence { get; }

    public TimeProvider Clock { get; }

    public string Name => BaseUrl.GetLeftPart(UriPartial.Authority);

    public static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    /// <summary>A client that follows no redirect: a key must not travel to a host that the options do not name.</summary>
    public HttpClient Connect() => new(new AnswerHandler(this)
    {
        InnerHandler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = Timeout,
            ResponseDrainTimeout = TimeSpan.FromMilliseconds(100), // a reply that is given up should not go on being written
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // so that a changed DNS entry is noticed
        },
    })
    {
        Timeout = System.Threading.Timeout.InfiniteTimeSpan, // the guard's limit is the one that counts
    };

    public ModelException Trouble(ModelTrouble trouble, string what, TimeSpan? retryAfter = null, Exception? inner = null) =>
        new(trouble, $"{Name} {what}", retryAfter, inner is null || Holds(inner.ToString()) ? null : inner);

    /// <summary>A provider's text as one short line, without the key: some servers repeat it in their answer.</summary>
    public string Clean(string text)
    {
        var safe = Holds(text) ? text.Replace(_apiKey!, "[key]", StringComparison.OrdinalIgnoreCase) : text;
        var line = string.Join(' ', safe.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        line = string.Concat(line.Where(c => !char.IsControl(c)));
        return line.Length <= TextMax ? line : $"{line[..TextMax]}…";
    }

    private bool Holds(string text) => !string.IsNullOrEmpty(_apiKey) && text.Contains(_apiKey, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> Faults(Uri baseUrl, string? apiKey, TimeSpan timeout, TimeSpan silence)
    {
        if (!baseUrl.IsAbsoluteUri || baseUrl.Scheme is not ("http" or "https"))
        {
            yield return "BaseUrl must be an absolute http or https address.";
        }
        else if (baseUrl.UserInfo.Length > 0)
        {
            yield return "BaseUrl must hold no user or password; set ApiKey.";
        }

        if (apiKey is not null && (apiKey.Length == 0 || apiKey.Any(c => c is <= ' ' or > '~')))
        {
            yield return "ApiKey must be printable ASCII without spaces or line ends; the one given is not."; // its text stays unsaid
        }

        if (timeout <= TimeSpan.Zero || timeout > s_longest)
        {
            yield return $"Timeout must be more than 0 and at most {s_longest}; got {timeout}.";
        }

        if (silence <= TimeSpan.Zero || silence > s_longest)
        {
            yield return $"Silence must be more than 0 and at most {s_longest}; got {silence}.";
        }
    }
}
