using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Signalbox.CommandLine;
using Signalbox.CommandLine.Rendering;

// The first Ctrl-C asks the command to end; a second one ends the process at once.
using var stopping = new CancellationTokenSource();
Console.CancelKeyPress += (_, interrupt) => interrupt.Cancel = Stop();
using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = Stop());

// Not Console.Out, which flushes each write: an export writes millions of lines. Not disposed, which would write again what could not be written.
var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
var output = new StreamWriter(Output(), utf8, bufferSize: 64 * 1024);
await using var error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true };
return await Cli.RunAsync(args, output, error, Surface.OfThisProcess(), stopping.Token);

bool Stop()
{
    if (stopping.IsCancellationRequested)
    {
        return false;
    }

    stopping.Cancel();
    return true;
}

// The console's own stream hides that the reader of a pipe went away, and the command would work on for nobody. A file is left to it, since the two
// streams of one process may share a file and its position.
static Stream Output()
{
    if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
    {
        return Console.OpenStandardOutput();
    }

    var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
    return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
}
