namespace Signalbox.Server.Dashboard.Frame;

/// <summary>Where in the dashboard a page stands: which entry of the navigation is the current one. (Public because Razor makes components public.)</summary>
public enum Place
{
    None,
    Runs,
    Approvals,
    Claims,
    Search,
    Statistics,
    System,
}
