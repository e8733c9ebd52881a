using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>The questions that a run put to people, and who answered what: also what was answered in vain, and why.</summary>
internal sealed class ApprovalFold(Redactor redactor) : IEntryFold
{
    private readonly List<Question> _questions = [];
    private readonly Dictionary<(int Visit, string Scope, string Step), Question> _byStep = [];

    public IReadOnlyList<ApprovalView> Approvals => [.. _questions.Select(q => q.Asked with { Answers = q.Answers })];

    public void Add(EntryReading reading)
    {
        var entry = reading.Entry;
        switch (entry.Kind)
        {
            case EntryKinds.ApprovalRequested:
                var asked = new Question(Requested(reading, reading.Body<ApprovalRequested>()), reading.Body<ApprovalRequested>().Terms);
                _questions.Add(asked);
                _byStep[Key(entry)] = asked;
                break;
            case EntryKinds.ApprovalAnswered when _byStep.GetValueOrDefault(Key(entry)) is { } question:
                Answered(question, Answer(reading, ignored: null));
                break;
            case EntryKinds.ApprovalExpired when _byStep.GetValueOrDefault(Key(entry)) is { } expired:
                expired.End("expired", entry.At);
                break;
            case EntryKinds.ApprovalWithdrawn when _byStep.GetValueOrDefault(Key(entry)) is { } withdrawn:
                withdrawn.End("withdrawn", entry.At);
                break;
            case EntryKinds.ApprovalIgnored when Meant(entry) is { } meant:
                meant.Answers.Add(Answer(reading, redactor.Text(entry.Cause)));
                break;
        }
    }

    private ApprovalView Requested(EntryReading reading, ApprovalRequested body)
    {
        var entry = reading.Entry;
        return new(
            entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, entry.Step, redactor.Text(reading.Need(body.Title)), redactor.Texts(reading.Need(body.Choices)), body.Terms?.Roles ?? [], body.Terms?.Quorum ?? 1, body.Due,
            body.Safe, body.Action?.ActionId, body.Action?.ArgumentsHash, redactor.Texts(body.Why), [], null, null);
    }

    private AnswerView Answer(EntryReading reading, string? ignored)
    {
        var body = reading.Body<ApprovalAnswered>();
        return new(reading.Entry.Seq, reading.Entry.At, reading.Entry.Actor, redactor.Text(reading.Need(body.Choice)), body.Roles ?? [], redactor.Optional(body.Comment), Counted: ignored is null, ignored);
    }

    /// <summary>An answer decides, or is one voice of several: as <see cref="RunHead"/> has it.</summary>
    private static void Answered(Question question, AnswerView answer)
    {
        var voices = question.Answers.Where(a => a.Counted).Select(a => new Voice(a.Actor, a.Choice)).ToArray();
        question.Answers.Add(answer);
        if (question.Terms is null || new OpenApproval(question.Terms, voices).Decides(answer.Choice))
        {
            question.End(answer.Choice, answer.At);
        }
    }

    /// <summary>
    /// The question that an answer in vain was about. It may name a step, with its scope or without, or none at all: then it is about the one asked last.
    /// </summary>
    private Question? Meant(Entry entry) =>
        entry.Step.Length == 0 ? _questions.LastOrDefault()
        : _questions.FindLast(q => q.Asked.Step == entry.Step || new ScopedStep(q.Asked.Scope, q.Asked.Step).ToString() == entry.Step || q.Asked.Step.Split('/')[0] == entry.Step) ?? _questions.LastOrDefault();

    private static (int, string, string) Key(Entry entry) => (entry.Visit, entry.Scope, entry.Step);

    private sealed class Question(ApprovalView asked, ApprovalTerms? terms)
    {
        public ApprovalView Asked { get; private set; } = asked;

        public ApprovalTerms? Terms { get; } = terms;

        public List<AnswerView> Answers { get; } = [];

        public void End(string outcome, long at) => Asked = Asked with { Outcome = outcome, EndedAt = at };
    }
}
