using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Signalbox.Server.Dashboard.Frame;

/// <summary>SVG's <c>text</c> element, which Razor takes for its own. The text is encoded as any other.</summary>
public sealed class SvgText : ComponentBase
{
    /// <summary>Where it begins, or has its middle, as its class says.</summary>
    [Parameter, EditorRequired] public double X { get; set; }

    /// <summary>Its base line.</summary>
    [Parameter, EditorRequired] public double Y { get; set; }

    /// <summary>Its class in the style sheet.</summary>
    [Parameter] public string? Class { get; set; }

    /// <summary>What it says. May be text from outside, if <see cref="Shown"/> has made it visible.</summary>
    [Parameter, EditorRequired] public string Text { get; set; } = "";

    /// <inheritdoc />
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenElement(0, "text");
        builder.AddAttribute(1, "x", X.ToString("0.#", CultureInfo.InvariantCulture));
        builder.AddAttribute(2, "y", Y.ToString("0.#", CultureInfo.InvariantCulture));
        builder.AddAttribute(3, "class", Class);
        builder.AddContent(4, Text);
        builder.CloseElement();
    }
}
