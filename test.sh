#!/usr/bin/env bash
# Restores, checks the format, builds and runs every test. Ends with one line: "N passed, N failed, N skipped".
# Needs the .NET SDK that global.json names; everything else is restored from NuGet, and from npm the MCP servers that tests talk to. Set CI=true for locked restore and no skipped test.
set -uo pipefail
cd "$(dirname "$0")" || exit 2

step() { printf '\n== %s\n' "$1"; }

step 'restore'
if [ "${CI:-}" = true ]; then dotnet restore --locked-mode || exit 1; else dotnet restore || exit 1; fi

step 'MCP servers for the tests (npm)'
mcp=tests/Signalbox.Mcp.Tests
if ! command -v npm > /dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm; } > /dev/null || echo 'apt-get could not install nodejs and npm.'
fi
if [ "$mcp/node_modules/.package-lock.json" -nt "$mcp/package-lock.json" ]; then
  echo 'Installed already.'
elif ! command -v npm > /dev/null; then
  echo 'npm is missing: install Node.js 20 or newer with npm. The tests with real MCP servers are skipped.'
else
  (cd "$mcp" && npm ci --ignore-scripts --no-audit --no-fund) || echo 'npm ci failed. The tests with real MCP servers are skipped.'
fi

step 'format'
dotnet format whitespace --no-restore --verify-no-changes || { echo 'Run: dotnet format whitespace'; exit 1; }

step 'build'
dotnet build --no-restore || exit 1

step 'test'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dotnet test --no-build --no-ansi --no-progress "$@" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}

passed=$(awk '/^  succeeded: /{n+=$2} END{print n+0}' "$log")
failed=$(awk '/^  failed: /{n+=$2} END{print n+0}' "$log")
skipped=$(awk '/^  skipped: /{n+=$2} END{print n+0}' "$log")
if [ $((passed + failed)) -eq 0 ]; then echo 'No test ran.'; code=8; fi
if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then echo "The test run ended with exit code $code."; fi
if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then echo 'CI skips nothing: a skipped test is a failure here.'; [ "$code" -ne 0 ] || code=9; fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$code"
