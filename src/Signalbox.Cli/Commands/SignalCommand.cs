using System.CommandLine;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox signal</c>: a message into a run's mailbox.</summary>
internal static class SignalCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var name = new Argument<string>("NAME") { Description = "The signal's name." };
        var value = new Argument<string?>("JSON") { Description = "Its value as JSON; null if left out. A text needs quotes of its own: '\"text\"'.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("signal", "Puts a signal into a run's mailbox, whether it waits for it yet or not.") { run, name, value };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var signal = Name(parsed.GetValue(name)!);
            var json = Value(parsed.GetValue(value));
            return await Execution.RunAsync(context, parsed, parsed.GetValue(run)!, head => new SendSignal(head.Row.Run, signal, json), cancellationToken);
        });
        return command;
    }

    private static string Name(string name)
    {
        try
        {
            StepKey.ThrowIfUnfit(name);
            return name;
        }
        catch (ArgumentException)
        {
            throw CliException.WrongUse($"A signal's name has 1 to 100 characters, no '/' and no control character; got '{name}'. Nothing was sent.");
        }
    }

    /// <summary>The value without white space between its parts: an entry of an export is one line.</summary>
    private static RawJson Value(string? text)
    {
        try
        {
            using var value = JsonDocument.Parse(text ?? "null");
            if (value.RootElement.ValueKind == JsonValueKind.Object && value.RootElement.TryGetProperty("$payload", out _))
            {
                throw CliException.WrongUse("A signal's value cannot have a member '$payload': in journals it stands for a value stored elsewhere. Nothing was sent. Put the value one level deeper.");
            }

            return new RawJson(JsonSerializer.SerializeToUtf8Bytes(value.RootElement, SignalboxJson.Options));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or EncoderFallbackException)
        {
            throw CliException.WrongUse($"The value is not JSON: {e.Message.TrimEnd('.')}. Nothing was sent. A text needs quotes of its own: '\"text\"'.");
        }
    }
}
