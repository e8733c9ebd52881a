using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// One run: its chain, and its fold from the moment its definition is known. Entries before that moment are kept back, and so are those of an agent whose
/// configuration has not come, which costs memory only where an export puts its payloads last.
/// </summary>
internal sealed class RunHistory(Findings findings, ChainHash hash, Payloads payloads, IReadOnlyDictionary<string, Limit> limits)
{
    private readonly Chain _chain = new(findings, hash);
    private readonly List<Entry> _kept = [];
    private Entry? _first;
    private string _definitionAddress = "";
    private RunFold? _fold;
    private bool _cannotFold;

    public void Take(Entry entry)
    {
        _chain.Take(entry);
        _cannotFold |= entry.IsErased; // what it did cannot be told any more, and the chain has said whether that may be
        if (_chain.IsBroken || _cannotFold)
        {
            return; // what the entries add up to cannot be told any more, and I1 has said why
        }

        if (_first is null)
        {
            Start(entry);
        }
        else if (_fold is not null || TryOpen())
        {
            Fold(entry);
        }
        else if (!_cannotFold)
        {
            _kept.Add(entry);
        }
    }

    public Usage Used => _fold?.Used ?? default;

    private void Fold(Entry entry)
    {
        _kept.Add(entry);
        FoldKept(atTheEnd: false);
    }

    /// <summary>Folds what was kept back, up to the first entry that needs a payload which may yet come.</summary>
    private void FoldKept(bool atTheEnd)
    {
        var taken = 0;
        while (taken < _kept.Count && (atTheEnd || payloads.AreHere(_kept[taken])))
        {
            _fold!.Take(_kept[taken++]);
        }

        _kept.RemoveRange(0, taken);
    }

    public void End()
    {
        _chain.End();
        if (_fold is null && !_cannotFold && _first is not null && !TryOpen() && !_cannotFold)
        {
            findings.Add("I3", _first, $"the definition {_definitionAddress} in the export", "none");
        }

        if (_fold is not null)
        {
            FoldKept(atTheEnd: true);
        }
    }

    private void Start(Entry entry)
    {
        _first = entry;
        if (entry.Kind != "run.started" || entry.State.Length > 0 || entry.Visit != 0)
        {
            Stop(entry, "'run.started' outside of any visit as the first entry", $"'{entry.Kind}' in '{entry.State}' visit {entry.Visit}");
            return;
        }

        try
        {
            using var document = Body.Parse(entry);
            var definition = new Body(document.RootElement).Element("definition") ?? throw new BodyFaultException("a body with 'definition'", "none");
            if (Body.Reference(definition) is { } address)
            {
                _definitionAddress = address;
                TryOpen();
            }
            else
            {
                Open(Definition.Read(definition));
            }
        }
        catch (BodyFaultException e)
        {
            Stop(entry, e.Expected, e.Got);
        }
    }

    /// <summary>Begins to fold if the definition has come.</summary>
    private bool TryOpen()
    {
        try
        {
            if (payloads.FindDefinition(_definitionAddress) is { } definition)
            {
                Open(definition);
            }
        }
        catch (BodyFaultException e)
        {
            Stop(_first!, e.Expected, e.Got);
        }

        return _fold is not null;
    }

    private void Open(Definition definition)
    {
        using var document = Body.Parse(_first!);
        var body = new Body(document.RootElement);
        var (workflow, version) = (body.Text("workflow"), body.OptionalNumber("version"));
        if (workflow != definition.Name || version != definition.Version)
        {
            findings.Add("I3", _first!, $"the definition of '{workflow}' version {version}", $"that of '{definition.Name}' version {definition.Version}");
        }

        _fold = new RunFold(findings, definition, payloads, limits.GetValueOrDefault(workflow));
        FoldKept(atTheEnd: false);
    }

    private void Stop(Entry entry, string expected, string got)
    {
        _cannotFold = true;
        _kept.Clear();
        findings.Add("I3", entry, expected, got);
    }
}
