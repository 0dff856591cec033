# Creates the database and records a demo run.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps init-db
Invoke-BalanceOps demo-run @args
