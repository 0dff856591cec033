# Creates the database, or migrates an older one to the current schema.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps init-db @args
