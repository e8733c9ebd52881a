using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace Signalbox.Server.Dashboard.Frame;

/// <summary>The style sheet, the modules and the mark, embedded in this assembly: they need no folder and no publish step. Immutable; safe to call from several threads.</summary>
internal sealed class DashboardAssets
{
    private const string Folder = "Assets/";

    private readonly FrozenDictionary<string, DashboardAsset> _assets = typeof(DashboardAssets).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        .ToFrozenDictionary(name => name[Folder.Length..], Load, StringComparer.Ordinal);

    public IEnumerable<string> Names => _assets.Keys;

    public DashboardAsset? Find(string name) => _assets.GetValueOrDefault(name);

    /// <summary>
    /// An asset asked for by its version never changes; asked for without (as modules ask for each other), the browser asks again each time, and is told that nothing has changed.
    /// </summary>
    public Results<FileContentHttpResult, NotFound> Serve(string file, HttpContext http)
    {
        if (Find(file) is not { } asset)
        {
            return TypedResults.NotFound();
        }

        http.Response.Headers.CacheControl = http.Request.Query["v"] == asset.Version ? "public, max-age=31536000, immutable" : "no-cache";
        return TypedResults.Bytes(asset.Content, asset.ContentType, entityTag: new EntityTagHeaderValue($"\"{asset.Version}\""));
    }

    private static DashboardAsset Load(string resource)
    {
        using var stream = typeof(DashboardAssets).Assembly.GetManifestResourceStream(resource)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        const int VersionLength = 16;
        return new(content, TypeOf(resource), Convert.ToHexStringLower(SHA256.HashData(content))[..VersionLength]);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"Nobody has said what type '{other}' of the asset '{name}' is."),
    };
}

/// <summary>An asset. <paramref name="Version"/> is made of its content.</summary>
internal sealed record DashboardAsset(byte[] Content, string ContentType, string Version);
