using System.Globalization;
using System.Runtime.InteropServices;
using Signalbox.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["--resume", var db])
{
    await Bench.ResumeAsync(db);
    return 0;
}

if (args is ["--idle", var idle])
{
    await Bench.IdleAsync(idle);
    return 0;
}

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var i && i + 1 < args.Length ? args[i + 1] : null;
if (args.Contains("--help"))
{
    Console.WriteLine("Signalbox.Bench [--only one,many,engine,parked,recovery,large,model,conversation,talk,agents,actions,claims,search,pages] [--rounds 5] [--runs 100000] [--entries 1000000] [--wait SECONDS] [--folder FOLDER]");
    Console.WriteLine("Each figure stands beside the raw limit, measured in the same run. Absolute figures are no result.");
    return 0;
}

var only = Option("--only")?.Split(',');
var rounds = int.Parse(Option("--rounds") ?? "5", CultureInfo.InvariantCulture);
var parked = int.Parse(Option("--runs") ?? "100000", CultureInfo.InvariantCulture);
var patience = TimeSpan.FromSeconds(int.Parse(Option("--wait") ?? "120", CultureInfo.InvariantCulture)); // for an idle machine
var folder = Option("--folder") ?? Directory.CreateTempSubdirectory("signalbox-bench-").FullName;
Directory.CreateDirectory(folder);
var bench = new Bench(folder, rounds);

Console.WriteLine($"{DateTime.UtcNow:u}  {RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} cores, synchronous=FULL, medians of {rounds}");
var foreign = await Machine.WaitForIdleAsync(patience);
Console.WriteLine($"foreign load {foreign:N2} cores, {Machine.FlushesASecond(folder):N0} flushes of 4 KiB a second before");
Console.WriteLine();
Console.WriteLine("| what | ours | raw | ratio | goal | met |");
Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
await PrintAsync("one", async () => [await bench.OneRunAsync()]);
await PrintAsync("many", async () => [await bench.ManyRunsAsync()]);
await PrintAsync("engine", async () => [await bench.EngineAsync()]);
await PrintAsync("parked", () => bench.ParkedAsync(parked));
await PrintAsync("recovery", () => bench.RecoveryAsync());
await PrintAsync("large", async () => [await bench.LargeStepsAsync()]);
await PrintAsync("model", async () => [await bench.ModelCallAsync()]);
await PrintAsync("conversation", () => bench.ConversationAsync());
await PrintAsync("talk", async () => [await bench.ConversationInMemoryAsync()]);
await PrintAsync("agents", async () => [await bench.AgentsAsync()]);
await PrintAsync("actions", () => bench.ActionsAsync());
await PrintAsync("claims", () => bench.HandOversAsync());
await PrintAsync("search", () => bench.SearchAsync(int.Parse(Option("--entries") ?? "1000000", CultureInfo.InvariantCulture)));
await PrintAsync("pages", () => bench.PagesAsync());
Console.WriteLine();
Console.WriteLine($"{Machine.FlushesASecond(folder):N0} flushes of 4 KiB a second after, foreign load {await Machine.WaitForIdleAsync(TimeSpan.Zero):N2} cores");
if (Option("--folder") is null)
{
    Directory.Delete(folder, recursive: true);
}

return 0;

async Task PrintAsync(string name, Func<Task<IReadOnlyList<Figure>>> measure)
{
    if (only is not null && !only.Contains(name))
    {
        return;
    }

    await Machine.WaitForIdleAsync(patience / 2);
    foreach (var figure in await measure())
    {
        Console.WriteLine($"| {figure.What} | {figure.Ours} | {figure.Raw} | {figure.Ratio} | {figure.Goal} | {(figure.Met switch { true => "yes", false => "no", null => "—" })} |");
    }
}
