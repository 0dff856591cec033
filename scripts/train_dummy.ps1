# Makes a random model and promotes it where the policy allows.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps train-dummy @args
