using System.Text;
using Signalbox.Mcp.Connections;

namespace Signalbox.Mcp.Tests;

public sealed class A_message_that_is_too_long
{
    private const int BytesMax = 100;
    private const string Error = """{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"its answer has more than 100 bytes and was not read"}}""";

    private static readonly string s_long = new('x', 200);

    public static TheoryData<string> Answers =>
    [
        $$"""{"id":7,"result":"{{s_long}}"}""",
        $$"""{"result":"{{s_long}}","jsonrpc":"2.0","id":7}""",
        $$"""{"result":"{{s_long}}" , "id" : 7 }""",
        $$"""{"result":{"id":8,"a":[{"id":9},"{{s_long}}"]},"id":7}""",
        $$"""{"id":7,"result":{"id":8,"text":"\",\"id\":9,{{s_long}}\\"} }""",
        $$"""{"result":"\"id\":9}{{s_long}}\\\"","id":7}""",
        $$"""{"id":8,"result":"{{s_long}}","id":7}""",
    ];

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Is_replaced_by_an_error_for_its_call_however_it_comes_in_pieces(string answer)
    {
        var before = """{"id":1,"result":{}}""";
        foreach (var piece in (int[])[1, 2, 3, 7, 64, 1000])
        {
            Assert.Equal($"{before}\n{Error}\n{before}\n", await ReadAsync($"{before}\n{answer}\n{before}\n", MessageFraming.Lines, piece));
            Assert.Equal($"event: message\ndata: {Error}\n\n", await ReadAsync($"event: message\ndata: {answer}\n\n", MessageFraming.Events, piece));
            Assert.Equal(Error, await ReadAsync(answer, MessageFraming.Whole, piece));
        }
    }

    public static TheoryData<string> Others =>
    [
        $$"""{"method":"notifications/message","params":{"id":7,"data":"{{s_long}}"} }""",
        $$"""{"id":"seven","result":"{{s_long}}"}""",
        $$"""{"id":7777777777777777777777777777777777777,"result":"{{s_long}}"}""",
        $$"""{"id":-7,"result":"{{s_long}}"}""",
        $$"""{"id":{"id":7},"result":"{{s_long}}"}""",
        s_long,
    ];

    [Theory]
    [MemberData(nameof(Others))]
    public async Task Is_dropped_where_it_answers_no_call(string message) =>
        Assert.Equal("\n{\"id\":1}\n", await ReadAsync(message + "\n{\"id\":1}\n", MessageFraming.Lines, 16));

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"id\":1}\n\n{}\r\n\n")]
    [InlineData("data: 1\n\ndata: 2\n")]
    public async Task Is_the_only_thing_that_is_touched(string text)
    {
        Assert.Equal(text, await ReadAsync(text, MessageFraming.Lines, 3));
        Assert.Equal(text, await ReadAsync(text, MessageFraming.Events, 3));
        Assert.Equal(text, await ReadAsync(text, MessageFraming.Whole, 3));
    }

    [Fact]
    public async Task Is_one_that_passes_the_limit_by_a_byte()
    {
        var fits = $$"""{"id":7,"result":"{{new string('x', BytesMax - 20)}}"}""";
        Assert.Equal(BytesMax, fits.Length);

        Assert.Equal(fits + "\n", await ReadAsync(fits + "\n", MessageFraming.Lines, 64));
        Assert.Equal(Error + "\n", await ReadAsync(fits.Replace("xx", "xxx", StringComparison.Ordinal)[..(BytesMax - 1)] + "\"}\n", MessageFraming.Lines, 64));
    }

    [Fact]
    public async Task Ends_the_stream_if_it_never_ends()
    {
        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(new string('x', 4_000), MessageFraming.Lines, 64));
        Assert.Equal("A message of the server has more than 3200 bytes.", fault.Message);

        fault = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(string.Concat(Enumerable.Repeat("data: x\n", 100)), MessageFraming.Events, 64));
        Assert.Equal("An event of the server has more than 200 bytes.", fault.Message);
    }

    private static async Task<string> ReadAsync(string text, MessageFraming framing, int piece)
    {
        await using var bounded = new BoundedMessages(new InPieces(Encoding.UTF8.GetBytes(text), piece), framing, BytesMax, static () => { });
        using var reader = new StreamReader(bounded, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    /// <summary>A stream that gives so many bytes at a time.</summary>
    private sealed class InPieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer.Length > piece ? buffer[..piece] : buffer, cancellationToken);
    }
}
