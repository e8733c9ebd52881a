#!/usr/bin/env bash
# Restores, checks the format, builds and runs every test. Ends with one line: "N passed, N failed, N skipped".
# Needs the .NET SDK that global.json names; everything else is restored from NuGet, from npm the MCP servers that tests talk to, and from Debian (as root) the firewall that tests block with, the browser that looks at the dashboard, and the Prometheus that scrapes it. Set CI=true for locked restore and no skipped test.
set -uo pipefail
cd "$(dirname "$0")" || exit 2

step() { printf '\n== %s\n' "$1"; }

step 'restore'
if [ "${CI:-}" = true ]; then dotnet restore --locked-mode || exit 1; else dotnet restore || exit 1; fi

# Debian packages, where this may install them. RUNLEVEL: no service is started.
install() {
  if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } > /dev/null || echo "apt-get could not install $*."
  fi
}

step 'MCP servers for the tests (npm)'
mcp=tests/Signalbox.Mcp.Tests
command -v npm > /dev/null || install nodejs npm
if [ "$mcp/node_modules/.package-lock.json" -nt "$mcp/package-lock.json" ]; then
  echo 'Installed already.'
elif ! command -v npm > /dev/null; then
  echo 'npm is missing: install Node.js 20 or newer with npm. The tests with real MCP servers are skipped.'
else
  (cd "$mcp" && npm ci --ignore-scripts --no-audit --no-fund) || echo 'npm ci failed. The tests with real MCP servers are skipped.'
fi

step 'firewall for the tests (nftables, in network namespaces)'
PATH=$PATH:/usr/sbin:/sbin
{ command -v nft && command -v ip; } > /dev/null || install nftables iproute2
if ! { command -v nft && command -v ip; } > /dev/null; then
  echo 'nft or ip is missing: install nftables and iproute2. The tests with a real firewall are skipped.'
elif [ "$(id -u)" -ne 0 ]; then
  echo 'Only root makes network namespaces. The tests with a real firewall are skipped.'
else
  echo "$(nft --version), $(ip -V)"
fi

step 'browser and Prometheus for the tests'
command -v chromium > /dev/null || install chromium fonts-dejavu-core
command -v prometheus > /dev/null || install prometheus
command -v chromium > /dev/null || echo 'chromium is missing: install it. The tests in a real browser are skipped.'
command -v prometheus > /dev/null || echo 'prometheus is missing: install it. The tests with a real Prometheus are skipped.'
echo "$(chromium --version 2> /dev/null | head -1), $(prometheus --version 2>&1 | head -1)"

step 'format'
dotnet format whitespace --no-restore --verify-no-changes || { echo 'Run: dotnet format whitespace'; exit 1; }

step 'build'
dotnet build --no-restore || exit 1

step 'test'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
hung=artifacts/hung
rm -rf "$hung"
# A test project in which no test begins or ends for five minutes is ended, and the tests that were running are named.
dotnet test --no-build --no-ansi --no-progress --hangdump --hangdump-timeout 5m --hangdump-type Mini --results-directory "$hung" "$@" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}
for tests in "$hung"/*_hang.log; do
  if [ -f "$tests" ]; then printf '\nStood still for five minutes (%s):\n' "$tests"; cat "$tests"; echo; fi
done

passed=$(awk '/^  succeeded: /{n+=$2} END{print n+0}' "$log")
failed=$(awk '/^  failed: /{n+=$2} END{print n+0}' "$log")
skipped=$(awk '/^  skipped: /{n+=$2} END{print n+0}' "$log")
if [ $((passed + failed)) -eq 0 ]; then echo 'No test ran.'; code=8; fi
if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then echo "The test run ended with exit code $code."; fi
if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then echo 'CI skips nothing: a skipped test is a failure here.'; [ "$code" -ne 0 ] || code=9; fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$code"
