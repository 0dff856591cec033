# Records a demo run.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps demo-run @args
