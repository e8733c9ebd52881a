using System.Diagnostics;
using System.Runtime.CompilerServices;
using Signalbox.Diagnostics;
using Signalbox.Journal;
using Signalbox.Queries;

namespace Signalbox.OpenTelemetry;

/// <summary>Gives ended spans to whoever listens to the source, as activities with the ids, times and parents that the journal implies.</summary>
internal sealed class SpanActivities(Redactor redactor)
{
    private const int WhyCharactersMax = 500;
    private const int NameCharactersMax = 100;

    private static readonly ActivitySource s_source = new(SignalboxMeter.Name);

    /// <summary>Whether anybody listens. If not, nothing is made.</summary>
    public static bool HasListeners => s_source.HasListeners();

    /// <summary>Throws unless activities can be given ids here: .NET has no public way to do so.</summary>
    /// <exception cref="NotSupportedException">They cannot.</exception>
    public static void Check()
    {
        var activity = new Activity("check");
        try
        {
            activity.SetIdFormat(ActivityIdFormat.W3C).SetParentId(ActivityTraceId.CreateFromString(new string('1', 32)), default, ActivityTraceFlags.Recorded);
            activity.Start();
            SetSpanId(activity, "0123456789abcdef");
        }
        catch (MissingFieldException)
        {
        }

        activity.Stop();
        if (activity.SpanId.ToHexString() != "0123456789abcdef" || activity.TraceId.ToHexString() != new string('1', 32))
        {
            throw new NotSupportedException("This version of .NET keeps the id of an activity in another place than Signalbox knows, so that its spans would have other ids at each sending. Turn them off (Traces = false) or take a version of Signalbox for this .NET.");
        }
    }

    /// <summary>The name of a span as OpenTelemetry's conventions have it.</summary>
    public static string NameOf(RunSpan span) => span.Type switch
    {
        RunSpanType.Agent => "invoke_agent ",
        RunSpanType.ModelCall => "chat ",
        RunSpanType.ToolCall => "execute_tool ",
        _ => TypeOf(span.Type) + " ",
    } + Cut(span.Name, NameCharactersMax);

    /// <summary>What a span is of, in one word.</summary>
    public static string TypeOf(RunSpanType type) => type switch
    {
        RunSpanType.ModelCall => "model",
        RunSpanType.ToolCall => "tool",
        _ => type.ToString().ToLowerInvariant(),
    };

    /// <summary>Tells of a span, and of what was said in it (attributes, each bounded and masked already).</summary>
    public void Tell(EndedSpan ended, IReadOnlyList<KeyValuePair<string, string>>? content = null)
    {
        var span = ended.Span;
        Activity.Current = null;
        var parent = new ActivityContext(
            ActivityTraceId.CreateFromString(SpanIds.Trace(span.Run)), span.Parent is { } id ? ActivitySpanId.CreateFromString(id) : default, ActivityTraceFlags.Recorded);
        using var activity = s_source.CreateActivity(NameOf(span), span.Type == RunSpanType.ModelCall ? ActivityKind.Client : ActivityKind.Internal, parent, links: Links(span), idFormat: ActivityIdFormat.W3C);
        if (activity is null)
        {
            return;
        }

        var start = Microseconds.ToTime(span.StartedAt).UtcDateTime;
        activity.SetStartTime(start).Start();
        SetSpanId(activity, span.Id);
        Describe(activity, ended);
        foreach (var (name, json) in content ?? [])
        {
            activity.SetTag(name, json);
        }

        foreach (var happened in span.Events)
        {
            var tags = new ActivityTagsCollection { [SpanAttributes.Seq] = happened.Seq };
            foreach (var (name, value) in happened.Attributes)
            {
                tags[name] = Masked(value);
            }

            if (happened.Why is { } why)
            {
                tags[SpanAttributes.Why] = Shown(why);
            }

            activity.AddEvent(new ActivityEvent(happened.Name, Microseconds.ToTime(happened.At), tags));
        }

        activity.SetEndTime(Microseconds.ToTime(span.EndedAt!.Value).UtcDateTime); // where it took no time, 100 ns later: an activity cannot last less
    }

    private void Describe(Activity activity, EndedSpan ended)
    {
        var span = ended.Span;
        activity.SetTag(SpanAttributes.Run, span.Run.Value);
        activity.SetTag(SpanAttributes.Type, TypeOf(span.Type));
        activity.SetTag(SpanAttributes.Seq, span.FirstSeq);
        if (ended.Workflow.Length > 0)
        {
            activity.SetTag(SpanAttributes.Workflow, ended.Workflow);
        }

        if (span.Type != RunSpanType.Run)
        {
            activity.SetTag(SpanAttributes.State, span.State);
            activity.SetTag(SpanAttributes.Visit, (long)span.Visit);
        }

        if (span.Scope.Length > 0)
        {
            activity.SetTag(SpanAttributes.Scope, span.Scope);
        }

        if (Operation(span.Type) is { } operation)
        {
            activity.SetTag(SpanAttributes.Operation, operation);
        }

        if (span.Type == RunSpanType.ModelCall)
        {
            activity.SetTag(SpanAttributes.Provider, SpanAttributes.ProviderOf(ModelOf(span)));
        }

        foreach (var (name, value) in span.Attributes)
        {
            activity.SetTag(name, Masked(value));
        }

        if (span.Why is { } why)
        {
            activity.SetTag(SpanAttributes.Why, Shown(why));
        }

        if (span.Error is { } error)
        {
            activity.SetTag(SpanAttributes.ErrorType, error);
            activity.SetStatus(ActivityStatusCode.Error, span.Why is null ? error : Shown(span.Why));
        }
    }

    /// <summary>The model that was asked; else the one that answered.</summary>
    public static string ModelOf(RunSpan span) =>
        (span.Attributes.GetValueOrDefault(SpanAttributes.RequestModel) ?? span.Attributes.GetValueOrDefault(SpanAttributes.ResponseModel)) as string ?? "";

    public static string? Operation(RunSpanType type) => type switch
    {
        RunSpanType.Agent => "invoke_agent",
        RunSpanType.ModelCall => "chat",
        RunSpanType.ToolCall => "execute_tool",
        _ => null,
    };

    /// <summary>A child run has a trace of its own, which points to its parent's.</summary>
    private static ActivityLink[]? Links(RunSpan span) =>
        span is { Type: RunSpanType.Run, Parent: null } && span.Attributes.GetValueOrDefault(SpanAttributes.ParentRun) is string { Length: > 0 and <= 64 } parent && !string.IsNullOrWhiteSpace(parent)
            ? [new(new ActivityContext(ActivityTraceId.CreateFromString(SpanIds.Trace(new RunId(parent))), ActivitySpanId.CreateFromString(SpanIds.Child(new RunId(parent), span.Run)), ActivityTraceFlags.Recorded))]
            : null;

    private object Masked(object value) => value is string text ? Shown(text) : value;

    private string Shown(string text) => Cut(redactor.Text(text), WhyCharactersMax);

    private static string Cut(string text, int max) => text.Length <= max ? text : text[..(char.IsHighSurrogate(text[max - 2]) ? max - 2 : max - 1)] + "…";

    private static void SetSpanId(Activity activity, string id)
    {
        SpanIdOf(activity) = id;
        IdOf(activity) = null; // composed of the others when it is next asked for
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_spanId")]
    private static extern ref string? SpanIdOf(Activity activity);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_id")]
    private static extern ref string? IdOf(Activity activity);
}
