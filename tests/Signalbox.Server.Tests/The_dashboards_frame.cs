using System.Net;

namespace Signalbox.Server.Tests;

public sealed class The_dashboards_frame
{
}
