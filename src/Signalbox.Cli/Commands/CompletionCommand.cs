using System.CommandLine;
using System.CommandLine.Completions;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox completion</c>: what a shell needs to complete our command lines. The shell asks the command itself, so that it completes runs of the store at hand.</summary>
internal static class CompletionCommand
{
    /// <summary>The first word of a command line that a shell sends: <c>[suggest:position]</c>, and then the line as typed.</summary>
    private const string Directive = "[suggest:";
    private const int RunsMax = 200;
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(2);

    // Not compgen -W, which would expand what it is given.
    private const string Bash = """
        # Completion of signalbox in bash. To use it: source <(signalbox completion bash)
        _signalbox() {
            local line="${COMP_LINE:0:COMP_POINT}" item
            local word="${line##* }"
            COMPREPLY=()
            while IFS= read -r item; do
                [[ "$item" == "$word"* ]] && COMPREPLY+=("$item")
            done < <("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)
        }
        complete -o default -F _signalbox signalbox

        """;

    private const string Zsh = """
        #compdef signalbox
        # Completion of signalbox in zsh. To use it: source <(signalbox completion zsh)
        _signalbox() {
            local line="${BUFFER[1,CURSOR]}"
            local -a found
            found=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
            if (( ${#found[@]} && ${#found[1]} )); then
                compadd -- "${found[@]}"
            else
                _files
            fi
        }
        compdef _signalbox signalbox

        """;

    private const string Fish = """
        # Completion of signalbox in fish. To use it: signalbox completion fish | source
        function __signalbox_complete
            set -l line (commandline -cp)
            set -l words (commandline -opc)
            $words[1] "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c signalbox -a '(__signalbox_complete)'

        """;

    public static Command Create(CommandContext context)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.CompletionSources.Add("bash", "fish", "zsh");
        var command = new Command("completion", "Prints what a shell needs to complete command lines, such as: source <(signalbox completion bash)") { shell };
        command.SetAction(parsed => context.Output.Write((parsed.GetValue(shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            var other => throw CliException.WrongUse($"SHELL is bash, zsh or fish; got '{other}'. Nothing was printed."),
        }).ReplaceLineEndings("\n")));
        return command;
    }

    /// <summary>Completes an argument or an option by the runs of the store that the command line names, the newest first.</summary>
    public static void CompleteRuns(CommandContext context, Command root)
    {
        foreach (var command in root.Subcommands)
        {
            foreach (var argument in command.Arguments.Where(a => a.Name.Contains("RUN", StringComparison.Ordinal)))
            {
                argument.CompletionSources.Add(completion => Runs(context, completion));
            }
        }
    }

    /// <summary>Whether a shell asks for completions; then they are written, a line each.</summary>
    public static bool Answers(CommandContext context, Command root, string[] args)
    {
        if (args is not [var first, var line] || !first.StartsWith(Directive, StringComparison.Ordinal) || !first.EndsWith(']'))
        {
            return false;
        }

        // The first word is whatever the command was called as.
        var rest = line.TrimStart().IndexOf(' ', StringComparison.Ordinal) is >= 0 and var blank ? line.TrimStart()[(blank + 1)..] : "";
        var wantsOption = rest[(rest.LastIndexOf(' ') + 1)..].StartsWith('-');
        foreach (var item in root.Parse(rest).GetCompletions(rest.Length).Select(c => c.InsertText ?? c.Label).Where(t => t.StartsWith('-') == wantsOption && t is not ("/?" or "/h") && Rendering.TerminalText.IsSafe(t)).Distinct())
        {
            context.Output.Write(item + "\n");
        }

        return true;
    }

    private static IEnumerable<CompletionItem> Runs(CommandContext context, CompletionContext completion)
    {
        try
        {
            return RunsAsync(context, completion).WaitAsync(TimeMax).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is CliException or StoreRefusedException or StoreUnavailableException or TimeoutException or IOException or UnauthorizedAccessException)
        {
            return []; // a shell asks while a person types: nothing is the answer
        }
    }

    private static async Task<IEnumerable<CompletionItem>> RunsAsync(CommandContext context, CompletionContext completion)
    {
        await using var store = await context.OpenAsync(completion.ParseResult, default);
        var begin = completion.WordToComplete;
        var runs = await store.Reader.ListAsync(new RunQuery { IdPrefix = begin.Length is > 0 and <= 64 ? begin : null, Limit = RunsMax }, default);
        return runs.Select(r => new CompletionItem(r.Row.Run.Value));
    }
}
