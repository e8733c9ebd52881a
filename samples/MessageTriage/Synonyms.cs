namespace MessageTriage;

/// <summary>What the strong router knows of English: words that say nothing, endings, and some words of customers that mean nearly the same.</summary>
internal static class Synonyms
{
    public static readonly HashSet<string> Empty =
    [
        .. ("a an and any are as at be been but by can could did do does for from get give go got had has have he her him his how i if in into is it its just like ll m me my no not now of off on or our out please "
        + "re s she t should so some tell than that the their them then there these they this to up us ve was we were what when where which who why will with would yes you your about again already am because "
        + "being want need help know thing things one also really still too very hi hello thanks make made let after before more much").Split(' '),
    ];

    private static readonly string[] s_endings = ["ations", "ation", "ings", "ing", "ies", "ied", "ment", "als", "al", "ed", "es", "er", "ly", "ion", "s", "e", "y"];

    /// <summary>Each line is a group of words that are taken for one another.</summary>
    private static readonly string[] s_groups =
    [
        "parcel package shipment box order consignment", "late delay delayed overdue slow waiting", "lost missing gone disappeared misplaced stolen", "damaged broken torn cracked smashed dented",
        "back return", "fee charge cost price duty tax", "shop store branch", "opening open hours", "invoice bill receipt", "change edit update new moved different correct", "address home house street",
        "customs duty abroad import", "delivery deliver arrive arrival arrived come courier post track", "refund reimburse reimbursement", "cancel stop revert undo", "terminate close delete deactivate end",
        "declined rejected refused denied", "failed fail unsuccessful error", "pending processing stuck waiting", "atm cashpoint machine", "cash money notes", "withdrawal withdraw took", "transfer sent send wire",
        "top load add deposit fund", "exchange convert conversion currency currencies fiat", "identity identification id verification", "verify prove confirm check", "unable cannot impossible fails",
        "pin code", "passcode password login", "blocked locked", "swallowed ate stuck kept", "expire expiry expires expired", "limit limits maximum minimum most", "age old child children years", "country countries live living europe eu",
        "virtual online", "disposable throwaway", "spare second extra another additional", "wrong incorrect bad mistaken", "recognised recognise recognize recognized unknown unfamiliar", "twice double duplicate two",
        "balance account amount", "compromised hacked fraud fraudulent", "phone mobile", "order request buy", "support accept supported acceptance", "personal name details", "work working works broken", "beneficiary recipient payee",
        "cheque check", "apple google", "timing long time take", "linking link connect", "activate activation start", "source origin", "estimate expect", "auto automatic automatically",
    ];

    private static readonly Dictionary<string, HashSet<int>> s_groupsOf = Index();

    public static bool Are(string a, string b) => s_groupsOf.TryGetValue(a, out var one) && s_groupsOf.TryGetValue(b, out var other) && one.Overlaps(other);

    /// <summary>The word without its ending, at least three letters of it.</summary>
    public static string Stem(string word) => s_endings.FirstOrDefault(ending => word.Length - ending.Length >= 3 && word.EndsWith(ending, StringComparison.Ordinal)) is { } ending ? word[..^ending.Length] : word;

    private static Dictionary<string, HashSet<int>> Index()
    {
        var index = new Dictionary<string, HashSet<int>>();
        foreach (var (number, group) in s_groups.Index())
        {
            foreach (var word in group.Split(' ').Select(Stem))
            {
                if (!index.TryGetValue(word, out var groups))
                {
                    index[word] = groups = [];
                }

                groups.Add(number);
            }
        }

        return index;
    }
}
