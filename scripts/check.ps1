# Runs the complete loop once; the tests run on Linux (scripts/check.sh).
. (Join-Path $PSScriptRoot "lib.ps1")
& (Join-Path $PSScriptRoot "e2e.ps1") @args
