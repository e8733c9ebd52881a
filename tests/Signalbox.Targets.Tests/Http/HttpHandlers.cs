using System.Globalization;
using System.Net;

namespace Signalbox.Targets.Tests.Http;

// docs/guides/actions.md shows what stands between the markers; Docs/The_guide compares.
// <keyed>
public sealed record BlockHost(string Host);

/// <summary>T1: the firewall remembers the key of each call, together with what it did, and answers a repeated key without doing anything.</summary>
public sealed class HttpBlockHandler(HttpClient http) : ActionHandler<BlockHost>
{
    public override TargetClass TargetClass => TargetClass.T1;

    public override ActionPolicy Policy { get; } = new() { ExecuteWithin = TimeSpan.FromSeconds(5), ProbeWithin = TimeSpan.FromSeconds(2) };

    public override IReadOnlyList<Claim> Claims(BlockHost action) => [new(Resource.Of("host", action.Host), "block", Against: ["allow"])];

    public override async Task<Observation> ProbeAsync(BlockHost action, ActionContext context, CancellationToken cancellationToken)
    {
        var answer = await http.AskAsync(new(HttpMethod.Get, $"blocks/{action.Host}"), cancellationToken);
        return answer.Status switch
        {
            HttpStatusCode.OK => Observation.So($"the firewall blocks {action.Host}"),
            HttpStatusCode.NotFound => Observation.NotSo($"the firewall does not block {action.Host}"),
            _ => Observation.Unclear(answer.ToString()),      // not NotSo: the firewall did not say so
        };
    }

    public override async Task<string?> ExecuteAsync(BlockHost action, ActionContext context, CancellationToken cancellationToken) =>
        (await http.AskAsync(Call(HttpMethod.Put, action, context, context.ActionId), cancellationToken)).Receipt();

    public override async Task<string?> UndoAsync(BlockHost action, ActionContext context, CancellationToken cancellationToken) =>
        // An operator's undo comes under the action's own id: it needs a key of its own, or it would be taken for a repetition.
        (await http.AskAsync(Call(HttpMethod.Delete, action, context, context.ActionId + "/undo"), cancellationToken)).Receipt();

    private static HttpRequestMessage Call(HttpMethod method, BlockHost action, ActionContext context, string key) =>
        new HttpRequestMessage(method, $"blocks/{action.Host}").With("Idempotency-Key", key).With("Action-Id", context.ActionId);
}

// </keyed>
// <conditional>
public sealed record SetRule(string Id, string Text);

/// <summary>
/// T2: the proxy takes a change only of a rule as the caller saw it (<c>If-Match</c>), and only under the newest epoch of the run that the rule has been shown (<c>Fence</c>), be it by a look.
/// </summary>
public sealed class HttpRuleHandler(HttpClient http) : ActionHandler<SetRule>
{
    public override TargetClass TargetClass => TargetClass.T2;

    public override ActionPolicy Policy { get; } = new() { ExecuteWithin = TimeSpan.FromSeconds(5), ProbeWithin = TimeSpan.FromSeconds(2) };

    public override IReadOnlyList<Claim> Claims(SetRule action) => [new(Resource.Of("rule", action.Id), "set")];

    public override async Task<Observation> ProbeAsync(SetRule action, ActionContext context, CancellationToken cancellationToken)
    {
        var answer = await LookAsync(action, context, cancellationToken);
        return answer.Status switch
        {
            HttpStatusCode.OK when answer.Text == action.Text => Observation.So($"rule '{action.Id}' says so, at {answer.ETag}"),
            HttpStatusCode.OK => Observation.NotSo($"rule '{action.Id}' says something else, at {answer.ETag}"),
            HttpStatusCode.NotFound => Observation.NotSo($"there is no rule '{action.Id}'"),
            _ => Observation.Unclear(answer.ToString()),
        };
    }

    public override async Task<string?> ExecuteAsync(SetRule action, ActionContext context, CancellationToken cancellationToken)
    {
        var seen = await LookAsync(action, context, cancellationToken);
        if (seen.Status == HttpStatusCode.OK && seen.Text == action.Text)
        {
            return "it is so already";
        }

        return (await ChangeAsync(HttpMethod.Put, action, context, seen, cancellationToken)).Receipt();
    }

    public override async Task<string?> UndoAsync(SetRule action, ActionContext context, CancellationToken cancellationToken)
    {
        var seen = await LookAsync(action, context, cancellationToken);
        if (seen.Status == HttpStatusCode.NotFound || (seen.Status == HttpStatusCode.OK && seen.Text != action.Text))
        {
            return "it is not so";      // gone, or another's by now, and then not ours to delete
        }

        return (await ChangeAsync(HttpMethod.Delete, action, context, seen, cancellationToken)).Receipt();
    }

    /// <summary>Every look carries the fence: once this epoch has looked, what an older one still has under way comes to nothing.</summary>
    private Task<HttpAnswer> LookAsync(SetRule action, ActionContext context, CancellationToken cancellationToken) =>
        http.AskAsync(new HttpRequestMessage(HttpMethod.Get, $"rules/{action.Id}").With("Fence", Fence(context)), cancellationToken);

    private Task<HttpAnswer> ChangeAsync(HttpMethod method, SetRule action, ActionContext context, HttpAnswer seen, CancellationToken cancellationToken)
    {
        var call = new HttpRequestMessage(method, $"rules/{action.Id}").With("Fence", Fence(context)).With("Action-Id", context.ActionId);
        if (method == HttpMethod.Put)
        {
            call.Content = new StringContent(action.Text);
        }

        // If it is not as it was seen, the proxy refuses and the caller throws: the engine looks again and decides anew.
        return http.AskAsync(seen.ETag is { } etag ? call.With("If-Match", etag) : call.With("If-None-Match", "*"), cancellationToken);
    }

    /// <summary>Epochs count the owners of one run, so the run is part of the fence.</summary>
    private static string Fence(ActionContext context) => string.Create(CultureInfo.InvariantCulture, $"{context.Run};{context.Epoch}");
}

// </conditional>
// <blind>
public sealed record SendMail(string To, string Text);

/// <summary>T4: nobody can ask a mail server whether it has sent a mail. A missing answer holds the run, and a person looks.</summary>
public sealed class HttpMailHandler(HttpClient http) : ActionHandler<SendMail>
{
    public override TargetClass TargetClass => TargetClass.T4;

    public override ActionPolicy Policy { get; } = new() { ExecuteWithin = TimeSpan.FromSeconds(5), Looks = 1 };

    /// <summary>What cannot be undone asks a person, by default. Here it does not: the text comes from a state in which a person approved it.</summary>
    public override ApprovalRule? Approval(SendMail action) => null;

    public override Task<Observation> ProbeAsync(SendMail action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(Observation.Unclear("a mail server cannot be asked what it has sent"));

    public override async Task<string?> ExecuteAsync(SendMail action, ActionContext context, CancellationToken cancellationToken)
    {
        // With a body: HttpClient repeats a request without one by itself where a used connection breaks.
        var call = new HttpRequestMessage(HttpMethod.Post, $"mails/{action.To}") { Content = new StringContent(action.Text) }.With("Action-Id", context.ActionId);
        return (await http.AskAsync(call, cancellationToken)).Receipt();
    }
}

// </blind>
// <client>
/// <summary>What a target answered. <paramref name="Text"/> comes from outside: it is data, and where it goes into a proof or an error it is cut short.</summary>
public sealed record HttpAnswer(string Request, HttpStatusCode Status, string? ETag, string Text)
{
    private const int ShownCharactersMax = 200;

    /// <summary>The answer to a call that went well.</summary>
    /// <exception cref="HttpRequestException">It did not.</exception>
    public string Receipt() => (int)Status is >= 200 and < 300 ? ToString() : throw new HttpRequestException(ToString(), null, Status);

    public override string ToString() => $"{Request} was answered {(int)Status} '{(Text.Length > ShownCharactersMax ? Text[..ShownCharactersMax] + "…" : Text)}'";
}

public static class HttpTargets
{
    /// <summary>One for each target, shared by all runs. It reads no more than 64 KiB of an answer, follows no redirect, and trusts no connection for longer than five minutes.</summary>
    public static HttpClient Client(Uri target) => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        BaseAddress = target,
        MaxResponseContentBufferSize = 64 * 1024,
        Timeout = Timeout.InfiniteTimeSpan,      // the engine cancels at the limits of the action's policy
    };

    public static async Task<HttpAnswer> AskAsync(this HttpClient http, HttpRequestMessage call, CancellationToken cancellationToken)
    {
        using (call)
        {
            var name = $"{call.Method} {call.RequestUri}";
            using var response = await http.SendAsync(call, cancellationToken);
            return new HttpAnswer(name, response.StatusCode, response.Headers.ETag?.ToString(), await response.Content.ReadAsStringAsync(cancellationToken));
        }
    }

    public static HttpRequestMessage With(this HttpRequestMessage call, string header, string value)
    {
        call.Headers.Add(header, value);
        return call;
    }
}

// </client>
