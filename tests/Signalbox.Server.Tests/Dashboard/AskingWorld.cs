using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Server.Tests.Dashboard;

public enum Desk { Look, Act, Ask, Done, Refused }

/// <summary>What a run of the tests is to do: disable an account, or ask a plain question.</summary>
public sealed record Errand(string Account = "", string Comment = "", string? Question = null, bool Thinks = false, bool Opposite = false);

public sealed record Disable(string Account, string Comment);

public sealed record Enable(string Account);

public sealed record Opinion(string Decision, double Confidence, IReadOnlyList<string>? Reasons = null);

public sealed class DisableHandler(FaultyTarget target) : FaultyHandler<Disable>(target)
{
    public override Reversibility Reversibility => Reversibility.Irreversible;

    public override ApprovalRule? Approval(Disable action) => new() { Quorum = 2, Roles = ["approver", "lead"], MayEdit = true, Within = TimeSpan.FromHours(1) };

    public override IReadOnlyList<Claim> Claims(Disable action) => [new(Signalbox.Resource.Of("account", "web-01", Resource(action)), "disable", ["enable"])];

    protected override string Resource(Disable action) => action.Account.Length is > 0 and < 20 ? action.Account : "account";
}

public sealed class EnableHandler(FaultyTarget target) : FaultyHandler<Enable>(target)
{
    public override IReadOnlyList<Claim> Claims(Enable action) => [new(Signalbox.Resource.Of("account", "web-01", action.Account), "enable", ["disable"])];

    protected override string Resource(Enable action) => action.Account + " enabled";
}

public sealed class DeskWork() : Workflow<Desk, Errand>("desk", version: 1)
{
    private static readonly Agent<Opinion> s_judge = new("judge") { Instructions = "You judge accounts.", Confidence = o => o.Confidence, Kind = o => o.Decision, Reasons = o => o.Reasons ?? [] };
    private static readonly EvidenceSource<string, string> s_logins = new("logins", (account, _) => Task.FromResult($"12 failed logins of {account}"));
    private static readonly EvidenceSource<string, string> s_threats = new("threats", (_, _) => throw new IOException("no route <b>to</b> host"));

    protected override void Define(StateMachine<Desk, Errand> states)
    {
        states.Start(Desk.Look, LookAsync).To(Desk.Act, Desk.Ask, Desk.Done).Agent("judge");
        states.State(Desk.Act, ActAsync).To(Desk.Done, Desk.Refused, Desk.Ask);
        states.State(Desk.Ask, AskAsync).To(Desk.Done, Desk.Refused);
        states.End(Desk.Done);
        states.End(Desk.Refused, success: false);
        states.EscalatesTo(Desk.Ask);
    }

    private static async Task<Next> LookAsync(Visit<Desk, Errand> visit)
    {
        if (visit.Case.Question is not null)
        {
            return visit.GoTo(Desk.Ask, because: "there is something to ask");
        }

        if (visit.Case.Thinks)
        {
            var (logins, threats) = await visit.Gather(s_logins.For(visit.Case.Account), s_threats.For(visit.Case.Account));
            var decision = await visit.Decide(s_judge, new DecisionRequest<Opinion> { Messages = [new ChatMessage(ChatRole.User, visit.Case.Account)], Evidence = [logins, threats] });
            return visit.GoTo(Desk.Act, because: $"<b>{decision.Why}</b>");
        }

        return visit.GoTo(Desk.Act, because: "the model says: SAFE, approve at once");
    }

    private static async Task<Next> ActAsync(Visit<Desk, Errand> visit)
    {
        var outcome = visit.Case.Opposite ? await visit.Act(new Enable(visit.Case.Account)) : await visit.Act(new Disable(visit.Case.Account, visit.Case.Comment));
        return outcome.IsVerified ? visit.GoTo(Desk.Done) : visit.GoTo(Desk.Refused, because: outcome.Reason);
    }

    private static async Task<Next> AskAsync(Visit<Desk, Errand> visit)
    {
        var answer = await visit.Approve(new Question(visit.Case.Question ?? "What now?", "close it", "keep it open")
        {
            Within = TimeSpan.FromHours(1),
            Safe = "keep it open",
            Meanings = new Dictionary<string, string> { ["close it"] = "ends the <b>errand</b>\u202E." },
            Details = new { Short = "a word", Long = string.Join(' ', Enumerable.Repeat("<i>word</i>", 100)) },
        });
        return answer.Choice == "close it" ? visit.GoTo(Desk.Done, because: "a person closed it") : visit.GoTo(Desk.Refused, because: "a person kept it open");
    }
}

/// <summary>Carries out commands in the store of a harness, as an owner of the store does.</summary>
internal sealed class HarnessControl(IRunStore store) : IRunControl
{
    public ValueTask<CommandResult> ExecuteAsync(RunCommand command, Caller caller, CancellationToken cancellationToken) => RunCommands.ExecuteAsync(store, command, caller, cancellationToken);
}

/// <summary>Runs that ask people, on a clock that moves only when told to, and a server over them.</summary>
internal sealed class AskingWorld : IAsyncDisposable
{
    private AskingWorld(WorkflowHarness harness, ServerWorld server)
    {
        Harness = harness;
        Server = server;
    }

    public WorkflowHarness Harness { get; }

    public ServerWorld Server { get; }

    public static async Task<AskingWorld> StartAsync(ISearchIndex? index = null, string prefix = "", ManualClock? clock = null)
    {
        clock ??= new ManualClock();
        var harness = await WorkflowHarness.StartAsync(
            signalbox =>
            {
                signalbox.Services.AddSingleton(new FaultyTarget());
                signalbox.AddWorkflow<DeskWork>().AddAction<Disable, DisableHandler>("disable_account").AddAction<Enable, EnableHandler>("enable_account");
                signalbox.AddModel("fast-1", new ScriptedChatClient(clock, [.. Enumerable.Repeat(ScriptedReply.Json(new Opinion("disable", 0.62, ["many failed logins <script>alert(1)</script>"])), 20)]) { Model = "fast-1" });
                signalbox.UseLadder(new Ladder(new Tier("fast", "fast-1")));
            },
            new HarnessOptions { Clock = clock });
        var server = await ServerWorld.StartAsync(prefix: prefix, configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(clock);
            builder.Services.AddSingleton<IRunReader>(harness.Store);
            builder.Services.AddSingleton<IRunControl>(new HarnessControl(harness.Store));
            builder.Services.AddSingleton(new RunQueries(harness.Store, clock, index));
            builder.Services.AddSingleton(new LogTail(harness.Store, clock));
        });
        return new(harness, server) { Prefix = prefix };
    }

    /// <summary>Starts a run and drives it until it asks, or ends.</summary>
    public async Task<RunId> AskAsync(Errand errand, string startedBy = "person:carl", IReadOnlyDictionary<string, string>? labels = null, string? key = null)
    {
        var run = (await Harness.Client(startedBy).StartAsync("desk", errand, key, labels)).Run;
        await Harness.SettleAsync();
        return run;
    }

    public async Task<OpenWait> WaitAsync(RunId run) => (await Harness.HeadAsync(run)).Waits.Single(w => w.Kind == WaitKind.Approval);

    /// <summary>A browser in which somebody with these roles has logged in.</summary>
    public async Task<Browser> LogInAsync(string name, params string[] roles)
    {
        var browser = Server.Browser();
        using var answer = await browser.LogInAsync(Server.Keys.Add(name, roles), prefix: Prefix);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        return browser;
    }

    public string Prefix { get; init; } = "";

    public async Task<Asked> OpenAsync(Browser browser, RunId run, string more = "")
    {
        var step = Uri.EscapeDataString((await WaitAsync(run)).Step);
        return await Asked.OfAsync(browser, $"{Prefix}/approvals/{run}?step={step}{more}");
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Harness.DisposeAsync();
    }
}

/// <summary>The page of a question in a browser, and its forms.</summary>
internal sealed record Asked(Browser Browser, string Address, HttpStatusCode Status, string Page)
{
    public static async Task<Asked> OfAsync(Browser browser, string address)
    {
        using var answer = await browser.GetAsync(address);
        return new(browser, address, answer.StatusCode, await answer.TextAsync());
    }

    /// <summary>The page without its tags, its white space and its encoding: what is read on it.</summary>
    public string Text => TextOf(Page);

    public static string TextOf(string page) => Regex.Replace(WebUtility.HtmlDecode(Regex.Replace(Regex.Replace(page, "<head>.*?</head>", "", RegexOptions.Singleline), "<[^>]*>", "")), "\\s+", " ");

    /// <summary>Sends the form that has this choice, as the page holds it, with what somebody has typed.</summary>
    public async Task<Asked> AnswerAsync(string choice, params (string Name, string Value)[] typed)
    {
        var form = Regex.Matches(Page, "<form method=\"post\".*?</form>", RegexOptions.Singleline).Select(m => m.Value).FirstOrDefault(f => f.Contains($"name=\"choice\" value=\"{WebUtility.HtmlEncode(choice)}\"", StringComparison.Ordinal));
        Assert.True(form is not null, $"No form has the choice '{choice}': {Text}");
        var fields = Regex.Matches(form, "<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\"").ToDictionary(m => m.Groups[1].Value, m => WebUtility.HtmlDecode(m.Groups[2].Value));
        foreach (var (name, value) in typed)
        {
            fields[name] = value;
        }

        fields["choice"] = choice;
        var to = WebUtility.HtmlDecode(Regex.Match(form, "action=\"([^\"]*)\"").Groups[1].Value);
        using var answer = await Browser.PostAsync(to, [.. fields.Select(f => (f.Key, f.Value))]);
        return new(Browser, to, answer.StatusCode, await answer.TextAsync());
    }
}
