using System.Text.Json;
using Signalbox.Queries;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Statistics for programs. The shape is stable: members are added, never renamed.</summary>
internal static class StatsJson
{
    public static void Write(Utf8JsonWriter json, Statistics statistics)
    {
        json.WriteStartObject();
        json.Time("since", statistics.Since);
        json.Time("until", statistics.Until);
        json.WriteNumber("upTo", statistics.UpTo);
        json.WriteNumber("started", statistics.Started);
        Counts(json, "ended", statistics.Ended.OrderBy(e => e.Key).Select(e => KeyValuePair.Create(e.Key.ToString(), e.Value)));
        Optional(json, "autonomy", statistics.Autonomy);
        Array(json, "tiers", statistics.Tiers, tier =>
        {
            json.WriteString("tier", tier.Tier);
            json.WriteNumber("answers", tier.Answers);
            json.WriteNumber("stood", tier.Stood);
            json.WriteNumber("climbed", tier.Climbed);
        });
        Counts(json, "escalations", Pairs(statistics.Escalations));
        Counts(json, "rejections", Pairs(statistics.Rejections));
        Counts(json, "failures", Pairs(statistics.Failures));
        Counts(json, "actions", Pairs(statistics.Actions));
        Array(json, "costs", statistics.Costs, cost =>
        {
            json.WriteString("agent", cost.Agent);
            json.WriteString("tier", cost.Tier);
            json.WriteString("model", cost.Model);
            RunJson.Members(json, cost.Spent);
        });
        Array(json, "latencies", statistics.Latencies, latency =>
        {
            json.WriteString("name", latency.Name);
            json.WriteNumber("count", latency.Count);
            json.WriteNumber("median", latency.Median);
            json.WriteNumber("p95", latency.P95);
            json.WriteNumber("max", latency.Max);
        });
        Array(json, "reliability", statistics.Reliability, tier =>
        {
            json.WriteString("tier", tier.Tier);
            json.WriteNumber("count", tier.Reliability.Count);
            Optional(json, "meanConfidence", tier.Reliability.MeanConfidence);
            Optional(json, "shareRight", tier.Reliability.ShareRight);
            Optional(json, "expectedCalibrationError", tier.Reliability.ExpectedCalibrationError);
            Optional(json, "brierScore", tier.Reliability.BrierScore);
            Array(json, "bins", tier.Reliability.Bins, bin =>
            {
                json.WriteNumber("from", bin.From);
                json.WriteNumber("to", bin.To);
                json.WriteNumber("count", bin.Count);
                json.WriteNumber("right", bin.Right);
                Optional(json, "meanConfidence", bin.MeanConfidence);
                Optional(json, "shareRight", bin.ShareRight);
            });
        });
        Array(json, "buckets", statistics.Buckets, bucket =>
        {
            json.Time("from", bucket.From);
            json.WriteNumber("started", bucket.Started);
            json.WriteNumber("ended", bucket.Ended);
            Counts(json, "stood", bucket.Stood.OrderBy(s => s.Key, StringComparer.Ordinal));
            Counts(json, "escalations", bucket.Escalations.OrderBy(s => s.Key, StringComparer.Ordinal));
            json.WriteNumber("micros", bucket.Micros);
        });
        json.WriteEndObject();
    }

    private static IEnumerable<KeyValuePair<string, long>> Pairs(IEnumerable<NamedCount> counts) => counts.Select(c => KeyValuePair.Create(c.Name, c.Count));

    private static void Counts(Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, long>> counts)
    {
        json.WriteStartObject(name);
        foreach (var (key, count) in counts)
        {
            json.WriteNumber(key, count);
        }

        json.WriteEndObject();
    }

    private static void Array<T>(Utf8JsonWriter json, string name, IEnumerable<T> all, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var one in all)
        {
            json.WriteStartObject();
            write(one);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Optional(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Math.Round(number, 6));
        }
    }
}
