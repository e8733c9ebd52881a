using System.Text;
using Signalbox.CommandLine;
using Signalbox.CommandLine.Rendering;

// Not Console.Out, which flushes each write: an export writes millions of lines.
var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
await using var output = new StreamWriter(Console.OpenStandardOutput(), utf8, bufferSize: 64 * 1024);
await using var error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true };
return await Cli.RunAsync(args, output, error, Surface.OfThisProcess());
