# Trains the tabular baseline; without arguments on the toy table of six rows, without promotion.
. (Join-Path $PSScriptRoot "lib.ps1")
if ($args.Count -eq 0) { Invoke-BalanceOps train-tabular-baseline --csv-path examples/datasets/toy.csv --target-col y --dataset-name toy --no-auto-promote }
else { Invoke-BalanceOps train-tabular-baseline @args }
