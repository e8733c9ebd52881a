using System.Text.Json;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>A run for programs. The shape is stable: members are added, never renamed.</summary>
internal static class RunJson
{
    public static void Write(Utf8JsonWriter json, RunHead head)
    {
        json.WriteStartObject();
        Members(json, head);
        json.WriteEndObject();
    }

    public static void Members(Utf8JsonWriter json, RunHead head)
    {
        var row = head.Row;
        json.WriteString("run", row.Run.Value);
        json.WriteString("workflow", row.Workflow);
        json.WriteNumber("version", row.Version);
        json.WriteString("fingerprint", row.Fingerprint);
        json.WriteString("status", row.Status.ToString());
        json.WriteString("state", row.State);
        json.WriteNumber("visit", row.Visit);
        json.OptionalText("reasonCode", row.ReasonCode);
        json.OptionalText("reason", row.Reason);
        json.OptionalText("key", row.Key);
        Labels(json, row);
        json.OptionalText("parent", row.Parent?.Value);
        json.OptionalText("worker", row.Worker);
        json.WriteNumber("epoch", row.Epoch);
        json.WriteBoolean("cancelRequested", row.CancelRequested);
        if (row.IsErased)
        {
            json.WriteBoolean("erased", true);
        }

        json.Time("startedAt", row.StartedAt);
        json.Time("changedAt", row.ChangedAt);
        json.WriteNumber("seq", head.Seq);
        if (row.Spent != Spending.None)
        {
            json.WritePropertyName("spent");
            Write(json, row.Spent);
        }

        Waits(json, head);
        Mailbox(json, head);
    }

    /// <summary>What agents have used up; money in millionths of the price table's currency.</summary>
    public static void Write(Utf8JsonWriter json, Spending spent)
    {
        json.WriteStartObject();
        Members(json, spent);
        json.WriteEndObject();
    }

    public static void Members(Utf8JsonWriter json, Spending spent)
    {
        json.WriteNumber("calls", spent.Calls);
        json.WriteNumber("inputTokens", spent.InputTokens);
        json.WriteNumber("outputTokens", spent.OutputTokens);
        json.WriteNumber("micros", spent.Micros);
        json.WriteNumber("microseconds", spent.Microseconds);
        json.WriteNumber("rejections", spent.Rejections);
    }

    private static void Labels(Utf8JsonWriter json, RunRow row)
    {
        json.WriteStartObject("labels");
        foreach (var (name, value) in row.Labels)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }

    private static void Waits(Utf8JsonWriter json, RunHead head)
    {
        json.WriteStartArray("waits");
        foreach (var wait in head.Waits)
        {
            json.WriteStartObject();
            json.WriteString("kind", JsonNamingPolicy.CamelCase.ConvertName(wait.Kind.ToString()));
            json.WriteString("scope", wait.Scope);
            json.WriteString("step", wait.Step);
            json.OptionalText("signal", wait.Name);
            json.OptionalTime("due", wait.Due);
            json.WriteNumber("seq", wait.Seq);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Mailbox(Utf8JsonWriter json, RunHead head)
    {
        json.WriteStartArray("mailbox");
        foreach (var signal in head.Mailbox)
        {
            json.WriteStartObject();
            json.WriteString("signal", signal.Name);
            json.WriteNumber("seq", signal.Seq);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
