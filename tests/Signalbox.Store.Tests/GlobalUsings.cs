global using Xunit;

// Sockets that say who asks, signals and mounts: the store runs elsewhere too, these tests of it do not.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
