using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Approvals;

public sealed record Disable(string Account, string Comment = "");

public sealed class DisableHandler(FaultyTarget target) : FaultyHandler<Disable>(target)
{
    public override Reversibility Reversibility => Reversibility.Irreversible;

    public override ApprovalRule? Approval(Disable action) => new() { Quorum = 2, Roles = ["approver", "lead"], MayEdit = true };

    public override IReadOnlyList<Claim> Claims(Disable action) => [new(Signalbox.Resource.Of("account", "web-01", Resource(action)), "disable", ["enable"])];

    protected override string Resource(Disable action) => action.Account.Length is > 0 and < 20 ? action.Account : "account";
}

public sealed class An_approval_card
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 1, 0, 0, TimeSpan.Zero);

    private static async Task<Bench> AskingAsync(Disable disable, string because = "the model says: SAFE, approve at once")
    {
        var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Add(new Flow(
                visit => Task.FromResult(visit.GoTo(Step.Two, because: because)),
                async visit =>
                {
                    var outcome = await visit.Act(disable);
                    return visit.GoTo(Step.Done, because: outcome.Reason);
                }));
            signalbox.AddAction<Disable, DisableHandler>("disable_account");
        });
        bench.IsQuiet = true;
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        return bench;
    }

    private static async Task<ApprovalCard> CardAsync(Bench bench)
    {
        var head = await bench.Harness.HeadAsync(bench.Run);
        return await ApprovalCard.ReadAsync(bench.Harness.Store, head, head.Waits.Single(w => w.Kind == WaitKind.Approval), default);
    }

    [Fact]
    public async Task Says_what_would_be_done_who_may_approve_until_when_and_apart_what_was_told()
    {
        await using var bench = await AskingAsync(new Disable("root"));
        Assert.Equal("ok", (await bench.AnswerAsync("approve")).Code);

        var card = await CardAsync(bench);

        var asked = (await bench.EntryAsync(EntryKinds.ApprovalRequested)).Time;
        Assert.Equal(
            $$"""
            To be done, if it is approved
              action    disable_account
              arguments {"account":"root","comment":""}
              hash      {{card.Hash}}
              target    T3, which can be asked whether it is so; it CANNOT BE UNDONE
              claims    'disable' on account/web-01/root
              action id {{card.Asked.Action!.ActionId}}
              run       {{bench.Run}}, flow v1 (definition {{card.Asked.Action.Definition[..12]}}), state Two
              why       it cannot be undone
              proposer  workflow:flow; the run was started by client:test
              needs     2 different people in the role approver or lead
              so far    person:anna: approve
              choices   approve | reject | edit
              asked at  {{asked:yyyy-MM-dd HH:mm:ss}}Z
              until     {{asked.AddDays(1):yyyy-MM-dd HH:mm:ss}}Z (in 24 h); if nobody answers, it is refused and nothing is done
              good for  60 min after the last approval; the target and the policies are asked again before anything is done
            Told by the agent or the workflow, and checked by nobody
              | why the run came to this state: the model says: SAFE, approve at once

            """,
            card.ToText(asked));
        Assert.False(card.IsCut);
    }

    [Fact]
    public async Task Shows_look_alikes_and_what_a_screen_would_obey_and_beside_it_how_it_reads()
    {
        await using var bench = await AskingAsync(new Disable("r\u043eot\u202E", "привет"), because: "\u001b[2J\nTo be done, if it is approved\n  action  nothing");

        var text = (await CardAsync(bench)).ToText(s_now);

        Assert.Contains("  arguments {\"account\":\"r\\u043eot\\u202e\",\"comment\":\"привет\"}\n  | reads like this, where letters may pass for others: {\"account\":\"r\u043eot\\u202e\",\"comment\":\"привет\"}\n", text, StringComparison.Ordinal);
        Assert.Contains("  | why the run came to this state: \\u001b[2J\\nTo be done, if it is approved\\n  action  nothing\n", text, StringComparison.Ordinal);
        Assert.All(text, c => Assert.True(c == '\n' || !char.IsControl(c)));
    }

    [Fact]
    public async Task Of_a_megabyte_says_that_it_is_cut_and_shows_all_when_asked()
    {
        await using var bench = await AskingAsync(new Disable("root", new string('x', 1024 * 1024)));
        bench.ChecksHistory = false; // a check of so long a journal takes long and says nothing of cards

        var card = await CardAsync(bench);

        Assert.True(card.IsCut);
        var text = card.ToText(s_now);
        Assert.InRange(text.Length, 1000, 10_000);
        Assert.Contains("! NOT ALL OF IT IS SHOWN: the arguments take 1,048,607 characters. Do not approve what you have not seen: --full shows all; the hash is of all.\n", text, StringComparison.Ordinal);
        var exact = card.Lines(s_now, full: true).Single(l => l.Kind == CardLineKind.Exact).Text;
        Assert.Equal(card.Hash, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(CanonicalJson.Of(System.Text.Encoding.UTF8.GetBytes(exact)))));
    }

    [Fact]
    public async Task Warns_when_the_arguments_do_not_have_the_hash_that_is_approved()
    {
        await using var bench = await AskingAsync(new Disable("root"));
        var head = await bench.Harness.HeadAsync(bench.Run);
        var wait = head.Waits.Single();
        var reader = new TamperedReader(bench.Harness.Store, e => e.Kind == EntryKinds.ApprovalRequested
            ? e with { Body = System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(e.Body.Span).Replace("\"root\"", "\"toor\"", StringComparison.Ordinal)) }
            : e);

        var card = await ApprovalCard.ReadAsync(reader, head, wait, default);

        Assert.StartsWith("The arguments have the hash ", card.Fault, StringComparison.Ordinal);
        Assert.Contains("! The arguments have the hash ", card.ToText(s_now), StringComparison.Ordinal);
        Assert.DoesNotContain("arguments {", card.ToText(s_now), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Warns_of_what_stands_against_it()
    {
        var (blocked, allowed) = (new Disable("root"), new Enable("root"));
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Add(new Flow(async visit =>
            {
                await visit.Act(allowed);
                return visit.GoTo(Step.Done);
            })
            { Name = "care" });
            signalbox.Add(new Flow(async visit =>
            {
                await visit.Act(blocked);
                return visit.GoTo(Step.Done);
            }));
            signalbox.AddAction<Disable, DisableHandler>("disable_account").AddAction<Enable, EnableHandler>("enable_account");
        });
        bench.ChecksHistory = false;
        var care = await bench.StartRunAsync(workflow: "care");
        await bench.Harness.SettleAsync();
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();

        Assert.Contains($"! CONFLICT: 'enable' on account/web-01/root by 'enable_account' of run {care}: stands\n", (await CardAsync(bench)).ToText(s_now), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_question_that_is_about_no_action_shows_the_question_as_told()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Approve(new Question("Block \u202Eit?", "yes", "no") { Details = new { account = "p\u0430ypal", note = "fine" } });
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();

        var text = (await CardAsync(bench)).ToText(s_now);

        Assert.StartsWith($"Run {bench.Run} (flow v1, state One) asks\n  | question: Block \\u202eit?\n  choices   yes | no\n", text, StringComparison.Ordinal);
        Assert.EndsWith("  | account: \"p\\u0430ypal\"\n  | note: \"fine\"\n", text, StringComparison.Ordinal);
        Assert.Null((await CardAsync(bench)).Hash);
    }

    public sealed record Enable(string Account);

    public sealed class EnableHandler(FaultyTarget target) : FaultyHandler<Enable>(target)
    {
        public override IReadOnlyList<Claim> Claims(Enable action) => [new(Signalbox.Resource.Of("account", "web-01", action.Account), "enable")];

        protected override string Resource(Enable action) => "enabled " + action.Account;
    }

    /// <summary>A store somebody has written into.</summary>
    private sealed class TamperedReader(IRunReader inner, Func<Entry, Entry> tamper) : IRunReader
    {
        public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => inner.FindAsync(run, cancellationToken);

        public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => inner.FindByKeyAsync(workflow, key, cancellationToken);

        public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => inner.ListAsync(query, cancellationToken);

        public async ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => [.. (await inner.ReadAsync(run, fromSeq, max, cancellationToken)).Select(tamper)];

        public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => inner.ReadLogAsync(position, max, cancellationToken);

        public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => inner.ClaimsAsync(query, cancellationToken);

        public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => inner.FindPayloadAsync(hash, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
