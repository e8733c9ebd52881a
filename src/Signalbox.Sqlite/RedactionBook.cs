using System.Text;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>
/// The file beside a store that says what is masked: <c>{"members": […], "patterns": […], "defaults": true}</c>. Without one, what is well known to be secret is masked. One that cannot be trusted or understood masks everything,
/// in that nothing is shown at all.
/// </summary>
internal sealed class RedactionBook(StorePaths paths)
{
    public RedactionRules Read()
    {
        if (new TrustedFile(paths.Redaction, paths.Database, Unusable, "take a secret out of it").Read() is not { } text)
        {
            return RedactionRules.None;
        }

        try
        {
            return RedactionRules.Parse(text.AsMemory(text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0));
        }
        catch (FormatException e)
        {
            throw Unusable(e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>Adds rules to the file, which is there whole before and after. Only the store's owner does.</summary>
    public RedactionRules Add(RedactionRules rules, StoreGroup? group)
    {
        var kept = Read();
        if (rules.Members.Count + rules.Patterns.Count == 0 || kept.Covers(rules with { Defaults = kept.Defaults }))
        {
            return kept;
        }

        var all = kept.With(rules with { Defaults = kept.Defaults }); // who turned the defaults off in the file meant it
        var unfinished = paths.Redaction + ".unfinished";
        try
        {
            using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write))
            {
                file.Write(Encoding.UTF8.GetBytes(all.ToJson()));
                file.Flush(flushToDisk: true);
            }

            if (!OperatingSystem.IsWindows())
            {
                // Whoever may read the store must be able to read what is masked of it.
                File.SetUnixFileMode(unfinished, File.GetUnixFileMode(File.Exists(paths.Redaction) ? paths.Redaction : paths.Database) & ~(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
            }

            group?.ShareFile(unfinished);
            File.Move(unfinished, paths.Redaction, overwrite: true);
            Native.FlushFolder(paths.Folder);
            return all;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw SqliteErrors.Translate(e, paths.Database);
        }
    }

    private StoreRefusedException Unusable(string why, Exception? inner) => new(
        "redaction_unusable", $"What is to be masked cannot be known: '{paths.Redaction}' cannot be used: {why}. Nothing is shown until it is put right, lest a secret be.", inner);
}
