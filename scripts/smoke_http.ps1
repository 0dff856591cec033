# Checks a running API.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps smoke-http @args
