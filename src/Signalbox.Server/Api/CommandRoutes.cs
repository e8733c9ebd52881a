using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.Server.Api;

/// <summary>What the API changes. All of it is a command, carried out for the authenticated caller.</summary>
internal static class CommandRoutes
{
    private const string OwnWorkflows = "signalbox."; // the engine starts these itself
    private const int KeyMax = 200;
    private const int TextMax = 4_000;

    public static void MapWrites(this RouteGroupBuilder api)
    {
        api.MapPost("/runs", StartAsync).Writes<StartRequest>("start", SignalboxPolicies.Operator, "Starts a run. With the header Idempotency-Key a second start of the workflow under the same key finds the first run (200) and starts none (201).")
            .Produces<CommandAnswer>(StatusCodes.Status201Created).WithMetadata(new HeaderParameter("Idempotency-Key", "The run's key, unique per workflow."));
        api.MapPost("/runs/{run}/answers", AnswerAsync).Writes<AnswerRequest>(
            "answer", SignalboxPolicies.Approver, "Answers an open question. 'hash' is that of the action that was shown, and has to be given where the question is about one. An answer that does not count is refused, and on record.");
        api.MapPost("/runs/{run}/signals", (string run, JsonBody<SignalRequest> body, HttpContext context, IRunControl control) =>
                SendAsync(context, control, new SendSignal(ApiQuery.RunOf(run), SignalName(body.Value.Name), Raw(body.Value.Value))))
            .Writes<SignalRequest>("signal", SignalboxPolicies.Operator, "Puts a signal into the run's mailbox.");
        api.MapPost("/runs/{run}/cancel", (string run, JsonBody<ReasonRequest> body, HttpContext context, IRunControl control) => SendAsync(context, control, new CancelRun(ApiQuery.RunOf(run), Text("reason", body.Value.Reason))))
            .Writes<ReasonRequest>("cancel", SignalboxPolicies.Operator, "Asks that the run end.");
        api.MapPost("/runs/{run}/retry", (string run, JsonBody<ReasonRequest> body, HttpContext context, IRunControl control) => SendAsync(context, control, new RetryRun(ApiQuery.RunOf(run), Text("reason", body.Value.Reason))))
            .Writes<ReasonRequest>("retry", SignalboxPolicies.Operator, "Opens a failed run's last visit again.");
        api.MapPost("/runs/{run}/release", (string run, JsonBody<ReleaseRequest> body, HttpContext context, IRunControl control) =>
                SendAsync(context, control, new ReleaseRun(ApiQuery.RunOf(run), Verb(body.Value.Verb), body.Value.Note is { } note ? Text("note", note) : null)))
            .Writes<ReleaseRequest>("release", SignalboxPolicies.Operator, "Lets a held run go on: retry, accept, undo or abandon.");
        api.MapPost("/runs/{run}/decisions/{decision}/judgement", (string run, string decision, JsonBody<JudgementRequest> body, HttpContext context, IRunControl control) =>
                SendAsync(context, control, new JudgeDecision(ApiQuery.RunOf(run), Text("decision", decision), body.Value.Right, Text("why", body.Value.Why))))
            .Writes<JudgementRequest>("judge", SignalboxPolicies.Operator, "Says whether a decision was right; the latest judgement counts.");
        api.MapPost("/runs/{run}/claims/{actionId}/release", (string run, string actionId, JsonBody<ReasonRequest> body, HttpContext context, IRunControl control) =>
                SendAsync(context, control, new ReleaseClaim(ApiQuery.RunOf(run), Text("actionId", actionId), Text("reason", body.Value.Reason))))
            .Writes<ReasonRequest>("releaseClaim", SignalboxPolicies.Operator, "Ends the standing claims of an action; its effect stays. Only a person may.");
    }

    private static async Task<IResult> SendAsync(HttpContext context, IRunControl control, RunCommand command) => Answer(await control.ExecuteAsync(command, context.Caller(), context.RequestAborted));

    private static JsonHttpResult<CommandAnswer> Answer(CommandResult result, int status = StatusCodes.Status200OK) =>
        result.IsAccepted ? RunRoutes.Json(new CommandAnswer(result.Code, result.Message, result.Run, result.Status), status) : throw new ProblemException(Problems.Of(result));

    private static async Task<IResult> StartAsync(JsonBody<StartRequest> body, HttpContext context, IRunControl control, RunQueries queries)
    {
        var request = body.Value;
        var key = context.Request.Headers["Idempotency-Key"] switch
        {
            [] => null,
            [{ Length: > 0 and <= KeyMax } one] when !one.Any(char.IsControl) => one,
            _ => throw ApiQuery.Wrong($"The header Idempotency-Key has 1 to {KeyMax} characters, and is given once."),
        };
        foreach (var (name, value) in request.Labels ?? new Dictionary<string, string>())
        {
            Text("a label's name", name);
            _ = value is { Length: <= TextMax } ? value : throw ApiQuery.Wrong($"A label is a text of at most {TextMax} characters."); // null gets past the types of a dictionary's values
        }

        StartRun command;
        try
        {
            command = context.RequestServices.GetService<RunClient>() is { } client && client.Knows(request.Workflow, request.Version) && !request.Workflow.StartsWith(OwnWorkflows, StringComparison.Ordinal)
                ? client.Prepare(request.Workflow, Raw(request.Case), key, request.Labels, request.Version)
                : await PrepareAsync(request, key, context.RequestServices, queries, context.RequestAborted);
        }
        catch (CaseUnfitException e)
        {
            throw Problems.Exception(StatusCodes.Status422UnprocessableEntity, "case_unfit", e.Message);
        }

        var result = await control.ExecuteAsync(command, context.Caller(), context.RequestAborted);
        if (result.Run is { } run && result.IsAccepted)
        {
            context.Response.Headers.Location = $"{context.Request.PathBase}/api/v1/runs/{Uri.EscapeDataString(run.Value)}";
        }

        return Answer(result, result.Code == "ok" ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    /// <summary>A start of a workflow whose code is elsewhere: by the definition of its newest run. Whether the case fits is seen by the worker that has the code.</summary>
    private static async Task<StartRun> PrepareAsync(StartRequest request, string? key, IServiceProvider services, RunQueries queries, CancellationToken cancellationToken)
    {
        var newest = await queries.RunsAsync(new() { Workflow = Text("workflow", request.Workflow), Version = request.Version, Limit = 1 }, cancellationToken);
        var stored = newest is [var head] && !request.Workflow.StartsWith(OwnWorkflows, StringComparison.Ordinal) ? await queries.Reader.FindPayloadAsync(new PayloadHash(head.Row.Fingerprint), cancellationToken) : null;
        if (stored is not { } bytes)
        {
            throw Problems.Exception(
                StatusCodes.Status404NotFound, "definition_not_found",
                "This program has no such workflow, and the store has no run of it that could be started like; definitions are stored with runs. Nothing was started. Start the first run where the workflow's code is.");
        }

        if (request.Case.ValueKind != JsonValueKind.Object)
        {
            throw Problems.Exception(StatusCodes.Status422UnprocessableEntity, "case_unfit", "A case is a JSON object. Nothing was started.");
        }

        var definition = Definition(newest[0], bytes);
        return new StartRun(RunId.New(services.GetService<Entropy>() ?? Entropy.System), definition.Name, definition.Version, new RawJson(bytes), definition.Start, Raw(request.Case), key, request.Labels);
    }

    private static WorkflowDefinition Definition(RunHead head, ReadOnlyMemory<byte> stored)
    {
        try
        {
            return WorkflowDefinition.FromJson(stored.Span);
        }
        catch (JsonException)
        {
            throw Problems.Exception(
                StatusCodes.Status404NotFound, "definition_missing",
                $"What is stored as the definition of '{head.Row.Workflow}' v{head.Row.Version}, by its newest run {head.Row.Run}, is no definition. Nothing was started. Start the run where the workflow's code is.");
        }
    }

    private static async Task<IResult> AnswerAsync(string run, JsonBody<AnswerRequest> body, HttpContext context, IRunControl control, RunQueries queries)
    {
        var (id, answer) = (ApiQuery.RunOf(run), body.Value);
        var head = await queries.Reader.FindAsync(id, context.RequestAborted) ?? throw ApiQuery.NotFound(id);
        var meant = head.Waits.Where(w => w.Kind == WaitKind.Approval && (answer.Step is null || w.Step == answer.Step || new ScopedStep(w.Scope, w.Step).ToString() == answer.Step)).ToArray();
        var step = answer.Step;
        if (meant is [var one])
        {
            // Named exactly, so that no other question that is asked in between is answered by this.
            step = new ScopedStep(one.Scope, one.Step).ToString();
            if (answer.Hash is null && one.Approval?.Terms.ArgumentsHash is not null)
            {
                throw Problems.Exception(
                    StatusCodes.Status422UnprocessableEntity, "hash_missing", "This question is about an action: the answer has to name, as 'hash', the hash of the action that was shown. Nothing was answered. Read the question first: api/v1/approvals");
            }
        }

        return await SendAsync(context, control, new AnswerApproval(
            id, Text("choice", answer.Choice), step, answer.Comment is { } comment ? Text("comment", comment) : null, answer.Hash, answer.Edited is { ValueKind: not JsonValueKind.Undefined } edited ? Raw(edited) : null));
    }

    private static string SignalName(string name)
    {
        try
        {
            StepKey.ThrowIfUnfit(name);
            return name;
        }
        catch (ArgumentException e)
        {
            throw ApiQuery.Wrong($"'name' is no name of a signal: {e.Message.Split(" (Parameter")[0].TrimEnd('.')}.");
        }
    }

    /// <summary>A number passes as a verb while JSON is read, whether there is a verb of that number or not.</summary>
    private static ReleaseVerb Verb(ReleaseVerb verb) => Enum.IsDefined(verb) ? verb : throw ApiQuery.Wrong("'verb' wants retry, accept, undo or abandon.");

    private static string Text(string what, string text) => !string.IsNullOrWhiteSpace(text) && text.Length <= TextMax ? text : throw ApiQuery.Wrong($"'{what}' has 1 to {TextMax} characters.");

    private static RawJson Raw(JsonElement value)
    {
        try
        {
            return new(JsonSerializer.SerializeToUtf8Bytes(value));
        }
        catch (JsonException)
        {
            throw ApiQuery.Wrong("A value in the body has half of a character (one of \\ud800 to \\udfff alone), or is nested too deep to be kept.");
        }
    }
}

/// <summary>A header that a route takes, for the description of the API.</summary>
internal sealed record HeaderParameter(string Name, string Description);
