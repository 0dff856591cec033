# Makes a run the current model: --latest or --run-id RUN.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps promote @args
