using Signalbox.Targets.Tests.Http;
using Signalbox.Targets.Tests.Server;
using Signalbox.Testing;

namespace Signalbox.Targets.Tests;

/// <summary>Handlers as an author writes them keep the contract of their class at a real server. The keyed one: <see cref="Docs.The_firewall"/>.</summary>
public sealed class Targets_on_HTTP(ServerProcess server) : IClassFixture<ServerProcess>
{
    private const TargetFeatures CanGoWrong = TargetFeatures.EffectLog | TargetFeatures.Failures | TargetFeatures.LostAnswers | TargetFeatures.Silence;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Conditional => Names(TargetClass.T2, CanGoWrong | TargetFeatures.Undo);

    public static TheoryData<string> Blind => Names(TargetClass.T4, CanGoWrong);

    [Theory]
    [MemberData(nameof(Conditional))]
    public Task Keep_what_a_conditional_target_promises(string fact) => CheckAsync(TargetClass.T2, CanGoWrong | TargetFeatures.Undo, fact, new Rules(server));

    [Theory]
    [MemberData(nameof(Blind))]
    public Task Keep_what_a_blind_target_promises(string fact) => CheckAsync(TargetClass.T4, CanGoWrong, fact, new Mails(server));

    private static TheoryData<string> Names(TargetClass targetClass, TargetFeatures features) => new(TargetContract.Facts(targetClass, features).Select(f => f.Name));

    private static async Task CheckAsync(TargetClass targetClass, TargetFeatures features, string fact, TargetHarness harness)
    {
        await using (harness)
        {
            await TargetContract.Facts(targetClass, features).Single(f => f.Name == fact).CheckAsync(harness).WaitAsync(s_limit);
        }
    }

    /// <summary>A harness whose every handler has connections of its own, as another process would.</summary>
    private abstract class Harness<TAction>(ServerProcess server) : TargetHarness<TAction>
        where TAction : notnull
    {
        private static int s_actions;
        private readonly List<HttpClient> _clients = [];

        protected ServerProcess Server => server;

        protected abstract string Kind { get; }

        public override ValueTask DisposeAsync()
        {
            _clients.ForEach(client => client.Dispose());
            return base.DisposeAsync();
        }

        protected static int NewNumber() => Interlocked.Increment(ref s_actions);

        protected HttpClient NewClient()
        {
            var client = HttpTargets.Client(Server.Url);
            lock (_clients)
            {
                _clients.Add(client);
            }

            return client;
        }

        protected abstract string Resource(TAction action);

        protected abstract string Text(TAction action);

        protected override async ValueTask PutAsync(TAction action) => await Server.ByHandAsync(HttpMethod.Put, Kind, Resource(action), Text(action));

        protected override async ValueTask TakeAsync(TAction action) => await Server.ByHandAsync(HttpMethod.Delete, Kind, Resource(action));

        protected override ValueTask<bool> StandsAsync(TAction action) => ValueTask.FromResult(Server.Find(Kind, Resource(action)) == Text(action));

        protected override ValueTask<int> CountEffectsAsync(TAction action) => ValueTask.FromResult(Server.Of(Kind, Resource(action)).Count);

        protected override async ValueTask PlantAsync(TAction action, TargetFault fault) => await Server.PlantAsync(
            fault switch { TargetFault.ThrowsBeforeEffect => HttpFault.Refuse, TargetFault.ThrowsAfterEffect => HttpFault.CutAfter, _ => HttpFault.Silence }, Kind, Resource(action));
    }

    private sealed class Rules(ServerProcess server) : Harness<SetRule>(server)
    {
        protected override string Kind => "rules";

        protected override SetRule NewAction() => new($"rule-{NewNumber()}", "deny all");

        protected override ActionHandler<SetRule> NewHandler() => new HttpRuleHandler(NewClient());

        protected override string Resource(SetRule action) => action.Id;

        protected override string Text(SetRule action) => action.Text;
    }

    private sealed class Mails(ServerProcess server) : Harness<SendMail>(server)
    {
        protected override string Kind => "mails";

        protected override SendMail NewAction() => new($"person-{NewNumber()}@example.org", "hello");

        protected override ActionHandler<SendMail> NewHandler() => new HttpMailHandler(NewClient());

        protected override string Resource(SendMail action) => action.To;

        protected override string Text(SendMail action) => action.Text;
    }
}
