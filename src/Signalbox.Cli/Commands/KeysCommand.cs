using System.CommandLine;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Sqlite;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox keys</c>: who may come in over HTTP, and as what.</summary>
internal static class KeysCommand
{
    public static Command Create(CommandContext context) => new("keys", "Makes, lists and takes back the keys by which people and programs come in over HTTP (signalbox serve).") { Add(context), List(context), Revoke(context) };

    private static Command Add(CommandContext context)
    {
        var name = new Argument<string>("NAME") { Description = "Whose key it is. A person's speaks as person:NAME, a machine's as key:NAME." };
        var role = new Option<string[]>("--role")
        {
            Description = $"A role that it gives: {string.Join(", ", ServerRoles.All)}, or any that an approval rule asks for; may be given several times.",
            HelpName = "ROLE",
            Required = true,
        };
        var machine = new Option<bool>("--machine") { Description = "For a program: it answers no approvals." };
        var expires = new Option<string?>("--expires") { Description = "Until when it lets in: a time (UTC), or how long from now, such as 90d.", HelpName = "TIME" };
        role.CompletionSources.Add([.. ServerRoles.All]);
        var command = new Command("add", "Makes a key and shows it, once.") { name, role, machine, expires };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var now = context.Surface.Clock.GetUtcNow();
            var (key, text) = await AddAsync(File(context, parsed), parsed.GetValue(name)!, parsed.GetValue(machine), parsed.GetValue(role)!, now, Expiry(parsed.GetValue(expires), now), cancellationToken);
            if (context.WantsJson(parsed))
            {
                JsonOutput.Line(context.Output, json => Write(json, key, now, text));
                return;
            }

            context.Output.WriteLine(text);
            var page = new Page(context.Error, context.Surface with { HasColours = false });
            page.Line($"This is the key of {key.Actor} ({string.Join(", ", key.Roles)}{(key.ExpiresAt is { } end ? $", until {Words.Time(end)}" : "")}). It is shown this once and kept nowhere; take it back with: signalbox keys revoke {key.Id}");
            if (!key.Roles.Intersect(ServerRoles.All, StringComparer.Ordinal).Any() && !key.Roles.Contains(Caller.AnyRole, StringComparer.Ordinal))
            {
                page.Line($"It lets nobody in: none of its roles is one that the server knows ({string.Join(", ", ServerRoles.All)}).");
            }
        });
        return command;
    }

    private static Command List(CommandContext context)
    {
        var command = new Command("list", "Lists the keys, those that let nobody in any more too.");
        command.SetAction(parsed =>
        {
            var now = context.Surface.Clock.GetUtcNow();
            var file = File(context, parsed);
            var keys = file.Keys();
            if (context.WantsJson(parsed))
            {
                foreach (var key in keys)
                {
                    JsonOutput.Line(context.Output, json => Write(json, key, now));
                }

                return;
            }

            if (keys.Count == 0)
            {
                context.Page.Line($"There are no keys ({file.Place}): nobody comes in over HTTP. Make one: signalbox keys add NAME --role admin");
            }

            foreach (var key in keys)
            {
                context.Page.Line(
                    new Piece($"{key.Id}  ", Tone.Dim), new Piece(key.Actor, key.IsLive(now) ? Tone.Strong : Tone.Dim),
                    new Piece($"  {string.Join(", ", key.Roles)}  since {Words.Time(key.CreatedAt)}  {Standing(key, now)}", key.IsLive(now) ? Tone.Plain : Tone.Dim));
            }
        });
        return command;
    }

    private static Command Revoke(CommandContext context)
    {
        var which = new Argument<string>("NAME|ID") { Description = "The id of one key, or a name for all of its keys." };
        var command = new Command("revoke", "Takes keys back: from the next request on they let nobody in, and what was approved with them and not yet done counts no more.") { which };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var now = context.Surface.Clock.GetUtcNow();
            var revoked = await File(context, parsed).RevokeAsync(parsed.GetValue(which)!, now, cancellationToken);
            if (revoked.Count == 0)
            {
                throw new CliException(ExitCodes.Refused, "key_not_found", $"There is no key '{parsed.GetValue(which)}' that was not revoked before. Nothing was changed. See: signalbox keys list");
            }

            foreach (var key in revoked)
            {
                if (context.WantsJson(parsed))
                {
                    JsonOutput.Line(context.Output, json => Write(json, key with { RevokedAt = now }, now));
                }
                else
                {
                    context.Page.Line($"Revoked: {key.Id} of {key.Actor}.");
                }
            }
        });
        return command;
    }

    private static KeyFile File(CommandContext context, ParseResult parsed) => new(parsed.GetValue(context.StoreOption)!);

    private static async Task<(ApiKey Key, string Text)> AddAsync(KeyFile file, string name, bool isMachine, string[] roles, DateTimeOffset now, DateTimeOffset? expires, CancellationToken cancellationToken)
    {
        try
        {
            return await file.AddAsync(name, isMachine, roles, now, expires, cancellationToken: cancellationToken);
        }
        catch (ArgumentException e)
        {
            throw CliException.WrongUse($"{e.Message.Split(" (Parameter")[0]} No key was made.");
        }
    }

    /// <summary>A time, or how long from now.</summary>
    private static DateTimeOffset? Expiry(string? text, DateTimeOffset now)
    {
        // The same words as everywhere, where they say how long ago.
        var time = RunFilters.Time("--expires", text, now);
        var isSpan = text is { Length: > 1 } && text[^1] is 's' or 'm' or 'h' or 'd' && time < now;
        var end = isSpan ? now + (now - time) : time;
        return end is { } at && at <= now ? throw CliException.WrongUse($"--expires wants a time to come; {text} has passed. No key was made.") : end;
    }

    private static string Standing(ApiKey key, DateTimeOffset now) => key switch
    {
        { RevokedAt: { } at } => $"revoked {Words.Time(at)}",
        { ExpiresAt: { } at } when at <= now => $"expired {Words.Time(at)}",
        { ExpiresAt: { } at } => $"until {Words.Time(at)}",
        _ => "",
    };

    private static void Write(Utf8JsonWriter json, ApiKey key, DateTimeOffset now, string? text = null)
    {
        json.WriteStartObject();
        json.OptionalText("key", text);
        json.WriteString("id", key.Id);
        json.WriteString("name", key.Name);
        json.WriteString("actor", key.Actor);
        json.WriteBoolean("machine", key.IsMachine);
        CardPage.Texts(json, "roles", key.Roles);
        json.WriteBoolean("live", key.IsLive(now));
        json.Time("created", key.CreatedAt);
        if (key.ExpiresAt is { } expires)
        {
            json.Time("expires", expires);
        }

        if (key.RevokedAt is { } revoked)
        {
            json.Time("revoked", revoked);
        }

        json.WriteEndObject();
    }
}
