global using Microsoft.Extensions.AI;
global using Signalbox.Providers.Tests.Wire;
global using Xunit;
