using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

public sealed class The_documents
{
    private static readonly string Root = FindRoot();

    [Theory]
    [InlineData("README.md", "ReadmeExample.cs", "readme")]
    [InlineData("docs/testing.md", "TestingExample.cs", "testing")]
    [InlineData("docs/guides/agents.md", "AgentsExample.cs", "agents")]
    [InlineData("docs/guides/evidence.md", "EvidenceExample.cs", "evidence")]
    [InlineData("docs/guides/verification.md", "VerificationExample.cs", "verification")]
    [InlineData("docs/guides/claims.md", "ClaimsExample.cs", "claims")]
    [InlineData("docs/guides/policies.md", "PoliciesExample.cs", "policies")]
    [InlineData("docs/guides/approvals.md", "ApprovalsExample.cs", "approvals")]
    [InlineData("docs/testing.md", "ModelsExample.cs", "models")]
    [InlineData("docs/guides/evaluation.md", "EvaluationExample.cs", "evaluation")]
    public void Show_examples_that_are_compiled_here(string document, string source, string marker)
    {
        var code = File.ReadAllText(Path.Combine(Root, "tests/Signalbox.Tests/Docs", source));
        var example = code.Split($"// <{marker}>\n")[1].Split($"// </{marker}>")[0].Trim();
        Assert.Contains($"```csharp\n{example}\n```", File.ReadAllText(Path.Combine(Root, document)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.9, "the customer is right", null)]
    [InlineData(0.3, "not sure", "yes")]
    public async Task Show_an_example_that_runs(double confidence, string reason, string? answer)
    {
        var orders = new Orders();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(orders);
        var model = new ScriptedChatClient(TimeProvider.System, ScriptedReply.Text($$"""{"pay":true,"confidence":{{confidence.ToString(System.Globalization.CultureInfo.InvariantCulture)}},"reason":"{{reason}}"}"""));
        builder.Services.AddSignalbox(box => box
            .AddWorkflow<RefundFlow>().AddAction<PayBack, PayBackHandler>("pay_back").AddTool(OrderHistory.Tool)
            .AddModel("scripted", model).UseLadder(new Ladder(new Tier("only", "scripted"))));
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var client = host.Services.GetRequiredService<RunClient>();

        var run = (await client.StartAsync("refund", new RefundCase("o-1", 12.5m), key: "ticket-4711")).Run;
        if (answer is not null)
        {
            await client.WaitUntilAsync(run, r => r.Status == RunStatus.Waiting).WaitAsync(TimeSpan.FromSeconds(20));
            Assert.True((await client.AnswerAsync(run, answer)).IsAccepted);
        }

        var end = await client.WaitForEndAsync(run).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((RunStatus.Completed, "Done"), (end.Status, end.State));
        Assert.Equal(["o-1"], orders.Paid);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Show_an_evaluation_that_runs()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(new Orders());
        var model = ScriptedChatClient.ByTurn(TimeProvider.System, ScriptedReply.Json(new Opinion(Pay: true, Confidence: 0.9, "fine")));
        builder.Services.AddSignalbox(box => box
            .AddWorkflow<RefundFlow>().AddAction<PayBack, PayBackHandler>("pay_back").AddTool(OrderHistory.Tool)
            .AddModel("scripted", model).UseLadder(new Ladder(new Tier("only", "scripted"))));
        using var host = builder.Build();
        await host.StartAsync(cancellationToken);
        const string Data = """
            {"id":"a-1","case":{"order":"o-1","amount":12.5},"right":"pay"}
            {"id":"a-2","case":{"order":"o-2","amount":900},"right":["refuse","escalate"],"harmful":["pay"]}
            """;

        var report = await EvaluationExample.EvaluateAsync(host, new StringReader(Data), cancellationToken).WaitAsync(TimeSpan.FromSeconds(20), cancellationToken);
        Assert.Equal((1, 1, 2), (report.Counts.Right, report.Counts.Harmful, report.Counts.All));
        Assert.All(Data.Split('\n'), line => Assert.Contains(line, File.ReadAllText(Path.Combine(Root, "docs/guides/evaluation.md")), StringComparison.Ordinal));
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public void Name_only_files_that_exist()
    {
        var links = Directory.GetFiles(Root, "*.md").Concat(Directory.GetFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories))
            .SelectMany(file => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(file), @"\]\((?!https?:|#)([^)#]+)").Select(m => (file, target: Path.Combine(Path.GetDirectoryName(file)!, m.Groups[1].Value))));
        Assert.All(links, l => Assert.True(File.Exists(l.target) || Directory.Exists(l.target), $"{l.file} names {l.target}"));
    }

    [Fact]
    public void List_each_code_of_trouble()
    {
        var page = File.ReadAllText(Path.Combine(Root, "docs/errors.md"));
        var codes = typeof(TroubleCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!);
        Assert.All(codes, code => Assert.Contains($"`{code}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void List_each_code_that_a_store_or_a_command_answers_with()
    {
        var page = File.ReadAllText(Path.Combine(Root, "docs/errors.md"));
        var codes = Directory.GetFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(file), @"(?:StoreRefusedException|StoreUnavailableException|StepFaultException|CommandResult|Refusal|IgnoreAsync|=> new|return new|: new| new)\(\s*""([a-z]+(?:_[a-z]+)+)""\s*,"))
            .Select(match => match.Groups[1].Value)
            .Distinct()
            .ToList();
        Assert.Contains("store_owned", codes);
        Assert.Contains("approval_expired", codes);
        Assert.All(codes, code => Assert.Contains($"`{code}`", page, StringComparison.Ordinal));
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Signalbox.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }
}
