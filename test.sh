#!/usr/bin/env bash
# Restores, checks the format, builds and runs every test. Ends with one line: "N passed, N failed, N skipped".
# Needs the .NET SDK that global.json names; everything else is restored from NuGet. Set CI=true for locked restore and no skipped test.
set -uo pipefail
cd "$(dirname "$0")" || exit 2

step() { printf '\n== %s\n' "$1"; }

step 'restore'
if [ "${CI:-}" = true ]; then dotnet restore --locked-mode || exit 1; else dotnet restore || exit 1; fi

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
