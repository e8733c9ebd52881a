using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Signalbox;

/// <summary>A JSON number without rounding, so that a limit of 2^53 or of 0.1 is kept exactly, and 2.0 is an integer.</summary>
internal readonly struct ExactNumber : IComparable<ExactNumber>
{
    private const int CharactersMax = 1100; // more than the exact digits of any double

    private readonly bool _negative;
    private readonly string _digits; // without zeros at either end; empty for zero
    private readonly int _exponent; // the value is 0.digits × 10^exponent

    private ExactNumber(bool negative, string digits, int exponent)
    {
        _negative = negative;
        _digits = digits;
        _exponent = exponent;
    }

    /// <summary>Whether it has no fraction.</summary>
    public bool IsInteger => _exponent >= _digits.Length;

    /// <summary>Its sign: -1, 0 or 1.</summary>
    public int Sign => _digits.Length == 0 ? 0 : _negative ? -1 : 1;

    /// <summary>Reads a number; false if it is none, or one whose magnitude no double has.</summary>
    public static bool TryRead(JsonElement element, out ExactNumber number)
    {
        number = default;
        if (element.ValueKind != JsonValueKind.Number)
        {
            return false;
        }

        var text = JsonMarshal.GetRawUtf8Value(element);
        if (text.Length > CharactersMax)
        {
            return false;
        }

        var negative = text[0] == '-';
        var mantissa = negative ? text[1..] : text;
        var exponent = 0;
        var e = mantissa.IndexOfAny((byte)'e', (byte)'E');
        if (e >= 0)
        {
            if (!int.TryParse(mantissa[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || exponent is < -2000 or > 2000)
            {
                return false;
            }

            mantissa = mantissa[..e];
        }

        var point = mantissa.IndexOf((byte)'.');
        var digits = Encoding.ASCII.GetString(mantissa).Replace(".", "", StringComparison.Ordinal);
        var significant = digits.TrimStart('0');
        exponent += (point < 0 ? mantissa.Length : point) - (digits.Length - significant.Length);
        significant = significant.TrimEnd('0');
        if (significant.Length == 0)
        {
            number = new(false, "", 0);
            return true;
        }

        number = new(negative, significant, exponent);
        return element.TryGetDouble(out var magnitude) && double.IsFinite(magnitude) && magnitude != 0;
    }

    /// <inheritdoc />
    public int CompareTo(ExactNumber other)
    {
        if (Sign != other.Sign)
        {
            return Sign.CompareTo(other.Sign);
        }

        var magnitude = _exponent != other._exponent ? _exponent.CompareTo(other._exponent) : string.CompareOrdinal(_digits, other._digits);
        return _negative ? -magnitude : magnitude;
    }

    /// <summary>Whether it is a whole multiple of <paramref name="unit"/>, which is not zero.</summary>
    public bool IsMultipleOf(ExactNumber unit)
    {
        if (Sign == 0)
        {
            return true;
        }

        // As integers times powers of ten: a × 10^m is a multiple of b × 10^n. Neither ends in zero, so a smaller power is never a multiple of a larger.
        var surplus = (_exponent - _digits.Length) - (unit._exponent - unit._digits.Length);
        if (surplus < 0)
        {
            return false;
        }

        var (a, b) = (BigInteger.Parse(_digits, CultureInfo.InvariantCulture), BigInteger.Parse(unit._digits, CultureInfo.InvariantCulture));
        return a % b * BigInteger.ModPow(10, surplus, b) % b == 0;
    }
}
