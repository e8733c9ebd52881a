using System.Security.Cryptography;
using System.Text;

namespace Signalbox;

/// <summary>
/// A key by which somebody gets in over HTTP, as it is kept: the hash of its text, never the text. A person's key speaks as <c>person:NAME</c>; a machine's as <c>key:NAME</c>, and so answers no approval.
/// </summary>
/// <param name="Id">Eight hexadecimal digits that name the key, and stand in its text.</param>
/// <param name="Name">Whose it is. One name may have several keys.</param>
/// <param name="IsMachine">Whether a program uses it.</param>
/// <param name="Roles">The roles that it gives: those of the server (<see cref="ServerRoles"/>), and any that approval rules ask for.</param>
/// <param name="Hash">The SHA-256 of the key's text, as lower-case hexadecimal.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">From when on it lets nobody in; null for never.</param>
/// <param name="RevokedAt">When it was taken back; null if it was not.</param>
public sealed record ApiKey(string Id, string Name, bool IsMachine, IReadOnlyList<string> Roles, string Hash, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt = null, DateTimeOffset? RevokedAt = null)
{
    /// <summary>How the text of every key begins.</summary>
    public const string Prefix = "sbk_";

    /// <summary>How many characters the name of a key's holder may have.</summary>
    public const int NameMax = 64;

    private const int IdLength = 8;
    private const int SecretBytes = 32;
    private const int TextLength = 4 + IdLength + 1 + (2 * SecretBytes);
    private static readonly byte[] NoHash = new byte[SHA256.HashSizeInBytes];

    /// <summary>Who speaks with it.</summary>
    public string Actor => (IsMachine ? "key:" : "person:") + Name;

    /// <summary>Whether it lets somebody in at that time.</summary>
    public bool IsLive(DateTimeOffset now) => RevokedAt is null && (ExpiresAt is not { } end || now < end);

    /// <summary>A new key, with its text, which is kept nowhere: 256 random bits.</summary>
    /// <exception cref="ArgumentException">The name or a role does not do.</exception>
    public static (ApiKey Key, string Text) Create(Entropy entropy, string name, bool isMachine, IReadOnlyList<string> roles, DateTimeOffset now, DateTimeOffset? expiresAt = null)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        ArgumentNullException.ThrowIfNull(roles);
        if (NameFault(name) is { } fault)
        {
            throw new ArgumentException(fault, nameof(name));
        }

        if (roles.Count == 0 || roles.Any(r => string.IsNullOrWhiteSpace(r) || r.Length > NameMax || r.Any(char.IsControl)))
        {
            throw new ArgumentException($"A key has at least one role, of 1 to {NameMax} characters without control characters.", nameof(roles));
        }

        Span<byte> bits = stackalloc byte[(IdLength / 2) + SecretBytes];
        entropy.Fill(bits);
        var id = Convert.ToHexStringLower(bits[..(IdLength / 2)]);
        var text = $"{Prefix}{id}_{Convert.ToHexStringLower(bits[(IdLength / 2)..])}";
        return (new(id, name, isMachine, [.. roles.Distinct(StringComparer.Ordinal)], HashOf(text), now, expiresAt), text);
    }

    /// <summary>What is wrong with the name of a key's holder; null if nothing is.</summary>
    public static string? NameFault(string? name) => string.IsNullOrEmpty(name) || name.Length > NameMax || !name.All(c => char.IsLetterOrDigit(c) || c is '.' or '_' or '-' or '@' or '+')
        ? $"A key's name has 1 to {NameMax} letters, digits and . _ - @ +; got '{name}'."
        : null;

    /// <summary>
    /// The live key of that text, or null. However much of a text is right, the comparison takes the same time: the hash of what was given is compared with one hash, whole, whether there is such a key or not.
    /// </summary>
    public static ApiKey? Find(IReadOnlyList<ApiKey> keys, string? text, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (text?.Length != TextLength || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null; // the form is no secret
        }

        var id = text.Substring(Prefix.Length, IdLength);
        var found = keys.FirstOrDefault(k => k.Id == id);
        var isRight = CryptographicOperations.FixedTimeEquals(Convert.FromHexString(HashOf(text)), found is null ? NoHash : Convert.FromHexString(found.Hash));
        return isRight && found?.IsLive(now) == true ? found : null;
    }

    private static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <summary>Where the keys of a store are kept. Safe to call from several threads.</summary>
public interface IKeySource
{
    /// <summary>All keys as they are now, those that let nobody in any more too; empty where there are none.</summary>
    /// <exception cref="Storage.StoreRefusedException"><c>keys_unusable</c>: nobody can say. Nobody gets in.</exception>
    IReadOnlyList<ApiKey> Keys();

    /// <summary>Where they are kept, for people.</summary>
    string Place { get; }
}
