using System.Globalization;

namespace Signalbox.Targets.Tests.Server;

/// <summary>What a call is answered.</summary>
internal sealed record Answer(int Status, string Body = "", string? ETag = null);

/// <summary>
/// The server's state: the fold of its log and nothing else, so that a server that was killed goes on where its log ends. Each call looks, decides, writes its line and answers under one lock.
/// </summary>
internal sealed class Shelves : IDisposable
{
    private const string Hand = "hand";

    private readonly Lock _lock = new();
    private readonly EffectLog _log;
    private readonly Dictionary<(string Kind, string Resource), (string Text, int Version)> _state = [];
    private readonly Dictionary<string, int> _keys = [];
    private readonly Dictionary<(string Resource, string Run), int> _fences = [];
    private int _version;

    public Shelves(string path)
    {
        _log = new EffectLog(path);
        foreach (var effect in _log.Earlier)
        {
            Fold(effect);
        }
    }

    public Answer Get(string kind, string resource, string? fence)
    {
        lock (_lock)
        {
            if (fence is not null && IsNewer(resource, fence))
            {
                Take(new Effect(kind, resource, "fence", Applied: false, "", fence));
            }

            return _state.TryGetValue((kind, resource), out var found) ? new Answer(200, found.Text, ETag(found.Version)) : new Answer(404, "there is none");
        }
    }

    /// <summary>T1: a key that has been used is answered as it was, and nothing is done.</summary>
    public Answer Block(string op, string host, string actionId, string? key)
    {
        lock (_lock)
        {
            if (key is null)
            {
                return new Answer(400, "expected an Idempotency-Key");
            }

            if (_keys.TryGetValue(key, out var answered))
            {
                return new Answer(answered, "answered before");
            }

            var applied = op == "execute" != _state.ContainsKey(("blocks", host));
            var status = (op, applied) switch { ("execute", true) => 201, ("undo", true) => 204, (_, false) => 200, _ => 500 };
            Take(new Effect("blocks", host, op, applied, actionId, Key: key, Status: status));
            return new Answer(status, applied ? "done" : "it was so already");
        }
    }

    /// <summary>T2: refused under an older epoch of the run than the rule has been shown, and unless the rule is as the caller saw it.</summary>
    public Answer Rule(string op, string id, string? text, string actionId, string? fence, string? ifMatch, bool ifNone)
    {
        lock (_lock)
        {
            if (fence is null || (ifMatch is null && !ifNone))
            {
                return new Answer(428, "expected a Fence, and If-Match or If-None-Match");
            }

            if (_fences.TryGetValue((id, RunOf(fence)), out var newest) && EpochOf(fence) < newest)
            {
                return new Answer(409, $"the fence stands at {newest.ToString(CultureInfo.InvariantCulture)}");
            }

            var found = _state.TryGetValue(("rules", id), out var rule) ? ETag(rule.Version) : null;
            if (ifNone ? found is not null : found != ifMatch)
            {
                return new Answer(412, found is null ? "there is none" : $"it is at {found}");
            }

            Take(new Effect("rules", id, op, Applied: true, actionId, fence, Status: op == "undo" ? 204 : found is null ? 201 : 200, Text: text));
            return new Answer(op == "undo" ? 204 : found is null ? 201 : 200, "done", op == "undo" ? null : ETag(_version));
        }
    }

    /// <summary>T4: every call is a mail.</summary>
    public Answer Mail(string to, string? text, string actionId)
    {
        lock (_lock)
        {
            Take(new Effect("mails", to, "execute", Applied: true, actionId, Status: 202, Text: text));
            return new Answer(202, "accepted");
        }
    }

    /// <summary>Somebody else changes it.</summary>
    public Answer ByHand(string op, string kind, string resource, string? text)
    {
        lock (_lock)
        {
            Take(new Effect(kind, resource, op, Applied: true, Hand, Text: text));
            return new Answer(200, "done");
        }
    }

    public void Dispose() => _log.Dispose();

    private static string ETag(int version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    private static string RunOf(string fence) => fence[..fence.LastIndexOf(';')];

    private static int EpochOf(string fence) => int.Parse(fence.AsSpan(fence.LastIndexOf(';') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    private bool IsNewer(string resource, string fence) => EpochOf(fence) > _fences.GetValueOrDefault((resource, RunOf(fence)));

    private void Take(Effect effect)
    {
        _log.Append(effect);
        Fold(effect);
    }

    private void Fold(Effect effect)
    {
        if (effect.Key is { } key)
        {
            _keys[key] = effect.Status;
        }

        if (effect.Fence is { } fence && IsNewer(effect.Resource, fence))
        {
            _fences[(effect.Resource, RunOf(fence))] = EpochOf(fence);
        }

        if (effect is { Applied: true, Op: "execute" })
        {
            _state[(effect.Kind, effect.Resource)] = (effect.Text ?? "", ++_version);
        }
        else if (effect is { Applied: true, Op: "undo" })
        {
            _state.Remove((effect.Kind, effect.Resource));
        }
    }
}
