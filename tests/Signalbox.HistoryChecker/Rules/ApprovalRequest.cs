using System.Security.Cryptography;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>What a run was started as, and by whom.</summary>
internal sealed record RunStart(string Workflow, long? Version, string? Definition, string By)
{
    public static RunStart Read(Entry entry, Body body)
    {
        var definition = body.Element("definition");
        var address = definition is null ? null : Body.Reference(definition.Value) ?? Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(definition.Value.GetRawText())));
        return new(body.Text("workflow"), body.OptionalNumber("version"), address, entry.Actor);
    }
}

/// <summary>An action as it was proposed, or as a question shows it.</summary>
internal sealed record Proposal(string Id, string Action, string Hash, string Proposer, string? Requester, bool Undo, string Workflow, long? Version, string Definition)
{
    public static Proposal Read(Body body) => new(
        body.Text("actionId"), body.Text("action"), body.Text("argumentsHash"), body.Text("proposer"), body.OptionalText("requester"), body.Flag("undo"), body.Text("workflow"),
        body.OptionalNumber("version"), body.Text("definition"));
}

internal enum RequestState
{
    Open,
    Approved,
    Refused,
    Expired,
    Withdrawn,
    Consumed,
}

/// <summary>A question with terms: who may answer it, what it is about, and what has been answered.</summary>
internal sealed class ApprovalRequest
{
    private readonly string[] _barred;

    public ApprovalRequest(Entry entry, Body body, Body terms, RunStart? start)
    {
        Seq = entry.Seq;
        Visit = entry.Visit;
        Scope = entry.Scope;
        Step = entry.Step;
        Due = body.OptionalNumber("due");
        Roles = terms.Texts("roles");
        Quorum = terms.OptionalNumber("quorum") ?? 1;
        Safe = terms.OptionalText("safe") ?? body.OptionalText("safe");
        ValidFor = terms.OptionalNumber("validFor") ?? 0;
        Action = body.Object("action") is { } action ? Proposal.Read(action) : null;
        Passes = body.Texts("passes");
        _barred = [.. terms.Texts("barred"), .. Action is null ? [] : new[] { Action.Proposer, Action.Requester ?? "", start?.By ?? "" }];
    }

    public long Seq { get; }

    public long Visit { get; }

    public string Scope { get; }

    public string Step { get; }

    public long? Due { get; }

    public IReadOnlyList<string> Roles { get; }

    public long Quorum { get; }

    public string? Safe { get; }

    public long ValidFor { get; }

    /// <summary>The action that an approval is for; null for a question about something else.</summary>
    public Proposal? Action { get; }

    /// <summary>The limits that an approval lets the action pass.</summary>
    public IReadOnlyList<string> Passes { get; }

    public RequestState State { get; set; } = RequestState.Open;

    /// <summary>The seq of the entry that set <see cref="State"/>.</summary>
    public long StateSeq { get; set; }

    /// <summary>Until when an approval may be consumed.</summary>
    public long ValidUntil { get; set; }

    /// <summary>Who has answered, and what.</summary>
    public List<(string Actor, string Choice)> Answers { get; } = [];

    /// <summary>Why an answer does not count, and so has to be an approval.ignored; null if it counts.</summary>
    public string? Objection(string actor, IReadOnlyCollection<string> roles, string? hash) =>
        !actor.StartsWith("person:", StringComparison.Ordinal) ? $"'{actor}', who is no person"
        : !roles.Any(r => r == "*" || Roles.Contains(r, StringComparer.Ordinal)) ? $"'{actor}', who has none of the roles ({string.Join(", ", Roles)})"
        : _barred.Contains(actor, StringComparer.Ordinal) ? $"'{actor}', who has proposed it or asked for it"
        : Answers.Exists(a => a.Actor == actor) ? $"'{actor}', who has answered already"
        : hash is not null && Action is not null && hash != Action.Hash ? $"'{actor}', for the arguments {hash}"
        : null;

    /// <summary>Whether the answers for a choice are as many as it needs: one to refuse.</summary>
    public bool IsDecided(string choice) => choice is "reject" or "edit" || choice == Safe || Answers.Count(a => a.Choice == choice) >= Quorum;
}
