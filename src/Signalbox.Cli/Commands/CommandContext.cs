using System.CommandLine;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;

namespace Signalbox.CommandLine.Commands;

/// <summary>What every command has: the two options that stand everywhere, and where its output goes.</summary>
internal sealed class CommandContext(TextWriter output, TextWriter error, Surface surface)
{
    public const string DefaultStore = "signalbox.db";

    public TextWriter Output { get; } = output;

    public TextWriter Error { get; } = error;

    public Surface Surface { get; } = surface;

    public Page Page { get; } = new(output, surface);

    public Option<string> StoreOption { get; } = new("--store")
    {
        Description = "The store: a SQLite file.",
        HelpName = "FILE",
        Recursive = true,
        DefaultValueFactory = _ => DefaultStore,
    };

    public Option<bool> JsonOption { get; } = new("--json") { Description = "Write JSON for programs: one value a line.", Recursive = true };

    public bool WantsJson(ParseResult parsed) => parsed.GetValue(JsonOption);

    public ValueTask<OpenStore> OpenAsync(ParseResult parsed, CancellationToken cancellationToken) =>
        OpenStore.OpenAsync(parsed.GetValue(StoreOption)!, Surface.Clock, cancellationToken);

    /// <summary>A command line of ours, as a person would type it for the same store.</summary>
    public static string Invocation(OpenStore store, params ReadOnlySpan<string> words) =>
        string.Join(' ', ["signalbox", .. words, .. store.Path == DefaultStore ? (string[])[] : ["--store", Shell.Quote(store.Path)]]);
}
