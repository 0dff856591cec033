# Runs the complete loop once on the German credit data.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-BalanceOps e2e --dataset-spec examples/dataset_specs/german_credit.json @args
