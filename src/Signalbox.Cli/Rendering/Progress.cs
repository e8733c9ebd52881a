namespace Signalbox.CommandLine.Rendering;

/// <summary>One line of progress that is overwritten, on a terminal only.</summary>
internal sealed class Progress(TextWriter error, bool isShown) : IDisposable
{
    private const string ClearLine = "\r\u001b[K";
    private bool _isThere;

    public void Show(string text)
    {
        if (isShown)
        {
            error.Write(ClearLine + text);
            _isThere = true;
        }
    }

    /// <summary>Takes the line away, so that what is written next stands alone.</summary>
    public void Clear()
    {
        if (_isThere)
        {
            error.Write(ClearLine);
            _isThere = false;
        }
    }

    public void Dispose() => Clear();
}
