# Runs the CI steps that can run in the container; format, lint and tests run on Linux (scripts/ci_check.sh).
. (Join-Path $PSScriptRoot "lib.ps1")
& (Join-Path $PSScriptRoot "e2e.ps1") @args
