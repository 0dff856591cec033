# Creates a random model and promotes it if the policy allows it.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps train-dummy @args
