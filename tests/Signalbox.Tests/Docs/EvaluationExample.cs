using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Signalbox.Tests.Docs;

internal static class EvaluationExample
{
    // docs/guides/evaluation.md shows what stands between the two markers; The_documents compares and runs it.
    // <evaluation>
    public static async Task<EvaluationReport> EvaluateAsync(IHost host, TextReader file, CancellationToken cancellationToken)
    {
        var data = await EvaluationData.ReadCasesAsync<RefundCase>(file, "refunds.jsonl", cancellationToken);
        foreach (var fault in data.Faults)
        {
            Console.Error.WriteLine(fault); // refunds.jsonl:7: it has no 'right'
        }

        var evaluation = new Evaluation<RefundCase>("refund")
        {
            Outcome = run => new EvaluatedOutcome(run.Row.State == "Done" ? "pay" : "refuse"),
        };
        var report = await evaluation.RunAsync(host.Services.GetRequiredService<RunClient>(), data.Items, "claude, two tiers", cancellationToken: cancellationToken);
        Console.Out.Write(EvaluationTable.Format(report));
        return report;
    }

    // </evaluation>
}
