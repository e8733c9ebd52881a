using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>What a line of an <see cref="ApprovalCard"/> is.</summary>
public enum CardLineKind
{
    /// <summary>Begins a part.</summary>
    Heading,

    /// <summary>A name and what is so, by the journal.</summary>
    Fact,

    /// <summary>The exact arguments: not to be wrapped, trimmed or cut, for they are what is approved.</summary>
    Exact,

    /// <summary>Something that whoever approves must not miss.</summary>
    Warning,

    /// <summary>The words of an agent, a workflow or a stranger, which nobody has checked.</summary>
    Untrusted,
}

/// <summary>A line of an <see cref="ApprovalCard"/>, safe to show as it is: no control character, no letter that passes for another but in what is marked as readable.</summary>
public sealed record CardLine(CardLineKind Kind, string Name, string Text);

/// <summary>
/// An open question as a person should see it before answering: what exactly would be done, why a person is asked, who wants it, who may approve, until when, and what happens otherwise. It is made from the journal
/// alone; what an agent or a workflow tells of it stands apart and is marked.
/// </summary>
public sealed class ApprovalCard
{
    private const int ArgumentsMax = 4_000;
    private const int FactMax = 600;
    private const int StoryMax = 2_000;
    private const int StoryLinesMax = 40;
    private const int OthersMax = 20;
    private const int Page = 1_000;

    private readonly ReadOnlyMemory<byte>? _arguments;
    private readonly ReadOnlyMemory<byte>? _details;
    private readonly Redactor _redactor;

    private ApprovalCard(
        RunRow row, OpenWait wait, DateTimeOffset askedAt, ApprovalRequested asked, ReadOnlyMemory<byte>? arguments, ReadOnlyMemory<byte>? details, string because, IReadOnlyList<PolicyJudged> verdicts,
        IReadOnlyList<ClaimRow> others, Redactor redactor, string? fault = null)
    {
        Row = row;
        Wait = wait;
        Asked = redactor.Asked(asked);
        AskedAt = askedAt;
        _redactor = redactor;
        _arguments = arguments;
        _details = details;
        Because = because;
        Verdicts = verdicts;
        Others = others;
        Fault = fault ?? (asked.Action is { } action ? FaultOf(action, arguments) : null);
        IsMasked = Fault is null && asked.Action is not null && arguments is { } exact && !redactor.Json(new RawJson(exact)).Utf8.Span.SequenceEqual(exact.Span);
    }

    /// <summary>The run that asks.</summary>
    public RunRow Row { get; }

    /// <summary>The open wait: its step, its due time, who has answered so far.</summary>
    public OpenWait Wait { get; }

    /// <summary>The question as it was recorded, but for what is masked.</summary>
    public ApprovalRequested Asked { get; }

    /// <summary>When it was asked.</summary>
    public DateTimeOffset AskedAt { get; }

    /// <summary>The hash of the action's arguments, which an answer should name; null where the question is about no action.</summary>
    public string? Hash => Asked.Action?.ArgumentsHash;

    /// <summary>What policies said of the action.</summary>
    public IReadOnlyList<PolicyJudged> Verdicts { get; }

    /// <summary>The claims of other actions on what this one claims.</summary>
    public IReadOnlyList<ClaimRow> Others { get; }

    /// <summary>Why the run came to the state in which it asks: words of an agent or a workflow, as they are. Show them by <see cref="VisibleText"/>.</summary>
    public string Because { get; }

    /// <summary>What the target is like, in words; null where the question is about no action.</summary>
    public string? Target => Asked.Action is { } action ? TargetWords(action.TargetClass) : null;

    /// <summary>Whether and how the action can be taken back, in words; null where the question is about no action.</summary>
    public string? Reversibility => Asked.Action is { } action ? ReversibilityWords(action.Reversibility) : null;

    /// <summary>Whether what is asked for opposes that claim of another action.</summary>
    public bool Opposes(ClaimRow other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Asked.Action?.Claims?.Any(c => c.Opposes(other.Claim)) == true;
    }

    /// <summary>Why nobody can know what would be done, and so nobody should approve it; null if all is well.</summary>
    public string? Fault { get; }

    /// <summary>Whether the question itself is missing, altered or erased: then nothing of it is known but who might answer.</summary>
    public bool IsUnreadable { get; private init; }

    /// <summary>Whether a part of the arguments is masked, and so not shown to whoever approves. What is approved, and its hash, is all of them.</summary>
    public bool IsMasked { get; }

    /// <summary>The card of an open question of a run.</summary>
    /// <exception cref="JournalDamagedException">The question cannot be read.</exception>
    public static Task<ApprovalCard> ReadAsync(IRunReader reader, RunHead head, OpenWait wait, CancellationToken cancellationToken) => ReadAsync(reader, head, wait, Redactor.None, cancellationToken);

    /// <summary>The card of an open question that cannot be read: it says so, and nobody should answer it.</summary>
    internal static ApprovalCard Unreadable(RunHead head, OpenWait wait)
    {
        var terms = wait.Approval?.Terms;
        var asked = new ApprovalRequested($"(the question cannot be read; entry {Number(wait.Seq)})", terms?.Choices ?? [], null, wait.Due, terms?.Safe, terms);
        return new(
            head.Row, wait, head.Row.ChangedAt, asked, null, null, "", [], [], Redactor.None, "The question is missing, altered or erased in the store; nobody can say what is asked. Do not answer it. See: signalbox check")
        {
            IsUnreadable = true,
        };
    }

    /// <inheritdoc cref="ReadAsync(IRunReader, RunHead, OpenWait, CancellationToken)"/>
    internal static async Task<ApprovalCard> ReadAsync(IRunReader reader, RunHead head, OpenWait wait, Redactor redactor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(wait);
        var entry = await reader.ReadAsync(head.Row.Run, wait.Seq, 1, cancellationToken) is [var found] && found.Seq == wait.Seq
            ? found
            : throw new JournalDamagedException(head.Row.Run, wait.Seq, "the question that stands open is missing");
        var asked = Body.Read<ApprovalRequested>(entry);
        var because = "";
        var verdicts = new List<PolicyJudged>();
        await foreach (var told in reader.EntriesAsync(head.Row.Run, head.Row.VisitSeq, cancellationToken: cancellationToken))
        {
            if (told.Seq == head.Row.VisitSeq && told.Kind == EntryKinds.StateEntered)
            {
                because = told.Cause;
            }
            else if (told.Kind == EntryKinds.PolicyJudged && Body.Read<PolicyJudged>(told) is var judged && judged.ActionId == asked.Action?.ActionId)
            {
                verdicts.Add(judged);
            }
        }

        var others = asked.Action?.Claims is { Count: > 0 } claims
            ? await reader.ClaimsAsync(new ClaimQuery { Overlapping = [.. claims.Select(c => c.Resource)], Limit = Page }, cancellationToken)
            : [];
        return new ApprovalCard(
            redactor.Head(head).Row, wait, entry.Time, asked, await ResolveAsync(reader, asked.Action?.Arguments, cancellationToken), await ResolveAsync(reader, asked.Details, cancellationToken), redactor.Text(because),
            [.. verdicts.Select(redactor.Judged)], [.. others.Where(o => o.ActionId != asked.Action?.ActionId)], redactor);
    }

    /// <summary>Whether not all of the arguments are shown, unless in full. Nobody should approve what they were not shown.</summary>
    public bool IsCut => Fault is null && _arguments is { } arguments && VisibleText.OfJson(arguments.Span, ArgumentsMax).IsCut;

    /// <summary>The exact arguments as they are shown, by <paramref name="full"/> uncut; null where the question is about no action, or <see cref="Fault"/> says why they cannot be.</summary>
    public ShownJson? Arguments(bool full)
    {
        if (Fault is not null || _arguments is not { } exact)
        {
            return null;
        }

        var arguments = _redactor.Json(new RawJson(exact)).Utf8.Span;
        return full ? new(VisibleText.OfJson(arguments), IsCut: false, 0) : VisibleText.OfJson(arguments, ArgumentsMax);
    }

    /// <summary>What a choice does, in the words of the workflow, safe to show; null if it does not say.</summary>
    public string? Meaning(string choice) => Asked.Meanings?.GetValueOrDefault(choice) is { } meaning ? VisibleText.Of(meaning, Question.MeaningMax) : null;

    /// <summary>What an agent or a workflow tells of it, which nobody has checked: names and texts, safe to show.</summary>
    public IReadOnlyList<CardLine> Story()
    {
        var lines = new List<CardLine>();
        AddStory(lines);
        return [.. lines.Where(line => line.Kind == CardLineKind.Untrusted)];
    }

    /// <summary>The card's lines. <paramref name="now"/> is the time by which durations are told; <paramref name="full"/>: the arguments uncut, whatever their length.</summary>
    public IReadOnlyList<CardLine> Lines(DateTimeOffset now, bool full = false)
    {
        var lines = new List<CardLine>();
        if (Asked.Action is { } action)
        {
            AddAction(lines, action, full);
        }
        else
        {
            lines.Add(new(CardLineKind.Heading, "", $"Run {Row.Run} ({VisibleText.Of(Row.Workflow)} v{Number(Row.Version)}, state {VisibleText.Of(Row.State)}) asks"));
            lines.Add(new(CardLineKind.Untrusted, "question", VisibleText.Of(Asked.Title, StoryMax)));
            if (Fault is not null)
            {
                lines.Add(new(CardLineKind.Warning, "", Fault));
            }
        }

        AddTerms(lines, now);
        AddStory(lines);
        return [.. lines.Select(line => _redactor.Text(line.Text) is var masked && ReferenceEquals(masked, line.Text) ? line : line with { Text = masked })];
    }

    private ReadOnlyMemory<byte>? Masked(ReadOnlyMemory<byte>? json) => json is { } bytes ? _redactor.Json(new RawJson(bytes)).Utf8 : default(ReadOnlyMemory<byte>?);

    /// <summary>The lines as plain text.</summary>
    public string ToText(DateTimeOffset now, bool full = false) => string.Concat(Lines(now, full).Select(line => line.Kind switch
    {
        CardLineKind.Heading => $"{line.Text}\n",
        CardLineKind.Warning => $"! {line.Text}\n",
        CardLineKind.Untrusted => $"  | {(line.Name.Length == 0 ? "" : line.Name + ": ")}{line.Text}\n",
        _ => $"  {line.Name,-10}{line.Text}\n",
    }));

    private static async ValueTask<ReadOnlyMemory<byte>?> ResolveAsync(IRunReader reader, RawJson? value, CancellationToken cancellationToken) => value switch
    {
        null or { IsMissing: true } => null,
        { Reference: { } hash } => await reader.FindPayloadAsync(hash, cancellationToken),
        { } inline => inline.Utf8,
    };

    /// <summary>The arguments are shown by their hash: what does not give it is not what was proposed.</summary>
    private static string? FaultOf(ActionProposed action, ReadOnlyMemory<byte>? arguments)
    {
        if (arguments is not { } json)
        {
            return "The arguments are missing or altered in the store; nobody can say what would be done. Do not approve it. See: signalbox check";
        }

        try
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Of(json.Span)));
            return hash == action.ArgumentsHash ? null : $"The arguments have the hash {hash}, not the one that the question is bound to; somebody has altered them. Do not approve it. See: signalbox check";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "The arguments cannot be read; nobody can say what would be done. Do not approve it. See: signalbox check";
        }
    }

    private void AddAction(List<CardLine> lines, ActionProposed action, bool full)
    {
        lines.Add(new(CardLineKind.Heading, "", $"To be {(action.Undo ? "UNDONE" : "done")}, if it is approved"));
        Fact(lines, "action", $"{(action.Undo ? "undo " : "")}{action.Action}");
        if (Fault is not null)
        {
            lines.Add(new(CardLineKind.Warning, "", Fault));
        }
        else
        {
            AddArguments(lines, full);
        }

        Fact(lines, "hash", action.ArgumentsHash);
        Fact(lines, "target", $"{TargetWords(action.TargetClass)}; {ReversibilityWords(action.Reversibility)}");
        foreach (var claim in action.Claims ?? [])
        {
            Fact(lines, "claims", $"'{claim.Intent}' on {claim.Resource}");
        }

        foreach (var other in Others.Take(OthersMax))
        {
            var opposes = Opposes(other);
            var text = $"'{other.Claim.Intent}' on {other.Claim.Resource} by '{other.Action}' of run {other.Run}: {PhaseWords(other.Phase)}";
            lines.Add(opposes ? new(CardLineKind.Warning, "", $"CONFLICT: {VisibleText.Of(text, FactMax)}") : new(CardLineKind.Fact, "beside", VisibleText.Of(text, FactMax)));
        }

        if (Others.Count > OthersMax)
        {
            Fact(lines, "beside", $"and {Number(Others.Count - OthersMax)} more claims of others; see: signalbox claims");
        }

        Fact(lines, "action id", action.ActionId);
        Fact(lines, "run", $"{Row.Run}, {action.Workflow} v{Number(action.Version)} (definition {Short(action.Definition)}), state {Row.State}");
        foreach (var why in Asked.Why ?? [])
        {
            Fact(lines, "why", why);
        }

        foreach (var verdict in Verdicts)
        {
            Fact(lines, "policy", $"{verdict.Policy} says {verdict.Verdict}: {verdict.Reason}");
        }

        Fact(lines, "proposer", $"{action.Proposer}{(action.Requester is { } requester && requester != action.Proposer ? $"; the run was started by {requester}" : "")}");
    }

    private void AddArguments(List<CardLine> lines, bool full)
    {
        if (IsMasked)
        {
            lines.Add(new(CardLineKind.Warning, "", "PART OF IT IS MASKED: what is approved, and its hash, is all of it. Do not approve what you have not seen."));
        }

        var arguments = _redactor.Json(new RawJson(_arguments!.Value)).Utf8.Span;
        var shown = Arguments(full)!;
        if (shown.IsCut)
        {
            lines.Add(new(
                CardLineKind.Warning, "",
                string.Create(CultureInfo.InvariantCulture, $"NOT ALL OF IT IS SHOWN: the arguments take {shown.Characters:N0} characters. Do not approve what you have not seen: --full shows all; the hash is of all.")));
        }

        if (IsMasked)
        {
            lines.Add(new(CardLineKind.Warning, "", $"SOME OF IT IS MASKED ({Redactor.Mask}), as this store wants it. What is approved is what the hash is of, with the values that are not shown."));
        }

        lines.Add(new(CardLineKind.Exact, "arguments", shown.Text));
        var readable = VisibleText.Readable(System.Text.Encoding.UTF8.GetString(CanonicalJson.Of(arguments)));
        if (!shown.IsCut && !full && readable != shown.Text)
        {
            lines.Add(new(CardLineKind.Untrusted, "reads like this, where letters may pass for others", readable));
        }
    }

    private void AddTerms(List<CardLine> lines, DateTimeOffset now)
    {
        if (Asked.Terms is { } terms)
        {
            Fact(lines, "needs", $"{(terms.Quorum == 1 ? "one person" : $"{Number(terms.Quorum)} different people")} in the role {string.Join(" or ", terms.Roles)}{(terms.Barred is { Count: > 0 } barred ? $", but not {string.Join(", ", barred)}" : "")}");
        }

        foreach (var voice in Wait.Approval?.Voices ?? [])
        {
            Fact(lines, "so far", $"{voice.Actor}: {voice.Choice}");
        }

        Fact(lines, "choices", string.Join(" | ", Asked.Choices));
        foreach (var (choice, meaning) in Asked.Choices.Select(choice => (choice, Meaning(choice))).Where(c => c.Item2 is not null))
        {
            lines.Add(new(CardLineKind.Untrusted, VisibleText.Of(choice, 60), meaning!));
        }

        Fact(lines, "asked at", AskedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        if (Wait.Due is { } due)
        {
            var time = Microseconds.ToTime(due);
            var safe = Asked.Safe == OpenApproval.Reject && Asked.Action is not null ? "it is refused and nothing is done" : $"'{Asked.Safe}' counts";
            Fact(lines, "until", $"{time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)} ({(time > now ? "in " + Durations.Text(time - now) : "its time is up")}); if nobody answers, {safe}");
        }
        else
        {
            Fact(lines, "until", "there is no time limit; nothing is done while nobody answers");
        }

        if (Asked.Terms is { ActionId: not null, ValidFor: > 0 and var valid })
        {
            Fact(lines, "good for", $"{Durations.Text(TimeSpan.FromMicroseconds(valid))} after the last approval; the target and the policies are asked again before anything is done");
        }
    }

    /// <summary>What was told, each member of the details on a line of its own.</summary>
    private void AddStory(List<CardLine> lines)
    {
        var story = new List<CardLine>();
        if (Because.Length > 0)
        {
            Told("why the run came to this state", VisibleText.Of(Because, StoryMax));
        }

        if (Asked.Details is { IsMissing: false })
        {
            if (_details is not { } details)
            {
                Told("details", "(they are missing or altered in the store)");
            }
            else
            {
                AddDetails(story, _redactor.Json(new RawJson(details)).Utf8);
            }
        }

        if (story.Count == 0)
        {
            return;
        }

        lines.Add(new(CardLineKind.Heading, "", "Told by the agent or the workflow, and checked by nobody"));
        lines.AddRange(story.Take(StoryLinesMax));
        if (story.Count > StoryLinesMax)
        {
            lines.Add(new(CardLineKind.Untrusted, "", $"and {Number(story.Count - StoryLinesMax)} more; see: signalbox show {Row.Run} --full"));
        }

        void Told(string name, string text) => story.Add(new(CardLineKind.Untrusted, name, text));
    }

    private static void AddDetails(List<CardLine> story, ReadOnlyMemory<byte> details)
    {
        try
        {
            using var json = JsonDocument.Parse(details);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                story.Add(new(CardLineKind.Untrusted, "details", VisibleText.OfJson(details.Span, StoryMax).Text));
                return;
            }

            foreach (var member in json.RootElement.EnumerateObject())
            {
                story.Add(new(CardLineKind.Untrusted, VisibleText.Of(member.Name, 60), VisibleText.OfJson(System.Text.Encoding.UTF8.GetBytes(member.Value.GetRawText()), StoryMax).Text));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            story.Add(new(CardLineKind.Untrusted, "details", VisibleText.Of(System.Text.Encoding.UTF8.GetString(details.Span), StoryMax)));
        }
    }

    private static void Fact(List<CardLine> lines, string name, string text) => lines.Add(new(CardLineKind.Fact, name, VisibleText.Of(text, FactMax)));

    private static string TargetWords(string targetClass) => targetClass switch
    {
        nameof(TargetClass.T0) => "T0, the store's own database",
        nameof(TargetClass.T1) => "T1, which remembers action ids and refuses a second effect",
        nameof(TargetClass.T2) => "T2, which compares before it sets",
        nameof(TargetClass.T3) => "T3, which can be asked whether it is so",
        nameof(TargetClass.T4) => "T4, which cannot be asked: whether it happened may never be known",
        _ => targetClass,
    };

    private static string ReversibilityWords(string? reversibility) => reversibility?.ToLowerInvariant() switch
    {
        "reversible" => "it can be undone",
        "compensable" => "it can be made up for, not undone",
        "irreversible" => "it CANNOT BE UNDONE",
        _ => "nobody says whether it can be undone",
    };

    /// <summary>How far a claim has come, in words.</summary>
    public static string PhaseWords(ClaimPhase phase) => phase switch
    {
        ClaimPhase.Proposal => "proposed",
        ClaimPhase.Queued => "waits for its turn",
        ClaimPhase.Hold => "at work",
        _ => "stands",
    };

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
