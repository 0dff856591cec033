# Promotes the model of a run to current: --latest or --run-id RUN.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps promote @args
