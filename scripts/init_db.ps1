# Creates the database, or brings an older one to the newest schema.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps init-db @args
